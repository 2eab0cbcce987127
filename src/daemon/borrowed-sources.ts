import { join } from "node:path";
import type { Aws } from "../aws/aws.js";
import type { LocalCredentials } from "../aws/local-credentials.js";
import { SdkLocalCredentials } from "../aws/sdk-local-credentials.js";
import type { SsoPortal } from "../aws/sso.js";
import type { ContainerSource, InstanceMetadataSource, ProcessSource, ProfileSource, Source } from "../core/role.js";
import { AwsSsoCache } from "../credentials/sources/aws-sso-cache.js";
import { AwsSsoCacheSourceProvider } from "../credentials/sources/aws-sso-cache-source.js";
import { BorrowedCredentials, type BorrowedCredentialsOptions } from "../credentials/sources/borrowed-credentials.js";
import { ProcessCredentials } from "../credentials/sources/process-source.js";
import type { AssumeRole, SourceProviders } from "../credentials/sources/source-provider.js";
import { WebIdentitySourceProvider } from "../credentials/sources/web-identity-source.js";
import { readSmallFile } from "../files/read-small-file.js";
import { homeDirectory } from "../system/paths.js";
import type { Programs } from "../system/run-program.js";
import type { DaemonOptions } from "./daemon-options.js";

export interface BorrowedSourcesParts {
  readonly aws: Aws;
  /** With the pace of all that asks it. */
  readonly portal: SsoPortal;
  readonly assumeRole: AssumeRole;
  readonly programs: Programs;
}

export interface BorrowedSources {
  readonly providers: Omit<SourceProviders, "keys" | "sso">;
  /** Lock: whatever was found is forgotten. */
  readonly dropAll: () => void;
}

/** The sources that somebody else keeps: files, programs, the AWS CLI, the machine. */
export function buildBorrowedSources(
  { clock, environment }: DaemonOptions,
  { aws, portal, assumeRole, programs }: BorrowedSourcesParts,
): BorrowedSources {
  const { sts } = aws;
  const home = environment["HOME"] ?? homeDirectory();
  const local: LocalCredentials = new SdkLocalCredentials({ sts, clock, home, variables: environment });
  const kept: { dropAll(): void }[] = [];
  const borrow = <S extends Source>(
    asked: Pick<BorrowedCredentialsOptions<S>, "find" | "check">,
  ): BorrowedCredentials<S> => {
    const borrowed = new BorrowedCredentials<S>({ ...asked, sts, assumeRole, clock });
    kept.push(borrowed);
    return borrowed;
  };

  const processes = new ProcessCredentials({ programs, clock });
  const cache = new AwsSsoCache({ directory: join(home, ".aws", "sso", "cache"), readFile: readSmallFile, clock });
  return {
    providers: {
      web_identity: new WebIdentitySourceProvider({ readFile: readSmallFile, sts, clock }),
      process: borrow<ProcessSource>({
        find: (source) => processes.find(source),
        check: (source) => processes.check(source),
      }),
      aws_sso_cache: new AwsSsoCacheSourceProvider({ cache, portal, clock }),
      profile: borrow<ProfileSource>({ find: ({ profile, stsRegion }) => local.profile(profile, stsRegion) }),
      instance_metadata: borrow<InstanceMetadataSource>({ find: () => local.instanceMetadata() }),
      container: borrow<ContainerSource>({ find: () => local.container() }),
    },
    dropAll: () => kept.forEach((borrowed) => borrowed.dropAll()),
  };
}
