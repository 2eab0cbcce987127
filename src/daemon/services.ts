import { type Aws, createAws } from "../aws/aws.js";
import { awsEnvironment } from "../aws/aws-environment.js";
import type { Config } from "../config/config.js";
import type { Source } from "../core/role.js";
import { CredentialsCache } from "../credentials/credentials-cache.js";
import { CredentialsRegistry } from "../credentials/credentials-registry.js";
import { createAssumeRole, RoleProvider } from "../credentials/role-provider.js";
import { KeyStore } from "../credentials/sources/key-store.js";
import { KeysSessions } from "../credentials/sources/keys-sessions.js";
import { MfaCodes } from "../credentials/sources/mfa-codes.js";
import type { SourceProviders } from "../credentials/sources/source-provider.js";
import { SsoSourceProvider } from "../credentials/sources/sso-source.js";
import { listenForCallback } from "../http/callback-listener.js";
import { createDeployedFunctions, type DeployedFunctions } from "../lambda/deployed-functions.js";
import { LambdaRoles } from "../lambda/lambda-roles.js";
import { LeaseRegistry } from "../leases/lease-registry.js";
import { createSso, type Sso } from "../sso/sso.js";
import type { ProcessTable } from "../system/process-identity.js";
import { SystemPrograms } from "../system/run-program.js";
import { CurrentStore } from "./current-store.js";
import type { DaemonOptions } from "./daemon-options.js";
import { buildExternalSources } from "./external-sources.js";
import { StoreLifecycle } from "./store-lifecycle.js";

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
}

export interface Surroundings {
  readonly processes: ProcessTable;
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  readonly leasesPath: string;
  readonly lambdaRolesPath: string;
  readonly onLeasesChanged: () => Promise<void>;
  readonly config: {
    current(): Config | undefined;
    problem(): ReturnType<ConstructorParameters<typeof StoreLifecycle>[0]["configProblem"]>;
  };
}

/** The composition root: what lives in the daemon is made here, bottom up, and nowhere else. */
export function buildServices(options: DaemonOptions, surroundings: Surroundings): Services {
  const { clock, logger, random } = options;
  const { config } = surroundings;
  const aws = createAws({ environment: awsEnvironment(options.environment), clock, logger });
  const store = new CurrentStore();
  const keys = new KeyStore(store);
  const onChange = (): void => cache.save();

  const sources = (): ReadonlyMap<string, Source> => config.current()?.sources ?? new Map<string, Source>();
  const programs = new SystemPrograms({ environment: options.environment, clock });
  const assumeRole = createAssumeRole({ sts: aws.sts, clock });
  const sessions = new KeysSessions({
    ...{ keys, sts: aws.sts, assumeRole, clock, onChange },
    codes: new MfaCodes({ programs, clock }),
  });
  const sso = buildSso(options, { aws, store, sources, onLoggedIn: (source) => credentials.wake(source) });
  const external = buildExternalSources(options, { aws, portal: sso.portal, assumeRole, programs });
  const providers: SourceProviders = {
    keys: sessions,
    sso: new SsoSourceProvider({ ...sso, clock }),
    ...external.providers,
  };
  const upstream = new RoleProvider({ assumeRole, sources: providers });
  const credentials: CredentialsRegistry = new CredentialsRegistry({
    retrieveUpstream: (role, hops) => upstream.retrieve(role, hops),
    ...{ clock, logger, random, onChange },
  });

  const cache = new CredentialsCache({ cache: store, registry: credentials, sessions, logger, sources });
  const leases = buildLeases(options, surroundings, store);
  const configProblem = (): ReturnType<typeof config.problem> => config.problem();
  const lifecycle = new StoreLifecycle({
    store,
    cache,
    registry: credentials,
    sessions,
    sso,
    external,
    leases,
    logger,
    configProblem,
  });
  return {
    ...{ aws, store, keys, sessions, sources: providers, programs, sso, credentials, cache, leases, lifecycle },
    ...buildFunctions(options, surroundings, aws),
  };
}

interface SsoSurroundings {
  readonly aws: Aws;
  readonly store: CurrentStore;
  readonly sources: () => ReadonlyMap<string, Source>;
  readonly onLoggedIn: (source: string) => void;
}

function buildSso({ clock, logger, random }: DaemonOptions, { aws, store, sources, onLoggedIn }: SsoSurroundings): Sso {
  return createSso({
    ...{ oidc: aws.ssoOidc, portal: aws.sso, secrets: store, clock, logger, random, onLoggedIn },
    listen: (listening) => listenForCallback(listening, { clock, logger }),
    sources: () => [...sources().values()].filter((source) => source.type === "sso"),
  });
}

function buildLeases({ clock, logger }: DaemonOptions, surroundings: Surroundings, store: CurrentStore): LeaseRegistry {
  const { processes, writeAtomic, leasesPath: path, onLeasesChanged: onChange } = surroundings;
  return new LeaseRegistry({ path, writeAtomic, secrets: store, clock, processes, logger, onChange });
}

function buildFunctions(
  { clock }: DaemonOptions,
  { writeAtomic, lambdaRolesPath: path }: Surroundings,
  { lambda, iamRoles, sts }: Aws,
): Pick<Services, "lambdaRoles" | "functions"> {
  const lambdaRoles = new LambdaRoles({ path, writeAtomic, clock });
  return { lambdaRoles, functions: createDeployedFunctions({ lambda, iamRoles, sts, clock, roles: lambdaRoles }) };
}
