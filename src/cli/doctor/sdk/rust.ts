import { containerEndpoint } from "./container.js";
import { type Answer, type Failure, isFailure, type Rule } from "./judge.js";
import { has, placeOf, valueOf } from "./profiles.js";
import * as providers from "./providers.js";
import type { Specified } from "./specified-files.js";

const STOPS = "only what is not configured is passed over; any other error ends the search";

/** The SDK for Rust: its default chain. */
export const RUST: readonly Rule<Specified>[] = [
  {
    provider: "EnvironmentVariable",
    find: providers.environmentKeys(providers.AWS_KEYS),
    onError: "stop",
    because: "variables with a key come first",
  },
  {
    provider: "Profile",
    find: (seen) => seen.broken ?? ofProfile(seen, seen.profile, []),
    onError: "stop",
    because: STOPS,
  },
  { provider: "WebIdentityToken", find: providers.webIdentityVariables, onError: "stop", because: STOPS },
  { provider: "EcsContainer", find: containerEndpoint(), onError: "stop", because: STOPS },
  { provider: "Ec2InstanceMetadata", find: providers.instanceMetadata, onError: "stop", because: STOPS },
];

/** `visited`: the profiles that have led here. */
function ofProfile(seen: Specified, profile: providers.NamedProfile, visited: readonly string[]): Answer {
  const { name, settings } = profile;
  const keys = providers.profileKeys(settings, name);
  if (visited.length > 0 && keys) return keys;
  const takesRole = valueOf(settings, "role_arn") !== undefined && !has(settings, "web_identity_token_file");
  if (takesRole) return assumed(seen, profile, [...visited, name]);
  const base = ownSource(seen, profile);
  if (base !== undefined || visited.length === 0) return base;
  return { failure: `the source_profile ${name} has no credentials`, at: placeOf(settings) };
}

function assumed(seen: Specified, profile: providers.NamedProfile, visited: readonly string[]): Answer {
  const { name, settings } = profile;
  const at = placeOf(settings, "role_arn");
  const from = valueOf(settings, "source_profile");
  if ((from === undefined) === (valueOf(settings, "credential_source") === undefined)) {
    return { failure: `[${name}] has role_arn, and not exactly one of source_profile and credential_source`, at };
  }
  const by = from === undefined || from === name ? ownSource(seen, profile) : ofSource(seen, { from, at }, visited);
  return by === undefined || isFailure(by) ? by : providers.roleBy(by, profile);
}

function ofSource(
  seen: Specified,
  { from, at }: { readonly from: string; readonly at: string },
  visited: readonly string[],
): Answer {
  if (visited.includes(from)) return { failure: `the source_profile ${from} leads back to itself`, at };
  const settings = seen.profiles.get(from);
  if (settings === undefined) return { failure: `the source_profile ${from} is in neither file`, at, onError: "next" };
  return ofProfile(seen, { name: from, settings }, visited);
}

/** Of the profile itself, whatever role it names. */
function ownSource(seen: Specified, { name, settings }: providers.NamedProfile): Answer {
  const { shell } = seen;
  const source = valueOf(settings, "credential_source");
  if (source !== undefined) {
    const failure = `[${name}] has no credentials in its credential_source`;
    return providers.credentialSource(shell, source) ?? { failure, at: placeOf(settings, "credential_source") };
  }
  const [file, roleArn] = [valueOf(settings, "web_identity_token_file"), valueOf(settings, "role_arn")];
  if (file !== undefined && roleArn !== undefined) {
    return providers.webIdentity(shell, { file, roleArn, at: placeOf(settings, "web_identity_token_file") });
  }
  return (
    sso(seen, { name, settings }) ??
    providers.profileLogin(shell, settings, name) ??
    providers.profileProcess(settings, name) ??
    providers.profileKeys(settings, name) ??
    halfKey({ name, settings })
  );
}

/** A session alone is one for bearer tokens, and gives no credentials. */
function sso(seen: Specified, profile: providers.NamedProfile): Answer {
  const { settings } = profile;
  if (!has(settings, ...providers.SSO_SETTINGS)) return undefined;
  const answer = providers.profileSso(seen.shell, profile, seen);
  const isSession = has(settings, "sso_session") && seen.sessions.has(valueOf(settings, "sso_session") ?? "");
  return isSession && isFailure(answer) && !has(settings, "sso_account_id", "sso_role_name")
    ? { ...answer, onError: "next" }
    : answer;
}

function halfKey({ name, settings }: providers.NamedProfile): Failure | undefined {
  if (!has(settings, providers.KEY_ID, providers.KEY_SECRET)) return undefined;
  return { failure: `[${name}] has half a key`, at: placeOf(settings, providers.KEY_ID, providers.KEY_SECRET) };
}
