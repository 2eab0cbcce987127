import { join } from "node:path";
import { containerEndpoint } from "./container.js";
import { javascriptV2Ini } from "./ini-dialects.js";
import type { Answer, Rule } from "./judge.js";
import {
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

/** The SDK v2 for JavaScript, and Serverless 3 with it. */
export interface JavascriptV2 extends Profiles {
  readonly shell: Shell;
  readonly profile: providers.NamedProfile;
  /** Where the keys of a source_profile are read: not in the file that a program has named. */
  readonly sources: Profiles["profiles"];
  /** AWS_SDK_LOAD_CONFIG is set, and there is no config: the SDK ends where it is loaded. */
  readonly brokenAtLoad: string | undefined;
}

const OPT_IN = "AWS_SDK_LOAD_CONFIG";

export function seenByJavascriptV2(shell: Shell, credentialsFile?: string): JavascriptV2 {
  const { env, files, text, home } = shell;
  const usual = env[OPT_IN] ? files.credentials : join(home, ".aws", "credentials");
  const path = credentialsFile ?? usual;
  const config = env[OPT_IN] ? text(files.config) : "";
  const inConfig = fileOf(files.config, config ?? "");
  const profiles = merged(
    namedSections(inConfig, (heading) =>
      sessionName(heading) === undefined ? heading.replace(/^profile\s/, "") : undefined,
    ),
    namedSections(fileOf(path, text(path) ?? ""), (heading) => heading),
  );
  const name = said(env, "AWS_PROFILE") ?? "default";
  const sources = path === usual ? profiles : seenByJavascriptV2(shell).profiles;
  return {
    ...{ shell, profiles, sources, profile: { name, settings: profiles.get(name) ?? NO_SETTINGS } },
    sessions: namedSections(inConfig, sessionName),
    brokenAtLoad: config === undefined ? missingAtLoad(shell) : undefined,
  };
}

/** Read for its region, where no variable names one. */
function missingAtLoad({ env, files }: Shell): string | undefined {
  return said(env, "AWS_REGION", "AMAZON_REGION") === undefined ? files.config : undefined;
}

function fileOf(path: string, text: string): ReadFile {
  return { path, reading: javascriptV2Ini(text) };
}

function sessionName(heading: string): string | undefined {
  return /^sso-session\s(.*)$/s.exec(heading)?.[1];
}

const SKIPS = "every provider that gives nothing is passed over";

export const JAVASCRIPT_V2: readonly Rule<JavascriptV2>[] = [
  {
    provider: "loading the SDK",
    find: ({ brokenAtLoad }) =>
      brokenAtLoad === undefined
        ? undefined
        : { failure: `${OPT_IN} is set, and ${brokenAtLoad} is missing: the SDK fails when it is loaded`, at: OPT_IN },
    onError: "stop",
    because: "the region is looked for first",
  },
  {
    provider: "EnvironmentCredentials",
    find: providers.environmentKeys(providers.AWS_KEYS),
    onError: "next",
    because: "variables with a key come first",
  },
  {
    provider: "EnvironmentCredentials (AMAZON_)",
    find: providers.environmentKeys({ id: ["AMAZON_ACCESS_KEY_ID"], secret: ["AMAZON_SECRET_ACCESS_KEY"] }),
    onError: "next",
    because: "its old variables are still read",
  },
  { provider: "SsoCredentials", find: sso, onError: "next", because: "the profile has a login to Identity Center" },
  {
    provider: "SharedIniFileCredentials",
    find: sharedIni,
    onError: "next",
    because: "the profile has a key, or a role",
  },
  {
    provider: "ECSCredentials",
    find: containerEndpoint(),
    onError: "next",
    because: `nothing before it gave any: ${SKIPS}`,
  },
  {
    provider: "ProcessCredentials",
    find: ({ profile }) => providers.profileProcess(profile.settings, profile.name),
    onError: "next",
    because: "a process comes after the container",
  },
  {
    provider: "TokenFileWebIdentityCredentials",
    find: providers.webIdentityVariables,
    onError: "next",
    because: "a web identity token comes after the container",
  },
  {
    provider: "EC2MetadataCredentials",
    find: providers.instanceMetadata,
    onError: "next",
    because: "nothing else gave any",
  },
];

function sso({ shell, profile, sessions, profiles }: JavascriptV2): Answer {
  if (valueOf(profile.settings, "sso_account_id") === undefined) return undefined;
  return providers.profileSso(shell, profile, { sessions, profiles });
}

/** `prefersKeys`: of a profile that is the source of another. */
export function sharedIni(seen: JavascriptV2): Answer {
  const { profile } = seen;
  if (valueOf(profile.settings, "role_arn") === undefined) return providers.profileKeys(profile.settings, profile.name);
  return roleOf(seen, profile, []);
}

function roleOf(
  { profiles, sources }: Pick<JavascriptV2, "profiles" | "sources">,
  profile: providers.NamedProfile,
  visited: readonly string[],
): Answer {
  const { settings, name } = profile;
  const at = placeOf(settings, "role_arn");
  const from = valueOf(settings, "source_profile");
  if (from === undefined || !profiles.has(from)) return { failure: `the role of [${name}] has no source_profile`, at };
  const source: Settings = sources.get(from) ?? NO_SETTINGS;
  const by = providers.profileKeys(source, from);
  if (by) return providers.roleBy(by, profile);
  if (valueOf(source, "role_arn") === undefined || visited.includes(from)) {
    return { failure: `the source_profile ${from} of [${name}] has no key`, at };
  }
  const chained = roleOf({ profiles: sources, sources }, { name: from, settings: source }, [...visited, from]);
  return chained && "kind" in chained ? providers.roleBy(chained, profile) : chained;
}
