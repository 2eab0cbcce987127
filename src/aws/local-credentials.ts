import type { FoundCredentials } from "../core/credentials.js";

/** Credentials that are stored or offered on this machine, through the AWS SDK's own providers: only ever asked for by name. */
export interface LocalCredentials {
  /**
   * Of a profile in the user's AWS files; `region` is that of STS where the profile assumes a role. Rejects with
   * ConfigInvalid where the profile cannot be used, with LoginRequired where it gives nothing now.
   */
  profile(name: string, region: string): Promise<FoundCredentials>;
  /** Of the EC2 instance, by IMDSv2. Rejects with AwsUnreachable, or ConfigInvalid where no role is attached. */
  instanceMetadata(): Promise<FoundCredentials>;
  /** Of the ECS task or EKS pod. Rejects with AwsUnreachable, or ConfigInvalid where there is none. */
  container(): Promise<FoundCredentials>;
}
