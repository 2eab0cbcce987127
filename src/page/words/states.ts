import type { DaemonState, RoleStateName, RoleView } from "../../control-api/contract.js";
import type { RequestView } from "../../control-api/guard-contract.js";
import type { SourceState, SourceView } from "../../control-api/login-contract.js";

/** Never a colour alone: each state has a sign and a word. */
export type Tone = "good" | "busy" | "quiet" | "ask" | "bad";

export interface StateWord {
  readonly word: string;
  readonly icon: "check" | "turning" | "ring" | "key" | "cross" | "lock" | "alert" | "clock" | "back";
  readonly tone: Tone;
}

const ROLE: Readonly<Record<RoleStateName, StateWord>> = {
  ready: { word: "ready", icon: "check", tone: "good" },
  refreshing: { word: "refreshing", icon: "turning", tone: "busy" },
  idle: { word: "idle", icon: "ring", tone: "quiet" },
  login_required: { word: "login required", icon: "key", tone: "ask" },
  mfa_required: { word: "MFA required", icon: "key", tone: "ask" },
  denied: { word: "denied", icon: "cross", tone: "bad" },
  locked: { word: "locked", icon: "lock", tone: "ask" },
  error: { word: "error", icon: "alert", tone: "bad" },
};

export function roleWord(state: RoleStateName): StateWord {
  return ROLE[state];
}

const SOURCE: Readonly<Record<SourceState, StateWord>> = {
  ready: ROLE.ready,
  login_required: ROLE.login_required,
  mfa_required: ROLE.mfa_required,
  missing_key: { word: "key missing", icon: "alert", tone: "bad" },
  locked: ROLE.locked,
  error: ROLE.error,
};

export function sourceWord(state: SourceState): StateWord {
  return SOURCE[state];
}

const DAEMON: Readonly<Record<DaemonState, StateWord>> = {
  ready: ROLE.ready,
  locked: ROLE.locked,
  degraded: { word: "degraded", icon: "alert", tone: "bad" },
};

export function daemonWord(state: DaemonState): StateWord {
  return DAEMON[state];
}

const REQUEST: Readonly<Record<RequestView["state"], StateWord>> = {
  pending: { word: "pending", icon: "clock", tone: "ask" },
  approved: { word: "approved", icon: "check", tone: "good" },
  denied: { word: "denied", icon: "cross", tone: "bad" },
  released: { word: "given back", icon: "back", tone: "quiet" },
  void: { word: "void", icon: "ring", tone: "quiet" },
  expired: { word: "expired", icon: "ring", tone: "quiet" },
};

export function requestWord(state: RequestView["state"]): StateWord {
  return REQUEST[state];
}

/** What fixes a role or a source: a button of the page, or a command; null: nothing needs to be done. */
export type Fix =
  | { readonly by: "login"; readonly source: string }
  | { readonly by: "unlock" }
  | { readonly by: "refresh"; readonly role: string }
  | { readonly by: "command"; readonly command: string };

const LOGIN_TYPES = ["sso", "console_login", "keys"];

export function fixOfRole(role: RoleView, sources: readonly SourceView[]): Fix | null {
  const source = sources.find(({ name }) => name === role.source);
  if (role.state === "locked") return { by: "unlock" };
  const waits = role.state === "login_required" || role.state === "mfa_required";
  if (waits && source && LOGIN_TYPES.includes(source.type)) return { by: "login", source: source.name };
  const hint = role.lastError?.hint;
  if (hint !== undefined) return { by: "command", command: hint };
  return role.state === "error" || role.state === "denied" ? { by: "refresh", role: role.name } : null;
}

export function fixOfSource({ name, type, state }: SourceView): Fix | null {
  if (state === "locked") return { by: "unlock" };
  if (state === "missing_key") return { by: "command", command: `brokerctl keys add ${name}` };
  const waits = state === "login_required" || state === "mfa_required";
  return waits && LOGIN_TYPES.includes(type) ? { by: "login", source: name } : null;
}

/** Of a role that is not as it should be, in a sentence; null: nothing to tell. */
export function reasonOf({ state, source, lastError }: RoleView): string | null {
  if (lastError !== null) return lastError.message;
  if (state === "locked") return "the secret store is locked";
  if (state === "login_required") return `${source} needs a login`;
  return state === "mfa_required" ? `${source} needs an MFA code` : null;
}
