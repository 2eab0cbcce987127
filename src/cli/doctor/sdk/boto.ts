import { botoConfig, keyFile } from "./boto-older-files.js";
import { containerEndpoint } from "./container.js";
import { type IniReading, pythonIni } from "./ini-dialects.js";
import { type Answer, type Failure, isFailure, type Rule, type Source } from "./judge.js";
import { has, merged, NO_SETTINGS, namedSections, type Profiles, placeOf, type Settings, valueOf } from "./profiles.js";
import * as providers from "./providers.js";
import { type Shell, said } from "./shell.js";

/** botocore: the AWS CLI, boto3, SAM, and what is built on them. */
interface Botocore extends Profiles {
  readonly shell: Shell;
  /** Which names the profile, be it an empty one; undefined: none is named. */
  readonly variable: string | undefined;
  readonly profile: providers.NamedProfile;
  /** Each by itself: keys in the credentials file come before a process, those in the config after it. */
  readonly inCredentials: ReadonlyMap<string, Settings>;
  readonly inConfig: ReadonlyMap<string, Settings>;
  readonly broken: Failure | undefined;
}

export function seenByBotocore(shell: Shell): Botocore {
  return seenBy(shell, ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"]);
}

/** Its botocore is its own, and takes the two variables the other way round. */
export function seenByAwsCliV2(shell: Shell): Botocore {
  return seenBy(shell, ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
}

function seenBy(shell: Shell, profileVariables: readonly string[]): Botocore {
  const { env, files } = shell;
  const [config, credentials] = [
    pythonIni(shell.text(files.config) ?? ""),
    pythonIni(shell.text(files.credentials) ?? ""),
  ];
  const inConfig = namedSections({ path: files.config, reading: config }, (heading) =>
    heading === "default" ? heading : secondWord(heading, "profile"),
  );
  const inCredentials = namedSections({ path: files.credentials, reading: credentials }, (heading) => heading);
  const profiles = merged(inConfig, inCredentials);
  const variable = profileVariables.find((each) => env[each] !== undefined);
  const name = said(env, ...profileVariables) ?? "default";
  return {
    ...{
      shell,
      variable,
      inConfig,
      inCredentials,
      profiles,
      profile: { name, settings: profiles.get(name) ?? NO_SETTINGS },
    },
    sessions: namedSections({ path: files.config, reading: config }, (heading) => secondWord(heading, "sso-session")),
    broken: brokenFile(files.config, config) ?? brokenFile(files.credentials, credentials),
  };
}

function brokenFile(path: string, { broken }: IniReading): Failure | undefined {
  return broken === undefined ? undefined : { failure: `${path} ${broken}`, at: path };
}

/** As Python's shlex splits it: two words, the second perhaps in quotes. */
function secondWord(heading: string, kind: string): string | undefined {
  if (!heading.startsWith(kind)) return undefined;
  const match = /^\S+\s+(?:"([^"]*)"|'([^']*)'|([^\s"']+))\s*$/.exec(heading);
  return match?.[1] ?? match?.[2] ?? match?.[3];
}

const GOES_ON = "the next is asked where this one is not configured; what is configured and fails ends the search";

export const BOTOCORE: readonly Rule<Botocore>[] = [
  {
    provider: "the AWS files",
    find: (seen) => seen.broken ?? unknownProfile(seen),
    onError: "stop",
    because: "both files are read whole before anything else, and the profile must be in one of them",
  },
  {
    provider: "sso (tokens)",
    find: (seen) => sessionProblem(seen),
    onError: "stop",
    because: "a client is not made while the profile's sso-session is not whole, wherever its credentials come from",
  },
  { provider: "env", find: environment, onError: "stop", because: "variables with a key come first" },
  {
    provider: "assume-role",
    find: (seen) => (isRoleProfile(seen.profile.settings) ? assumedRole(seen, seen.profile, []) : undefined),
    onError: "stop",
    because: "the profile names a role",
  },
  ...profileProviders(true).map((rule) => ({ ...rule, find: (seen: Botocore) => rule.find(seen, seen.profile) })),
  {
    provider: "ec2-credentials-file",
    find: ({ shell }) => keyFile(shell),
    onError: "stop",
    because: "AWS_CREDENTIAL_FILE is still read",
  },
  {
    provider: "boto-config",
    find: ({ shell }) => botoConfig(shell),
    onError: "stop",
    because: "boto 2's file is asked before the container",
  },
  {
    provider: "container-role",
    find: containerEndpoint({ takesEmpty: true }),
    onError: "stop",
    because: "nothing before the container is configured",
  },
  { provider: "iam-role", find: providers.instanceMetadata, onError: "next", because: GOES_ON },
];

function unknownProfile({ variable, profiles, shell: { env } }: Botocore): Failure | undefined {
  const named = variable === undefined ? undefined : env[variable];
  if (variable === undefined || named === undefined || profiles.has(named)) return undefined;
  return {
    failure: `${variable} names the profile ${named === "" ? '""' : named}, which is in neither file`,
    at: variable,
  };
}

function sessionProblem({ profile: { name, settings }, sessions }: Botocore): Failure | undefined {
  const named = settings.get("sso_session")?.value;
  if (named === undefined) return undefined;
  const at = placeOf(settings, "sso_session");
  const session = sessions.get(named);
  if (session === undefined) return { failure: `[${name}] names the sso-session ${named}, which is not there`, at };
  if (has(session, "sso_start_url") && has(session, "sso_region")) return undefined;
  return { failure: `the sso-session ${named} has not both of sso_start_url and sso_region`, at };
}

function environment({ shell: { env } }: Botocore): Answer {
  const at = "AWS_ACCESS_KEY_ID";
  const id = env[at];
  if (!id) return undefined;
  if (!env["AWS_SECRET_ACCESS_KEY"]) return { failure: `${at} is set, and AWS_SECRET_ACCESS_KEY is not`, at };
  return providers.keySource(id, { name: at, at });
}

function isRoleProfile(settings: Settings): boolean {
  return has(settings, "role_arn") && !has(settings, "web_identity_token_file");
}

function hasKey(settings: Settings): boolean {
  return has(settings, providers.KEY_ID, providers.KEY_SECRET);
}

/** `visited`: the profiles on the way here. */
function assumedRole(seen: Botocore, profile: providers.NamedProfile, visited: readonly string[]): Source | Failure {
  const { name, settings } = profile;
  const at = placeOf(settings, "role_arn");
  const from = settings.get("source_profile")?.value;
  const source = settings.get("credential_source")?.value;
  if ((from === undefined) === (source === undefined)) {
    return { failure: `[${name}] has role_arn, and not exactly one of source_profile and credential_source`, at };
  }
  if (from === undefined) {
    const by = providers.credentialSource(seen.shell, source ?? "");
    return by
      ? providers.roleBy(by, profile)
      : { failure: `[${name}] has no credentials in its credential_source`, at };
  }
  const by = sourceProfile(seen, { from, of: name }, [...visited, name]);
  return isFailure(by) ? by : providers.roleBy(by, profile);
}

function sourceProfile(
  seen: Botocore,
  { from, of }: { readonly from: string; readonly of: string },
  visited: readonly string[],
): Source | Failure {
  const settings = seen.profiles.get(from);
  const at = placeOf(seen.profiles.get(of) ?? NO_SETTINGS, "source_profile");
  if (settings === undefined)
    return { failure: `[${of}] names the source_profile ${from}, which is in neither file`, at };
  if (visited.includes(from) && !(from === of && hasKey(settings))) {
    return { failure: `the source_profile of [${of}] leads back to ${from}`, at };
  }
  const profile = { name: from, settings };
  if (!hasKey(settings) && isRoleProfile(settings)) return assumedRole(seen, profile, visited);
  for (const rule of profileProviders(false)) {
    const answer = rule.find(seen, profile);
    if (answer !== undefined) return answer;
  }
  return { failure: `the source_profile ${from} of [${of}] has no credentials`, at };
}

interface ProfileRule extends Omit<Rule<Botocore>, "find"> {
  readonly find: (seen: Botocore, profile: providers.NamedProfile) => Answer;
}

/** Of a profile, in botocore's order; `withVariables`: of the profile in force, and not of another's source. */
function profileProviders(withVariables: boolean): readonly ProfileRule[] {
  return [
    {
      provider: "assume-role-with-web-identity",
      find: ({ shell }, profile) => webIdentity(shell, profile, withVariables),
      onError: "stop",
      because: "a web identity token is named",
    },
    {
      provider: "sso",
      find: (seen, profile) =>
        has(profile.settings, "sso_role_name", "sso_account_id")
          ? providers.profileSso(seen.shell, profile, seen)
          : undefined,
      onError: "stop",
      because: "the profile has SSO settings",
    },
    {
      provider: "shared-credentials-file",
      find: ({ inCredentials }, { name }) => keysOf(inCredentials.get(name), name),
      onError: "stop",
      because: "the credentials file has a key in the profile",
    },
    {
      provider: "login",
      find: ({ shell }, { settings, name }) => providers.profileLogin(shell, settings, name),
      onError: "stop",
      because: "the profile is one of `aws login`",
    },
    {
      provider: "custom-process",
      find: (_, { settings, name }) => providers.profileProcess(settings, name),
      onError: "stop",
      because: "the profile names a program",
    },
    {
      provider: "config-file",
      find: ({ inConfig }, { name }) => keysOf(inConfig.get(name), name),
      onError: "stop",
      because: "the config has a key in the profile",
    },
  ];
}

function keysOf(settings: Settings | undefined, name: string): Answer {
  if (settings === undefined || !has(settings, providers.KEY_ID)) return undefined;
  const at = placeOf(settings, providers.KEY_ID);
  if (!has(settings, providers.KEY_SECRET)) return { failure: `[${name}] has half a key`, at };
  return providers.keySource(settings.get(providers.KEY_ID)?.value ?? "", { name: `[${name}]`, at });
}

/** Each of the two by variable, else by the profile; a variable that is set and empty hides the profile's. */
function webIdentity(shell: Shell, { name, settings }: providers.NamedProfile, withVariables: boolean): Answer {
  const variable = (key: string): string | undefined => (withVariables ? shell.env[key] : undefined);
  const file = variable("AWS_WEB_IDENTITY_TOKEN_FILE") ?? settings.get("web_identity_token_file")?.value;
  if (!file) return undefined;
  const at = variable("AWS_WEB_IDENTITY_TOKEN_FILE")
    ? "AWS_WEB_IDENTITY_TOKEN_FILE"
    : placeOf(settings, "web_identity_token_file");
  const roleArn = variable("AWS_ROLE_ARN") ?? valueOf(settings, "role_arn");
  if (!roleArn) return { failure: `a web identity token is named for [${name}], and no role`, at };
  return providers.webIdentity(shell, { file, roleArn, at });
}
