import { join } from "node:path";
import { AuditLog } from "../audit/audit-log.js";
import { type Aws, createAws } from "../aws/aws.js";
import { awsEnvironment } from "../aws/aws-environment.js";
import type { LocalCredentials } from "../aws/local-credentials.js";
import type { SsoPortal } from "../aws/sso.js";
import type { RunningConfig } from "../control/control-services.js";
import { onFirstUse } from "../core/on-first-use.js";
import type { ContainerSource, InstanceMetadataSource, ProcessSource, ProfileSource, Source } from "../core/role.js";
import { CredentialsCache } from "../credentials/credentials-cache.js";
import { CredentialsRegistry } from "../credentials/credentials-registry.js";
import { narrowRole } from "../credentials/narrow-role.js";
import { createAssumeRole, createNarrow, RoleProvider } from "../credentials/role-provider.js";
import { AwsSsoCacheSourceProvider } from "../credentials/sources/aws-sso-cache-source.js";
import { ConsoleLoginSourceProvider } from "../credentials/sources/console-login-source.js";
import { ExternalCredentials, type ExternalCredentialsOptions } from "../credentials/sources/external-credentials.js";
import { KeyStore } from "../credentials/sources/key-store.js";
import { KeysSessions } from "../credentials/sources/keys-sessions.js";
import { MfaCodes } from "../credentials/sources/mfa-codes.js";
import { ProcessCredentials } from "../credentials/sources/process-source.js";
import type { AssumeRole, SourceProviders } from "../credentials/sources/source-provider.js";
import { SsoSourceProvider } from "../credentials/sources/sso-source.js";
import { WebIdentitySourceProvider } from "../credentials/sources/web-identity-source.js";
import { readSmallFile } from "../files/read-small-file.js";
import { listenForCallback } from "../http/callback-listener.js";
import { LeaseRegistry } from "../leases/lease-registry.js";
import { type ConsoleLogins, createConsoleLogins } from "../sso/sign-in/console-logins.js";
import { createSso, type Sso, type SsoOptions } from "../sso/sso.js";
import type { Clock } from "../system/clock.js";
import type { DesktopNotices } from "../system/desktop-notices.js";
import type { Logger } from "../system/logger.js";
import { type BrokerPaths, homeDirectory, runtimeDirectoryOf } from "../system/paths.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import type { ProcessTable } from "../system/process-identity.js";
import { redactText } from "../system/redact.js";
import { type Programs, SystemPrograms } from "../system/run-program.js";
import type { InheritedSockets } from "../system/socket-activation.js";
import { ProcSocketProcesses } from "../system/socket-processes.js";
import { buildGuard, type GuardServices } from "./build-guard.js";
import { CurrentStore } from "./current-store.js";
import { buildDeployed, type Deployed } from "./deployed.js";
import { StoreLifecycle } from "./store-lifecycle.js";
import { buildUnasked, type Unasked } from "./unasked.js";

/** Everything a daemon takes from outside; the entry fills it from the process, tests by hand. */
export interface DaemonOptions {
  readonly paths: BrokerPaths;
  /** Cleaned (system/clean-environment). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whose the programs are that connect to the endpoint. */
  readonly peers: PeerIdentity;
  /** False: the endpoint's app answers all, also what is in memory. For tests: the answers are the same. */
  readonly fromMemory?: boolean | undefined;
  /** Begins a new log file; undefined: the log is a stream. */
  readonly rotateLog?: (() => Promise<void>) | undefined;
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number;
  readonly version: string;
  readonly pid: number;
  /** For `{user}` and `{host}` in role_session_name. */
  readonly user: string;
  readonly host: string;
  /** Where the files of the page are (`brokerctl ui`). */
  readonly pageDirectory: string;
  /** How the keychain child is started. */
  readonly keychainChild: { readonly nodePath: string; readonly scriptPath: string };
  /** Stays up without a valid config, and serves around bad entries of it (`degraded`); a foreground daemon gives up instead. */
  readonly supervised: boolean;
  /** The unit that started us takes from our programs what they may need: right only while there are none. */
  readonly hardened?: boolean;
  /** Sockets that a service manager holds for us: the port is theirs, whatever the config says. */
  readonly inherited?: InheritedSockets | undefined;
  /** Epoch milliseconds: when the command that starts us was run; a `brokerctl stop` after it keeps us from starting. */
  readonly wantedSince?: number | undefined;
  /** Where notices are shown; default: on the desktop of the user's session. */
  readonly notices?: DesktopNotices | undefined;
  /** `brokerctl stop` was asked for. */
  readonly onStopRequested: () => void;
}

export interface Services extends Unasked, GuardServices, Deployed {
  readonly aws: Aws;
  readonly store: CurrentStore;
  readonly keys: KeyStore;
  readonly sessions: KeysSessions;
  readonly sources: SourceProviders;
  readonly programs: SystemPrograms;
  readonly sso: Sso;
  readonly consoleLogins: ConsoleLogins;
  readonly credentials: CredentialsRegistry;
  readonly cache: CredentialsCache;
  readonly leases: LeaseRegistry;
  readonly lifecycle: StoreLifecycle;
  readonly audit: AuditLog;
}

export interface ServicesParts {
  readonly processes: ProcessTable;
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  readonly config: Pick<RunningConfig, "current" | "problem">;
  /** Awaited before a change of leases is acknowledged. */
  readonly onLeasesChanged: () => Promise<void>;
  /** What is held of credentials and MFA sessions is another. */
  readonly onHeldChanged: () => void;
}

/** The composition root: what lives in the daemon is made here, bottom up, and nowhere else. */
export function buildServices(options: DaemonOptions, parts: ServicesParts): Services {
  const { environment, clock, logger, random } = options;
  const { config } = parts;
  const aws = createAws({ environment: awsEnvironment(environment), clock, logger });
  const store = new CurrentStore();
  const keys = new KeyStore(store);
  const programs = new SystemPrograms({ environment, clock });
  const assumeRole = createAssumeRole({ sts: aws.sts, clock });
  const onChange = (): void => {
    cache.save();
    parts.onHeldChanged();
  };

  const codes = new MfaCodes({ programs, clock });
  const sessions = new KeysSessions({ keys, codes, sts: aws.sts, assumeRole, clock, onChange });
  const onLoggedIn = (source: string): void => credentials.wake(source);
  const sso = buildSso(options, { aws, store, config, onLoggedIn });
  const consoleLogins = createConsoleLogins({
    ...{ signIn: aws.signIn, secrets: store, clock, logger, onLoggedIn },
    listen: (listening) => listenForCallback(listening, { clock, logger }),
  });
  const external = buildExternalSources(options, { aws, portal: sso.portal, assumeRole, programs });
  const sources = {
    ...{ keys: sessions, sso: new SsoSourceProvider({ ...sso, clock }) },
    console_login: new ConsoleLoginSourceProvider({ ...consoleLogins, assumeRole }),
    ...external.providers,
  };

  const narrow = createNarrow({ sts: aws.sts, clock });
  const upstream = new RoleProvider({ assumeRole, narrow, sources });
  const credentials: CredentialsRegistry = new CredentialsRegistry({
    retrieveUpstream: (role, hops) => upstream.retrieve(role, hops),
    ...{ clock, logger, random, onChange },
  });
  const cache = new CredentialsCache({
    ...{ cache: store, registry: credentials, sessions, logger },
    sources: () => sourcesInForce(config),
  });
  const audit = buildAudit(options, parts, store);
  const leases = buildLeases(options, parts, { store, audit });
  const lifecycle = new StoreLifecycle({
    ...{ store, cache, registry: credentials, sessions, sso, consoleLogins, external, leases, logger },
    configProblem: () => config.problem(),
  });
  const runtimeDir = runtimeDirectoryOf({ env: environment, uid: process.getuid?.() ?? -1 });
  const made = {
    ...{ aws, store, keys, sessions, sources, programs, sso, consoleLogins },
    ...{ credentials, cache, leases, lifecycle, audit },
  };
  return {
    ...made,
    ...buildUnasked(options, { ...made, ...parts, runtimeDir }),
    ...buildDeployed({ ...options, ...parts, aws, narrow: narrowRole }),
    ...buildGuard(options, { ...parts, store, runtimeDir }),
  };
}

function sourcesInForce(config: ServicesParts["config"]): ReadonlyMap<string, Source> {
  return config.current()?.sources ?? new Map<string, Source>();
}

function buildSso(
  { clock, logger, random }: DaemonOptions,
  parts: Pick<Services, "aws" | "store"> & Pick<ServicesParts, "config"> & Pick<SsoOptions, "onLoggedIn">,
): Sso {
  const { aws, store, config, onLoggedIn } = parts;
  return createSso({
    ...{ oidc: aws.ssoOidc, portal: aws.sso, secrets: store, clock, logger, random, onLoggedIn },
    listen: (listening) => listenForCallback(listening, { clock, logger }),
    sources: () => [...sourcesInForce(config).values()].filter((source) => source.type === "sso"),
  });
}

interface ExternalSourcesParts {
  readonly aws: Aws;
  /** The paced one, which all callers share. */
  readonly portal: SsoPortal;
  readonly assumeRole: AssumeRole;
  readonly programs: Programs;
}

interface ExternalSources {
  readonly providers: Omit<SourceProviders, "keys" | "sso" | "console_login">;
  /** Lock: what was found is forgotten. */
  readonly dropAll: () => void;
}

/** Sources whose login or key is kept outside of us: in files, by programs, by the AWS CLI, by the machine. */
function buildExternalSources(
  { clock, environment }: DaemonOptions,
  { aws, portal, assumeRole, programs }: ExternalSourcesParts,
): ExternalSources {
  const { sts } = aws;
  const home = environment["HOME"] ?? homeDirectory();
  const local = onFirstUse<LocalCredentials>(async () => {
    const { SdkLocalCredentials } = await import("../aws/sdk-local-credentials.js");
    return new SdkLocalCredentials({ sts, clock, home, variables: environment });
  });
  const kept: { dropAll(): void }[] = [];
  const external = <S extends Source>(
    asked: Pick<ExternalCredentialsOptions<S>, "find" | "check">,
  ): ExternalCredentials<S> => {
    const credentials = new ExternalCredentials<S>({ ...asked, sts, assumeRole, clock });
    kept.push(credentials);
    return credentials;
  };

  const processes = new ProcessCredentials({ programs, clock });
  const directory = join(home, ".aws", "sso", "cache");
  return {
    providers: {
      web_identity: new WebIdentitySourceProvider({ readFile: readSmallFile, sts, clock }),
      process: external<ProcessSource>({
        find: (source) => processes.find(source),
        check: (source) => processes.check(source),
      }),
      aws_sso_cache: new AwsSsoCacheSourceProvider({ directory, readFile: readSmallFile, portal, clock }),
      profile: external<ProfileSource>({ find: ({ profile, stsRegion }) => local.profile(profile, stsRegion) }),
      instance_metadata: external<InstanceMetadataSource>({ find: () => local.instanceMetadata() }),
      container: external<ContainerSource>({ find: () => local.container() }),
    },
    dropAll: () => kept.forEach((credentials) => credentials.dropAll()),
  };
}

function buildAudit(
  { paths, clock, logger }: DaemonOptions,
  { processes: table }: ServicesParts,
  secrets: CurrentStore,
): AuditLog {
  const processes = new ProcSocketProcesses({ clock, processes: table });
  return new AuditLog({ stateDir: paths.stateDir, secrets, processes, redact: redactText, clock, logger });
}

function buildLeases(
  { paths, clock, logger }: DaemonOptions,
  { processes, writeAtomic, onLeasesChanged: onChange }: ServicesParts,
  { store: secrets, audit }: Pick<Services, "store" | "audit">,
): LeaseRegistry {
  const path = join(paths.stateDir, "leases.json");
  return new LeaseRegistry({ path, writeAtomic, secrets, clock, processes, logger, audit, onChange });
}
