import type { Environment } from "../../context.js";
import { JAVASCRIPT_V2, type JavascriptV2, seenByJavascriptV2, sharedIni } from "./javascript-v2.js";
import { fromIni, JAVASCRIPT_V3, seenByJavascriptV3, withProfile } from "./javascript-v3.js";
import { type Answer, isFailure, type Rule } from "./judge.js";
import { has, valueOf } from "./profiles.js";
import * as providers from "./providers.js";
import { type Shell, said } from "./shell.js";

/** Both frameworks' own, without `--stage` and `provider.stage`. */
const STAGE = "DEV";
const STAGE_KEYS: providers.KeyVariables = {
  id: [`AWS_${STAGE}_ACCESS_KEY_ID`],
  secret: [`AWS_${STAGE}_SECRET_ACCESS_KEY`],
};
const STAGE_PROFILE = `AWS_${STAGE}_PROFILE`;

interface Stage {
  readonly shell: Shell;
}

/** osls 4: a profile that is named, or there at all, is all it looks at. */
export const OSLS: readonly Rule<Stage>[] = [
  namedProfile(STAGE_PROFILE, "the stage's profile comes first"),
  keysOf(STAGE_KEYS, "the stage's keys come next"),
  namedProfile("AWS_PROFILE", "a profile that is named is the only thing it looks at"),
  keysOf(providers.AWS_KEYS, "variables with a key come after AWS_PROFILE"),
  {
    provider: "fromIni (AWS_DEFAULT_PROFILE)",
    find: ({ shell }: Stage): Answer => {
      const name = shell.env["AWS_DEFAULT_PROFILE"];
      return name && hasHeading(shell, name) ? onlyProfile(shell, { name, at: "AWS_DEFAULT_PROFILE" }) : undefined;
    },
    onError: "stop",
    because: "AWS_DEFAULT_PROFILE names a profile that is there",
  },
  {
    provider: "fromIni (default)",
    find: ({ shell }: Stage): Answer => {
      if (shell.env["AWS_DEFAULT_PROFILE"]) return undefined;
      const answer = fromIni(withProfile(shell, "default"));
      if (answer && !isFailure(answer)) return answer;
      return hasHeading(shell, "default") ? onlyProfile(shell, { name: "default", at: shell.files.config }) : undefined;
    },
    onError: "stop",
    because: "there is a [default]: it goes no further",
  },
  ...onShell(JAVASCRIPT_V3, seenByJavascriptV3),
];

function keysOf(names: providers.KeyVariables, because: string): Rule<Stage> {
  return {
    provider: `variables (${names.id[0] ?? ""})`,
    find: providers.environmentKeys(names),
    onError: "stop",
    because,
  };
}

function namedProfile(at: string, because: string): Rule<Stage> {
  return {
    provider: `fromIni (${at})`,
    find: ({ shell }: Stage): Answer => {
      const name = shell.env[at];
      return name ? onlyProfile(shell, { name, at }) : undefined;
    },
    onError: "stop",
    because,
  };
}

/** Whatever the profile does not give is an error. */
function onlyProfile(shell: Shell, { name, at }: { readonly name: string; readonly at: string }): Answer {
  const answer = fromIni(withProfile(shell, name));
  if (answer === undefined)
    return { failure: `[${name}] has no credentials, and it looks nowhere else`, at, onError: "stop" };
  return isFailure(answer) ? { ...answer, onError: "stop" } : { ...answer, onFailure: "stop" };
}

/** By headings alone, also of sections without settings. */
function hasHeading({ files, text }: Shell, profile: string): boolean {
  const headings = (path: string): readonly string[] =>
    (text(path) ?? "")
      .split(/\r?\n/)
      .map((line) => (line.split(/(?:^|\s)[;#]/)[0] ?? "").trim())
      .filter((line) => line.startsWith("[") && line.endsWith("]"))
      .map((line) => line.slice(1, -1));
  const inConfig = [profile, ...["", '"', "'"].map((quote) => `${quote}${profile}${quote}`)];
  const isInConfig = (heading: string): boolean =>
    heading === profile || (/^profile\s/.test(heading) && inConfig.includes(heading.slice("profile".length).trim()));
  return headings(files.credentials).includes(profile) || headings(files.config).some(isInConfig);
}

/** The chain of another family, as one that sees the shell alone. */
function onShell<Seen>(rules: readonly Rule<Seen>[], see: (shell: Shell) => Seen): readonly Rule<Stage>[] {
  return rules.map((rule) => ({ ...rule, find: ({ shell }: Stage) => rule.find(see(shell)) }));
}

/** Serverless 3: the last of these that gives credentials wins, so the order is turned round; else the SDK's own chain. */
export const SERVERLESS_3: readonly Rule<Stage>[] = [
  ...onShell(JAVASCRIPT_V2.slice(0, 1), seenByJavascriptV2),
  ...["AWS_PROFILE", STAGE_PROFILE].map(
    (at): Rule<Stage> => ({
      provider: `the profile in ${at}`,
      find: ({ shell }: Stage): Answer => {
        const name = shell.env[at];
        if (!name || isConfigured(shell, name)) return undefined;
        return { failure: `${at} names [${name}], which gives Serverless no key`, at };
      },
      onError: "stop",
      because: "a profile that is named must give a key",
    }),
  ),
  profileRule(STAGE_PROFILE, "the stage's profile wins"),
  keysOf(STAGE_KEYS, "the stage's keys win over the general ones"),
  profileRule("AWS_PROFILE", "a profile that is named wins over keys in variables"),
  keysOf(providers.AWS_KEYS, "variables with a key win over the default profile"),
  {
    provider: "the default profile",
    find: ({ shell }: Stage): Answer => {
      return ofProfile(shell, said(shell.env, "AWS_DEFAULT_PROFILE") ?? "default");
    },
    onError: "stop",
    because: "the default profile has a key, or a role",
  },
  ...onShell(JAVASCRIPT_V2, seenByJavascriptV2),
];

function profileRule(at: string, because: string): Rule<Stage> {
  return {
    provider: `the profile in ${at}`,
    find: ({ shell }: Stage): Answer => (shell.env[at] ? ofProfile(shell, shell.env[at]) : undefined),
    onError: "stop",
    because,
  };
}

/**
 * It follows AWS_SHARED_CREDENTIALS_FILE by itself, and AWS_CONFIG_FILE as its SDK does. A role whose source_profile is there
 * counts as credentials before it is assumed, and its errors come too late for any other.
 */
function ofProfile(shell: Shell, name: string): Answer {
  const seen = seenOf(shell, name);
  const answer = sharedIni(seen);
  const from = valueOf(seen.profile.settings, "source_profile");
  const isTaken =
    valueOf(seen.profile.settings, "role_arn") !== undefined && from !== undefined && seen.profiles.has(from);
  if (isTaken && answer && isFailure(answer)) return { ...answer, onError: "stop" };
  return answer && isFailure(answer) ? undefined : answer;
}

function seenOf(shell: Shell, name: string): JavascriptV2 {
  const env: Environment = { ...shell.env, AWS_PROFILE: name };
  return seenByJavascriptV2({ ...shell, env }, said(shell.env, "AWS_SHARED_CREDENTIALS_FILE"));
}

/** A half key is passed over in silence, and no key at all is an error. */
function isConfigured(shell: Shell, name: string): boolean {
  const { settings } = seenOf(shell, name).profile;
  return ofProfile(shell, name) !== undefined || has(settings, providers.KEY_ID, "aws_session_token");
}

export function seenByServerless(shell: Shell): Stage {
  return { shell };
}
