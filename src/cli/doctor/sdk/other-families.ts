import { containerEndpoint } from "./container.js";
import { type JavascriptV3, seenByJavascriptV3, withProfile } from "./javascript-v3.js";
import { type Answer, isFailure, type OnError, type Rule } from "./judge.js";
import { has, NO_SETTINGS, placeOf, valueOf } from "./profiles.js";
import * as providers from "./providers.js";
import type { Shell } from "./shell.js";
import type { Specified } from "./specified-files.js";

/** Families that were read and not all run: one table of their chains. Their files are read as the SDK v3 for JavaScript does, unless `families.ts` says otherwise. */
interface Chain {
  readonly keys?: providers.KeyVariables;
  /** In this order; `profile` is all that a profile gives, in the order of `knows`. */
  readonly order: readonly Step[];
  readonly onError: OnError;
  /** Where it is not `onError`. */
  readonly errorsOf?: Partial<Record<Step | "unknown profile", OnError>>;
  readonly container?: Parameters<typeof containerEndpoint>[0];
  readonly because: string;
}

type Step =
  | "variables"
  | "web identity"
  | "profile"
  | "keys"
  | "role"
  | "process"
  | "sso"
  | "login"
  | "container"
  | "metadata";

const USUAL: readonly Step[] = ["variables", "profile", "web identity", "container", "metadata"];
const WEB_IDENTITY_FIRST: readonly Step[] = ["variables", "web identity", "profile", "container", "metadata"];
const SKIPS = "a provider that gives nothing, or fails, is passed over";

const JAVA_1_KEYS: providers.KeyVariables = {
  id: ["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"],
  secret: ["AWS_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"],
};
const RUBY_KEYS: providers.KeyVariables = {
  id: ["AWS_ACCESS_KEY_ID", "AMAZON_ACCESS_KEY_ID", "AWS_ACCESS_KEY"],
  secret: ["AWS_SECRET_ACCESS_KEY", "AMAZON_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"],
};

const CHAINS = {
  java2: { order: WEB_IDENTITY_FIRST, onError: "next", because: SKIPS },
  java1: { keys: JAVA_1_KEYS, order: WEB_IDENTITY_FIRST, onError: "next", because: SKIPS },
  // A role whose source is not there leaves it the key beside the role.
  kotlin: {
    order: ["variables", "web identity", "profile", "keys", "container", "metadata"],
    onError: "next",
    because: SKIPS,
  },
  swift: { order: USUAL, onError: "next", because: SKIPS },
  crt: { order: USUAL, onError: "next", because: SKIPS },
  cpp: {
    order: ["variables", "keys", "process", "web identity", "sso", "container", "metadata"],
    onError: "next",
    because: `${SKIPS}; with none at all it goes on unsigned`,
  },
  ruby: {
    keys: RUBY_KEYS,
    order: ["variables", "web identity", "sso", "role", "keys", "login", "process", "container", "metadata"],
    onError: "stop",
    errorsOf: { "unknown profile": "next" },
    because: "a profile that is not there is passed over; what is configured and fails ends the search",
  },
  php: {
    order: ["variables", "web identity", "sso", "process", "keys", "role", "container", "metadata"],
    onError: "next",
    because: SKIPS,
  },
  asyncAws: {
    order: ["variables", "web identity", "keys", "role", "sso", "container", "metadata"],
    onError: "next",
    container: { tokens: ["url", "file"] },
    because:
      "it knows no credential_process, reads the token in the URL or in a file, and goes on unsigned where it is refused",
  },
  dotnet: {
    order: WEB_IDENTITY_FIRST,
    onError: "next",
    errorsOf: { "unknown profile": "stop", process: "stop" },
    because: "errors are passed over, but for those of a process and for an unknown AWS_PROFILE",
  },
  objectStore: {
    order: ["variables", "web identity", "container", "metadata"],
    onError: "stop",
    container: { tokens: ["file"] },
    because: "it reads no file of ~/.aws, and the token from a file only",
  },
} as const satisfies Readonly<Record<string, Chain>>;

export type OtherFamily = keyof typeof CHAINS;

export function rulesOf(family: OtherFamily): readonly Rule<JavascriptV3>[] {
  const chain: Chain = CHAINS[family];
  return [unknownProfile(chain), ...chain.order.map((step) => ruleOf(step, chain))];
}

/** Polars: the same as object_store, behind keys that it reads by itself. */
export const POLARS: readonly Rule<JavascriptV3>[] = [
  {
    provider: "[default] of ~/.aws/credentials",
    find: ({ shell }: JavascriptV3): Answer => {
      const usual: Shell = { ...shell, files: { config: "", credentials: `${shell.home}/.aws/credentials` } };
      return providers.profileKeys(withProfile(usual, "default").profile.settings, "default");
    },
    onError: "next",
    because: "it reads this file whatever the variables say",
  },
  ...rulesOf("objectStore"),
];

export const seenByOthers: (shell: Shell) => JavascriptV3 = seenByJavascriptV3;

/** Indented lines belong to the setting above them. */
export function seenByRuby(shell: Shell): JavascriptV3 {
  return seenByJavascriptV3({ ...shell, text: (path) => shell.text(path)?.replaceAll(/^[ \t].*$/gm, "") });
}

/** Indented lines and a heading behind a byte order mark are passed over; a profile with a role gives no keys. */
export function seenByCpp(shell: Shell): JavascriptV3 {
  const read = (path: string): string | undefined => shell.text(path)?.replaceAll(/^(?:[ \t]|\uFEFF\[).*$/gm, "");
  const seen = seenByJavascriptV3({ ...shell, text: read });
  const { name, settings } = seen.profile;
  if (!has(settings, "role_arn")) return seen;
  const kept = [...settings].filter(([setting]) => setting !== providers.KEY_ID && setting !== providers.KEY_SECRET);
  return { ...seen, profile: { name, settings: new Map(kept) } };
}

/** A file that is not as specified is an error before anything is asked. */
const AS_SPECIFIED: Rule<Specified> = {
  provider: "the AWS files",
  find: ({ broken }) => broken,
  onError: "stop",
  because: "both files are read whole before anything else",
};
export const JAVA_V2: readonly Rule<Specified>[] = [AS_SPECIFIED, ...rulesOf("java2")];
export const KOTLIN: readonly Rule<Specified>[] = [AS_SPECIFIED, ...rulesOf("kotlin")];
/** Here it is as good as none. */
export const CRT: readonly Rule<Specified>[] = rulesOf("crt");

function unknownProfile({ errorsOf }: Chain): Rule<JavascriptV3> {
  return {
    provider: "AWS_PROFILE",
    find: ({ shell: { env }, profiles, profile }) =>
      env["AWS_PROFILE"] && !profiles.has(profile.name)
        ? { failure: `AWS_PROFILE names the profile ${profile.name}, which is in neither file`, at: "AWS_PROFILE" }
        : undefined,
    onError: errorsOf?.["unknown profile"] ?? "next",
    because: "the profile that is named must be there",
  };
}

function ruleOf(step: Step, chain: Chain): Rule<JavascriptV3> {
  const onError = chain.errorsOf?.[step] ?? chain.onError;
  return { provider: step, find: (seen) => STEPS[step](seen, chain), onError, because: chain.because };
}

const STEPS: Readonly<Record<Step, (seen: JavascriptV3, chain: Chain) => Answer>> = {
  variables: (seen, { keys = providers.AWS_KEYS }) => providers.environmentKeys(keys)(seen),
  "web identity": (seen) => providers.webIdentityVariables(seen),
  profile: ofProfile,
  keys: ({ profile: { settings, name } }) => providers.profileKeys(settings, name),
  role,
  process: ({ profile: { settings, name } }) => providers.profileProcess(settings, name),
  sso: (seen) =>
    has(seen.profile.settings, "sso_account_id", "sso_session")
      ? providers.profileSso(seen.shell, seen.profile, seen)
      : undefined,
  login: ({ shell, profile: { settings, name } }) => providers.profileLogin(shell, settings, name),
  container: (seen, { container }) => containerEndpoint(container)(seen),
  metadata: (seen) => providers.instanceMetadata(seen),
};

function ofProfile(seen: JavascriptV3, chain: Chain): Answer {
  const { shell, profile } = seen;
  for (const step of ["role", "keys", "sso"] as const) {
    const answer = STEPS[step](seen, chain);
    if (answer !== undefined) return answer;
  }
  const process = providers.profileProcess(profile.settings, profile.name);
  if (process) return { ...process, onFailure: chain.errorsOf?.process ?? chain.onError };
  return providers.profileLogin(shell, profile.settings, profile.name);
}

function role(seen: JavascriptV3): Answer {
  const { shell, profile } = seen;
  const { settings, name } = profile;
  const roleArn = valueOf(settings, "role_arn");
  if (roleArn === undefined) return undefined;
  const at = placeOf(settings, "role_arn");
  const file = valueOf(settings, "web_identity_token_file");
  if (file !== undefined) return providers.webIdentity(shell, { file, roleArn, at });
  const by = assumerOf(seen);
  if (by === undefined || isFailure(by)) return by ?? { failure: `nothing assumes the role of [${name}]`, at };
  return providers.roleBy(by, profile);
}

function assumerOf({ shell, profile: { settings }, profiles }: JavascriptV3): Answer {
  const from = valueOf(settings, "source_profile");
  if (from === undefined) return providers.credentialSource(shell, valueOf(settings, "credential_source") ?? "");
  const source = profiles.get(from) ?? NO_SETTINGS;
  return providers.profileKeys(source, from) ?? providers.profileProcess(source, from);
}
