import { containerEndpoint } from "./container.js";
import { goIni } from "./ini-dialects.js";
import { type Answer, type Failure, isFailure, type Rule, type Source } from "./judge.js";
import {
  has,
  merged,
  NO_SETTINGS,
  namedSections,
  type Profiles,
  placeOf,
  type ReadFile,
  type Settings,
  valueOf,
} from "./profiles.js";
import * as providers from "./providers.js";
import { type Shell, said } from "./shell.js";

/** The SDK v2 for Go, Terraform's provider and its S3 backend: the source is chosen once, when the configuration is loaded. */
export interface Go extends Profiles {
  readonly shell: Shell;
  readonly profile: providers.NamedProfile;
  /** What is wrong with the profile, or with one that it leads to. */
  readonly invalid: Failure | undefined;
  readonly habits: GoHabits;
}

/** Where the two SDKs differ. */
export interface GoHabits {
  /**
   * Headings of both files may have `profile` before the name or not, a byte order mark is an error, a profile that is not there
   * and half a key are none, and EcsContainer as the source of a role means a relative URI.
   */
  readonly isV1: boolean;
  readonly knows: (setting: string) => boolean;
}

const V2: GoHabits = { isV1: false, knows: () => true };

export function seenByGo(shell: Shell, habits: GoHabits = V2): Go {
  const { env, files, text } = shell;
  const config = { path: files.config, reading: goIni(text(files.config) ?? "") };
  const credentials = { path: files.credentials, reading: goIni(text(files.credentials) ?? "") };
  const [inConfig, inCredentials] = [profilesIn(config, true, habits), profilesIn(credentials, false, habits)];
  const name = said(env, "AWS_PROFILE", "AWS_DEFAULT_PROFILE") ?? "default";
  const all: Profiles = {
    profiles: merged(inConfig, inCredentials),
    sessions: namedSections(config, (heading) => behind(heading, "sso-session ")),
  };
  const profile = { name, settings: all.profiles.get(name) ?? NO_SETTINGS };
  const halves = habits.isV1 ? NO_HALVES : halfKeys([inConfig, inCredentials]);
  return { ...all, shell, profile, habits, invalid: invalidity({ ...all, shell, halves }, profile, habits) };
}

function profilesIn(file: ReadFile, isConfig: boolean, { isV1, knows }: GoHabits): ReadonlyMap<string, Settings> {
  const prefixed = namedSections(file, (heading) => behind(heading, "profile "));
  const plain = namedSections(file, (heading) => (behind(heading, "profile ") === undefined ? heading : undefined));
  if (isV1) return known(new Map([...prefixed, ...plain]), knows);
  if (!isConfig) return known(plain, knows);
  const defaults = [...plain].filter(([name]) => name.toLowerCase() === "default");
  return known(new Map([...defaults, ...prefixed]), knows);
}

function behind(heading: string, prefix: string): string | undefined {
  return heading.startsWith(prefix) ? heading.slice(prefix.length) : undefined;
}

function invalidity(loaded: Loaded, profile: providers.NamedProfile, { isV1 }: GoHabits): Failure | undefined {
  const first = isV1 ? fileWithMark(loaded.shell) : missingProfile(loaded, profile.name);
  return first ?? invalidIn(loaded, profile, []);
}

function known(
  sections: ReadonlyMap<string, Settings>,
  knows: (setting: string) => boolean,
): ReadonlyMap<string, Settings> {
  const kept = (settings: Settings): Settings => new Map([...settings].filter(([name]) => knows(name)));
  return new Map([...sections].map(([name, settings]) => [name, kept(settings)]));
}

function fileWithMark({ files, text }: Shell): Failure | undefined {
  const path = [files.config, files.credentials].find((each) => text(each)?.startsWith("\uFEFF"));
  return path === undefined ? undefined : { failure: `${path} begins with a byte order mark`, at: path };
}

function missingProfile({ profiles, shell: { env } }: Loaded, name: string): Failure | undefined {
  if (!env["AWS_PROFILE"] || profiles.has(name)) return undefined;
  return { failure: `AWS_PROFILE names the profile ${name}, which is in neither file`, at: "AWS_PROFILE" };
}

const NO_HALVES: ReadonlySet<string> = new Set();

interface Loaded extends Profiles {
  readonly shell: Shell;
  /** Profiles of which the last file that has them holds one half of a key only. */
  readonly halves: ReadonlySet<string>;
}

function halfKeys(files: readonly ReadonlyMap<string, Settings>[]): ReadonlySet<string> {
  const isHalf = (settings: Settings): boolean =>
    has(settings, providers.KEY_ID) !== has(settings, providers.KEY_SECRET);
  const last = new Map(files.flatMap((file) => [...file]));
  return new Set([...last].filter(([, settings]) => isHalf(settings)).map(([name]) => name));
}

const EXCLUSIVE = ["source_profile", "credential_source", "credential_process", "web_identity_token_file"] as const;
const WANTS_ROLE = ["source_profile", "credential_source", "web_identity_token_file"] as const;

function invalidIn(loaded: Loaded, profile: providers.NamedProfile, visited: readonly string[]): Failure | undefined {
  const { name, settings } = profile;
  const wrong = (failure: string, ...names: string[]): Failure => ({ failure, at: placeOf(settings, ...names) });
  if (loaded.halves.has(name)) return wrong(`[${name}] has half a key`, providers.KEY_ID, providers.KEY_SECRET);
  const isRepeated = visited.includes(name);
  const wants = WANTS_ROLE.find((each) => valueOf(settings, each) !== undefined);
  if (!isRepeated && wants !== undefined && valueOf(settings, "role_arn") === undefined) {
    return wrong(`[${name}] has ${wants}, and no role_arn`, wants);
  }
  if (visited.length > 0 && providers.profileKeys(settings, name)) return undefined;
  const types = EXCLUSIVE.filter(
    (each) => valueOf(settings, each) !== undefined && !(isRepeated && each === "source_profile"),
  );
  if (types.length > 1) return wrong(`[${name}] has ${types.join(" and ")}, of which one may be there`, ...types);
  return sourceProblem(loaded, profile, visited) ?? sessionProblem(loaded, profile);
}

function sourceProblem(
  loaded: Loaded,
  profile: providers.NamedProfile,
  visited: readonly string[],
): Failure | undefined {
  const { name, settings } = profile;
  const from = visited.includes(name) ? undefined : valueOf(settings, "source_profile");
  if (from === undefined) return undefined;
  const at = placeOf(settings, "source_profile");
  const source = loaded.profiles.get(from);
  if (source === undefined) return { failure: `the source_profile ${from} of [${name}] is in neither file`, at };
  const problem = invalidIn(loaded, { name: from, settings: source }, [...visited, name]);
  if (problem) return problem;
  const giving = [...EXCLUSIVE, ...providers.SSO_SETTINGS].some((each) => valueOf(source, each));
  return giving || providers.profileKeys(source, from)
    ? undefined
    : { failure: `the source_profile ${from} of [${name}] has no credentials`, at };
}

function sessionProblem({ sessions }: Profiles, { name, settings }: providers.NamedProfile): Failure | undefined {
  const session = valueOf(settings, "sso_session");
  if (session === undefined || sessions.has(session.trim())) return undefined;
  const at = placeOf(settings, "sso_session");
  return { failure: `[${name}] names the sso-session ${session}, which is not there`, at };
}

const GO_KEYS: providers.KeyVariables = {
  id: ["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"],
  secret: ["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"],
};
export const CONTAINER = "CredentialsEndpointProvider";
const ONCE = "the source is chosen once; its errors are final";

export const GO_V2: readonly Rule<Go>[] = [
  {
    provider: "shared config",
    find: ({ invalid }) => invalid,
    onError: "stop",
    because: "the profile is checked before anything is asked",
  },
  {
    provider: "EnvConfigCredentials",
    find: providers.environmentKeys(GO_KEYS),
    onError: "stop",
    because: "variables with a key come first",
  },
  {
    provider: "WebIdentityCredentials",
    find: webIdentity,
    onError: "stop",
    because: "a web identity token is named by variables",
  },
  {
    provider: "SharedConfigCredentials",
    find: (seen) => ofProfile(seen, seen.profile, []),
    onError: "stop",
    because: `the profile has credentials: ${ONCE}`,
  },
  {
    provider: CONTAINER,
    find: containerEndpoint(),
    onError: "stop",
    because: "the profile has no credentials of its own",
  },
  {
    provider: "EC2RoleProvider",
    find: providers.instanceMetadata,
    onError: "stop",
    because: "there is no container endpoint",
  },
];

function webIdentity({ shell }: Go): Answer {
  const at = "AWS_WEB_IDENTITY_TOKEN_FILE";
  const file = shell.env[at];
  if (!file) return undefined;
  const roleArn = shell.env["AWS_ROLE_ARN"];
  if (!roleArn) return { failure: `${at} is set, and AWS_ROLE_ARN is not`, at };
  return providers.webIdentity(shell, { file, roleArn, at });
}

/** With a role_arn on top of whatever the profile gives, be it the container's. */
function ofProfile(seen: Go, profile: providers.NamedProfile, visited: readonly string[]): Answer {
  const { name, settings } = profile;
  const by = baseOf(seen, profile, visited);
  const takesRole = valueOf(settings, "role_arn") !== undefined && !visited.includes(name);
  if (!takesRole || isFailure(by)) return by;
  if (by?.kind === "web_identity") return by;
  const under = by ?? containerEndpoint()(seen);
  return under === undefined || isFailure(under) ? under : providers.roleBy(under, profile);
}

function baseOf(seen: Go, profile: providers.NamedProfile, visited: readonly string[]): Source | Failure | undefined {
  const { name, settings } = profile;
  const from = visited.includes(name) ? undefined : valueOf(settings, "source_profile");
  const keys = providers.profileKeys(settings, name);
  // Not of the profile that was asked for first: a source with a key is taken by its key.
  if (from !== undefined && !(visited.length > 0 && keys)) {
    const settingsOf = seen.profiles.get(from) ?? NO_SETTINGS;
    return ofProfile(seen, { name: from, settings: settingsOf }, [...visited, name]);
  }
  return keys ?? ownSource(seen, profile);
}

/** Of the profile itself, without keys. */
function ownSource(seen: Go, profile: providers.NamedProfile): Source | Failure | undefined {
  const { name, settings } = profile;
  const { shell } = seen;
  const source = valueOf(settings, "credential_source");
  if (source !== undefined) {
    const failure = `[${name}] has no credentials in its credential_source`;
    const isRelative = source === "EcsContainer" && seen.habits.isV1;
    const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative } = shell.env;
    const by = isRelative && !relative ? undefined : providers.credentialSource(shell, source);
    return by ?? { failure, at: placeOf(settings, "credential_source") };
  }
  const [file, roleArn] = [valueOf(settings, "web_identity_token_file"), valueOf(settings, "role_arn")];
  if (file !== undefined)
    return providers.webIdentity(shell, {
      file,
      roleArn: roleArn ?? "",
      at: placeOf(settings, "web_identity_token_file"),
    });
  if (providers.SSO_SETTINGS.some((each) => valueOf(settings, each))) return providers.profileSso(shell, profile, seen);
  return providers.profileLogin(shell, settings, name) ?? providers.profileProcess(settings, name);
}
