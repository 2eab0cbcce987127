import { containerEndpoint } from "./container.js";
import { CONTAINER, GO_V2, type Go, type GoHabits, seenByGo } from "./go.js";
import type { Rule } from "./judge.js";
import * as providers from "./providers.js";
import type { Shell } from "./shell.js";

/** The SDK v1 for Go. It reads the config, and roles and SSO from either file, only with AWS_SDK_LOAD_CONFIG. */
export function seenByGoV1(shell: Shell): Go {
  const isLoading = /^(?:1|t|true)$/i.test(shell.env["AWS_SDK_LOAD_CONFIG"] ?? "");
  return isLoading ? seenByGo(shell, V1) : withoutConfig(shell);
}

/** A program that loads first without the config and then with it, by a release that knows no sessions of SSO. */
export function seenByRclone(shell: Shell): Go {
  const seen = seenByGo(shell, { ...V1, knows: (name) => V1.knows(name) && name !== "sso_session" });
  return { ...seen, invalid: seenByGoV1(shell).invalid ?? seen.invalid };
}

function withoutConfig(shell: Shell): Go {
  const { env, files } = shell;
  const without = { ...shell, env: { ...env, AWS_DEFAULT_PROFILE: undefined }, files: { ...files, config: "" } };
  return seenByGo(without, { ...V1, knows: (name) => ALWAYS_READ.includes(name) });
}

const ALWAYS_READ: readonly string[] = [
  ...[providers.KEY_ID, providers.KEY_SECRET],
  ...["credential_process", "web_identity_token_file"],
];

const V1: GoHabits = { isV1: true, knows: (name) => name !== "login_session" };

/** As v2, but that the full URI wins over the relative one. */
export const GO_V1: readonly Rule<Go>[] = GO_V2.map((rule) =>
  rule.provider === CONTAINER ? { ...rule, find: containerEndpoint({ prefers: "full" }) } : rule,
);
