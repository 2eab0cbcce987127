import { containerEndpoint } from "./container.js";
import { javascriptIni } from "./ini-dialects.js";
import { type Answer, isFailure, type Rule } from "./judge.js";
import { has, merged, NO_SETTINGS, namedSections, type Profiles, placeOf, type Settings, valueOf } from "./profiles.js";
import * as providers from "./providers.js";
import { type Shell, said } from "./shell.js";

/** The SDK v3 for JavaScript: `fromNodeProviderChain`, which its clients take by themselves. */
export interface JavascriptV3 extends Profiles {
  readonly shell: Shell;
  readonly profile: providers.NamedProfile;
}

export function seenByJavascriptV3(shell: Shell): JavascriptV3 {
  return withProfile(shell, said(shell.env, "AWS_PROFILE") ?? "default");
}

/** The same for a program that names the profile itself. */
export function withProfile(shell: Shell, name: string): JavascriptV3 {
  const { files, text } = shell;
  const config = { path: files.config, reading: javascriptIni(text(files.config) ?? "") };
  const credentials = { path: files.credentials, reading: javascriptIni(text(files.credentials) ?? "") };
  const inConfig = namedSections(config, (heading) => (heading === "default" ? heading : behind(heading, "profile.")));
  const profiles = merged(
    inConfig,
    namedSections(credentials, (heading) => heading),
  );
  return {
    ...{ shell, profiles, profile: { name, settings: profiles.get(name) ?? NO_SETTINGS } },
    sessions: namedSections(config, (heading) => behind(heading, "sso-session.")),
  };
}

function behind(heading: string, prefix: string): string | undefined {
  return heading.startsWith(prefix) ? heading.slice(prefix.length) : undefined;
}

export const JAVASCRIPT_V3: readonly Rule<JavascriptV3>[] = [
  {
    provider: "fromEnv",
    find: (seen) => (seen.shell.env["AWS_PROFILE"] ? undefined : providers.environmentKeys(providers.AWS_KEYS)(seen)),
    onError: "next",
    because: "variables with a key come first where AWS_PROFILE is not set",
  },
  { provider: "fromIni", find: fromIni, onError: "next", because: "the profile has credentials" },
  {
    provider: "fromTokenFile",
    find: providers.webIdentityVariables,
    onError: "stop",
    because: "a web identity token is named by variables",
  },
  {
    provider: "fromHttp",
    find: containerEndpoint(),
    onError: "stop",
    because: "nothing before the container is configured, or it has stepped aside",
  },
  {
    provider: "fromInstanceMetadata",
    find: providers.instanceMetadata,
    onError: "stop",
    because: "there is no container endpoint",
  },
];

/** What of a profile the SDK knows how to use; an unknown profile is passed over. */
export function fromIni(seen: JavascriptV3): Answer {
  return resolved(seen, seen.profile, []);
}

function resolved(seen: JavascriptV3, profile: providers.NamedProfile, visited: readonly string[]): Answer {
  const { settings, name } = profile;
  const keys = providers.profileKeys(settings, name);
  if (visited.length > 0 && keys) return keys;
  if (isAssumable(settings)) return assumed(seen, profile, visited);
  if (keys) return keys;
  const [file, roleArn] = [valueOf(settings, "web_identity_token_file"), valueOf(settings, "role_arn")];
  if (file !== undefined && roleArn !== undefined) {
    const at = placeOf(settings, "web_identity_token_file");
    return stopping(providers.webIdentity(seen.shell, { file, roleArn, at }));
  }
  const process = providers.profileProcess(settings, name);
  if (process) return process;
  if (has(settings, ...providers.SSO_SETTINGS)) return stopping(providers.profileSso(seen.shell, profile, seen));
  return stopping(providers.profileLogin(seen.shell, settings, name));
}

/** With exactly one of the two that say who assumes it. */
function isAssumable(settings: Settings): boolean {
  return has(settings, "role_arn") && has(settings, "source_profile") !== has(settings, "credential_source");
}

function assumed(seen: JavascriptV3, profile: providers.NamedProfile, visited: readonly string[]): Answer {
  const { settings, name } = profile;
  const at = placeOf(settings, "role_arn");
  const from = valueOf(settings, "source_profile");
  if (from === undefined) {
    const by = providers.credentialSource(seen.shell, valueOf(settings, "credential_source") ?? "");
    return by ? stopping(providers.roleBy(by, profile)) : passed(`[${name}] has no such credential_source`, at);
  }
  if (visited.includes(from)) return passed(`the source_profile of [${name}] leads back to ${from}`, at);
  if (has(settings, "mfa_serial"))
    return { failure: `[${name}] wants an MFA code, which the SDK cannot ask for`, at, onError: "stop" };
  const next = { name: from, settings: seen.profiles.get(from) ?? NO_SETTINGS };
  const by = resolved(seen, next, [...visited, from]);
  if (by === undefined) return passed(`the source_profile ${from} of [${name}] has no credentials`, at);
  if (isFailure(by)) return by;
  const role = providers.roleBy(by, profile);
  // A process that fails is passed over here too; what AWS refuses is not.
  return by.kind === "process" ? role : stopping(role);
}

/** Errors of these are none that the chain goes on after. */
function stopping(answer: Answer): Answer {
  if (answer === undefined) return undefined;
  return isFailure(answer) ? { ...answer, onError: "stop" } : { ...answer, onFailure: "stop" };
}

function passed(failure: string, at: string): Answer {
  return { failure, at, onError: "next" };
}
