import type { RoleView, StatusView } from "../../control-api/contract.js";
import type { SourceView } from "../../control-api/login-contract.js";
import { roleWord, type StateWord, sourceWord } from "../words/states.js";
import type { History, PastSet } from "./history.js";

/** A stretch of time in which something was, or is, good. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly is: "past" | "live";
  /** It began before anything that is known. */
  readonly openStart?: true;
}

/** A line of the picture: what is held of a role, or a login. */
export interface Track {
  readonly kind: "login" | "role";
  readonly name: string;
  readonly state: StateWord;
  readonly guarded: boolean;
  readonly stretches: readonly Stretch[];
  /** Of what is live; null: not known, or nothing is. */
  readonly issuedAt: number | null;
  readonly renewalAt: number | null;
  readonly endsAt: number | null;
}

export interface Window {
  readonly start: number;
  readonly end: number;
}

type Shown = Pick<StatusView, "roles" | "sources">;

/** Those with something in the window, or that wait for a person: logins first, what needs someone before what ends soon. */
export function tracksOf(
  { roles, sources }: Shown,
  { history, now, window }: { readonly history: History; readonly now: number; readonly window: Window },
): readonly Track[] {
  const past = history.byRole(now);
  const isShown = ({ stretches, state, kind }: Track): boolean =>
    stretches.some(({ from, to }) => from < window.end && to > window.start) ||
    (kind === "login" && state.tone === "ask");
  const logins = sources.map((source) => loginTrack(source, { history, now, window })).filter(isShown);
  const held = roles.map((role) => roleTrack(role, { past: past.get(role.name) ?? [], now })).filter(isShown);
  return [...logins.toSorted(byUrgency), ...held.toSorted(byUrgency)];
}

const RANK: Readonly<Record<StateWord["tone"], number>> = { bad: 0, ask: 0, busy: 1, good: 1, quiet: 2 };

function byUrgency(a: Track, b: Track): number {
  const rank = RANK[a.state.tone] - RANK[b.state.tone];
  if (rank !== 0) return rank;
  const guarded = Number(b.guarded) - Number(a.guarded);
  return guarded || (a.endsAt ?? Number.MAX_VALUE) - (b.endsAt ?? Number.MAX_VALUE) || (a.name < b.name ? -1 : 1);
}

function roleTrack(
  { name, state, guard, expiration, issuedAt = null, refreshAt }: RoleView,
  { past, now }: { readonly past: readonly PastSet[]; readonly now: number },
): Track {
  const common = { kind: "role", name, state: roleWord(state), guarded: guard !== null } as const;
  if (expiration === null || expiration <= now) return { ...common, stretches: inForce(past, now), ...NOTHING_LIVE };
  const from = issuedAt ?? past.at(-1)?.from ?? now;
  const before = past.filter((set) => issuedAt === null || set.from < issuedAt);
  return {
    ...common,
    stretches: [...inForce(before, from), { from, to: expiration, is: "live" }],
    ...{ issuedAt, renewalAt: refreshAt, endsAt: expiration },
  };
}

const NOTHING_LIVE = { issuedAt: null, renewalAt: null, endsAt: null } as const;

/** Each set until the next one took its place: renewed credentials overlap with those before. */
export function inForce(sets: readonly PastSet[], before: number): readonly Stretch[] {
  return sets.flatMap(({ from, to }, index): readonly Stretch[] => {
    const end = Math.min(to, sets[index + 1]?.from ?? before, before);
    return end > from ? [{ from, to: end, is: "past" }] : [];
  });
}

function loginTrack(
  { name, type, state, expiresAt }: SourceView,
  { history, now, window }: { readonly history: History; readonly now: number; readonly window: Window },
): Track {
  const common = { kind: "login", name, state: sourceWord(state), guarded: false } as const;
  if (state !== "ready" || expiresAt === null || expiresAt <= now) return { ...common, stretches: [], ...NOTHING_LIVE };
  const since = history.loginAt(name);
  const openStart = since === undefined ? { openStart: true as const } : {};
  // Of Identity Center only the end of the access token is known, which is renewed by itself.
  const isRenewed = type === "sso";
  return {
    ...common,
    stretches: [{ from: since ?? window.start, to: expiresAt, is: "live", ...openStart }],
    issuedAt: since ?? null,
    ...(isRenewed ? { renewalAt: expiresAt, endsAt: null } : { renewalAt: null, endsAt: expiresAt }),
  };
}
