import { join } from "node:path";
import type { Aws } from "../aws/aws.js";
import type { LocalCredentials } from "../aws/local-credentials.js";
import { SdkLocalCredentials } from "../aws/sdk-local-credentials.js";
import type { SsoPortal } from "../aws/sso.js";
import type { ContainerSource, InstanceMetadataSource, ProcessSource, ProfileSource, Source } from "../core/role.js";
import { AwsSsoCache } from "../credentials/sources/aws-sso-cache.js";
import { AwsSsoCacheSourceProvider } from "../credentials/sources/aws-sso-cache-source.js";
import { ExternalCredentials, type ExternalCredentialsOptions } from "../credentials/sources/external-credentials.js";
import { ProcessCredentials } from "../credentials/sources/process-source.js";
import type { AssumeRole, SourceProviders } from "../credentials/sources/source-provider.js";
import { WebIdentitySourceProvider } from "../credentials/sources/web-identity-source.js";
import { readSmallFile } from "../files/read-small-file.js";
import { homeDirectory } from "../system/paths.js";
import type { Programs } from "../system/run-program.js";
import type { DaemonOptions } from "./daemon-options.js";

export interface ExternalSourcesParts {
  readonly aws: Aws;
  /** With the pace of all that asks it. */
  readonly portal: SsoPortal;
  readonly assumeRole: AssumeRole;
  readonly programs: Programs;
}

export interface ExternalSources {
  readonly providers: Omit<SourceProviders, "keys" | "sso">;
  /** Lock: what was found is forgotten. */
  readonly dropAll: () => void;
}

/** Sources whose login or key is kept outside of us: in files, by programs, by the AWS CLI, by the machine. */
export function buildExternalSources(
  { clock, environment }: DaemonOptions,
  { aws, portal, assumeRole, programs }: ExternalSourcesParts,
): ExternalSources {
  const { sts } = aws;
  const home = environment["HOME"] ?? homeDirectory();
  const local: LocalCredentials = new SdkLocalCredentials({ sts, clock, home, variables: environment });
  const kept: { dropAll(): void }[] = [];
  const external = <S extends Source>(
    asked: Pick<ExternalCredentialsOptions<S>, "find" | "check">,
  ): ExternalCredentials<S> => {
    const credentials = new ExternalCredentials<S>({ ...asked, sts, assumeRole, clock });
    kept.push(credentials);
    return credentials;
  };

  const processes = new ProcessCredentials({ programs, clock });
  const cache = new AwsSsoCache({ directory: join(home, ".aws", "sso", "cache"), readFile: readSmallFile, clock });
  return {
    providers: {
      web_identity: new WebIdentitySourceProvider({ readFile: readSmallFile, sts, clock }),
      process: external<ProcessSource>({
        find: (source) => processes.find(source),
        check: (source) => processes.check(source),
      }),
      aws_sso_cache: new AwsSsoCacheSourceProvider({ cache, portal, clock }),
      profile: external<ProfileSource>({ find: ({ profile, stsRegion }) => local.profile(profile, stsRegion) }),
      instance_metadata: external<InstanceMetadataSource>({ find: () => local.instanceMetadata() }),
      container: external<ContainerSource>({ find: () => local.container() }),
    },
    dropAll: () => kept.forEach((credentials) => credentials.dropAll()),
  };
}
