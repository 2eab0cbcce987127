import { join } from "node:path";
import { AuditLog } from "../audit/audit-log.js";
import { type Aws, createAws } from "../aws/aws.js";
import { awsEnvironment } from "../aws/aws-environment.js";
import type { LocalCredentials } from "../aws/local-credentials.js";
import { SdkLocalCredentials } from "../aws/sdk-local-credentials.js";
import type { SsoPortal } from "../aws/sso.js";
import type { RunningConfig } from "../control/control-services.js";
import type { ContainerSource, InstanceMetadataSource, ProcessSource, ProfileSource, Source } from "../core/role.js";
import { CredentialsCache } from "../credentials/credentials-cache.js";
import { CredentialsRegistry } from "../credentials/credentials-registry.js";
import { createAssumeRole, RoleProvider } from "../credentials/role-provider.js";
import { AwsSsoCacheSourceProvider } from "../credentials/sources/aws-sso-cache-source.js";
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
import { createDeployedFunctions, type DeployedFunctions } from "../lambda/deployed-functions.js";
import { LambdaRoles } from "../lambda/lambda-roles.js";
import { LeaseRegistry } from "../leases/lease-registry.js";
import { Confirmations } from "../requests/confirmations.js";
import { Questions } from "../requests/questions.js";
import { RequestRegistry } from "../requests/request-registry.js";
import { createSso, type Sso } from "../sso/sso.js";
import type { Clock } from "../system/clock.js";
import { SystemDialogs } from "../system/desktop-dialog.js";
import type { Logger } from "../system/logger.js";
import { type BrokerPaths, homeDirectory, runtimeDirectoryOf } from "../system/paths.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import type { ProcessTable } from "../system/process-identity.js";
import { redactText } from "../system/redact.js";
import { type Programs, SystemPrograms } from "../system/run-program.js";
import { toolRunner } from "../system/service/run-tool.js";
import { SessionDisplay } from "../system/session-display.js";
import type { InheritedSockets } from "../system/socket-activation.js";
import { ProcSocketProcesses } from "../system/socket-processes.js";
import { CurrentStore } from "./current-store.js";
import { StoreLifecycle } from "./store-lifecycle.js";

/** Everything a daemon takes from outside; the entry fills it from the process, tests by hand. */
export interface DaemonOptions {
  readonly paths: BrokerPaths;
  /** Cleaned (system/clean-environment). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whose the programs are that connect to the endpoint. */
  readonly peers: PeerIdentity;
  /** Begins a new log file; undefined: the log is a stream. */
  readonly rotateLog?: (() => Promise<void>) | undefined;
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number;
  readonly version: string;
  readonly pid: number;
  /** For `{user}` and `{host}` in role_session_name. */
  readonly user: string;
  readonly host: string;
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
  /** `brokerctl stop` was asked for. */
  readonly onStopRequested: () => void;
}

export interface Services {
  readonly aws: Aws;
  readonly store: CurrentStore;
  readonly keys: KeyStore;
  readonly sessions: KeysSessions;
  readonly sources: SourceProviders;
  readonly programs: SystemPrograms;
  readonly sso: Sso;
  readonly credentials: CredentialsRegistry;
  readonly cache: CredentialsCache;
  readonly leases: LeaseRegistry;
  readonly lambdaRoles: LambdaRoles;
  readonly functions: DeployedFunctions;
  readonly lifecycle: StoreLifecycle;
  readonly audit: AuditLog;
  readonly requests: RequestRegistry;
  readonly confirmations: Confirmations;
  readonly questions: Questions;
  readonly dialogs: SystemDialogs;
  readonly display: SessionDisplay;
}

export interface ServicesParts {
  readonly processes: ProcessTable;
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  readonly config: Pick<RunningConfig, "current" | "problem">;
  readonly publishToShells: () => Promise<void>;
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
  const onChange = (): void => cache.save();

  const codes = new MfaCodes({ programs, clock });
  const sessions = new KeysSessions({ keys, codes, sts: aws.sts, assumeRole, clock, onChange });
  const sso = buildSso(options, { aws, store, config, onLoggedIn: (source) => credentials.wake(source) });
  const external = buildExternalSources(options, { aws, portal: sso.portal, assumeRole, programs });
  const sources = { keys: sessions, sso: new SsoSourceProvider({ ...sso, clock }), ...external.providers };

  const upstream = new RoleProvider({ assumeRole, sources });
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
    ...{ store, cache, registry: credentials, sessions, sso, external, leases, logger },
    configProblem: () => config.problem(),
  });
  return {
    ...{ aws, store, keys, sessions, sources, programs, sso, credentials, cache, leases, lifecycle, audit },
    ...buildFunctions(options, parts, aws),
    ...buildGuard(options, parts, store),
  };
}

function sourcesInForce(config: ServicesParts["config"]): ReadonlyMap<string, Source> {
  return config.current()?.sources ?? new Map<string, Source>();
}

interface SsoParts extends Pick<ServicesParts, "config"> {
  readonly aws: Aws;
  readonly store: CurrentStore;
  readonly onLoggedIn: (source: string) => void;
}

function buildSso({ clock, logger, random }: DaemonOptions, { aws, store, config, onLoggedIn }: SsoParts): Sso {
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
  readonly providers: Omit<SourceProviders, "keys" | "sso">;
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
  { processes, writeAtomic, publishToShells: onChange }: ServicesParts,
  { store: secrets, audit }: Pick<Services, "store" | "audit">,
): LeaseRegistry {
  const path = join(paths.stateDir, "leases.json");
  return new LeaseRegistry({ path, writeAtomic, secrets, clock, processes, logger, audit, onChange });
}

function buildFunctions(
  { paths, clock }: DaemonOptions,
  { writeAtomic }: ServicesParts,
  { lambda, iamRoles, sts }: Aws,
): Pick<Services, "lambdaRoles" | "functions"> {
  const lambdaRoles = new LambdaRoles({ path: join(paths.stateDir, "lambda-roles.json"), writeAtomic, clock });
  return { lambdaRoles, functions: createDeployedFunctions({ lambda, iamRoles, sts, clock, roles: lambdaRoles }) };
}

function buildGuard(
  { paths, clock, environment }: DaemonOptions,
  { writeAtomic }: ServicesParts,
  store: CurrentStore,
): Pick<Services, "requests" | "confirmations" | "questions" | "dialogs" | "display"> {
  const { platform } = process;
  const runtimeDir = runtimeDirectoryOf({ env: environment, uid: process.getuid?.() ?? -1 });
  const display = new SessionDisplay(platform, toolRunner({ XDG_RUNTIME_DIR: runtimeDir }));
  const homeDir = environment["HOME"] ?? homeDirectory();
  const dialogs = new SystemDialogs({ platform, clock, homeDir, display: () => display.current() });
  return {
    requests: new RequestRegistry({ path: join(paths.stateDir, "requests.json"), writeAtomic, clock }),
    confirmations: new Confirmations(clock),
    questions: new Questions({ clock, dialogs, isPassphrase: (passphrase) => store.isPassphrase(passphrase) }),
    ...{ dialogs, display },
  };
}
