import type { HeldCredentials } from "./credentials.js";

const MINUTE_MS = 60_000;
/** PHP, C++ and others use credentials up to their last second: end them early for every client. */
const MAX_MARGIN_MS = MINUTE_MS;
/** Leaves 1 h credentials ≥ 20 min advertised: inside 15 min botocore, Java and .NET refetch on every call. */
const MAX_ADVISORY_MS = 26 * MINUTE_MS;
/** Inside 5 min Go, JS v3, CRT, Ruby and Swift count credentials as expired. */
const MAX_MANDATORY_MS = 5 * MINUTE_MS;
/** Clients that renew together should not make us renew together: up to this share of the window earlier. */
const JITTER = 0.1;
/** A source that keeps answering the same, nearly spent credentials is not asked more often than this. */
const MIN_REFRESH_INTERVAL_MS = 15_000;

/** Instants, epoch milliseconds, that follow from when credentials came and when they end. */
export interface RefreshWindows {
  /** What clients are told, whole seconds; credentials are valid, and served, only before it. */
  readonly advertisedExpiration: number;
  /** From here on a refresh is wise. */
  readonly advisoryAt: number;
  /** From here on a refresh is required. */
  readonly mandatoryAt: number;
}

/** margin = min(60 s, L/10); advisory at min(26 min, 0.4 L) left; mandatory at min(5 min, 0.2 L) left. */
export function refreshWindows({ credentials, receivedAt }: HeldCredentials): RefreshWindows {
  const lifetime = Math.max(0, credentials.expiration - receivedAt);
  const margin = Math.min(MAX_MARGIN_MS, lifetime / 10);
  return {
    advertisedExpiration: Math.floor((credentials.expiration - margin) / 1000) * 1000,
    advisoryAt: credentials.expiration - Math.min(MAX_ADVISORY_MS, 0.4 * lifetime),
    mandatoryAt: credentials.expiration - Math.min(MAX_MANDATORY_MS, 0.2 * lifetime),
  };
}

/** Epoch milliseconds before which no refresh is planned, whatever the jitter. */
export function earliestRefresh(held: HeldCredentials): number {
  const { advisoryAt } = refreshWindows(held);
  return advisoryAt - JITTER * (held.credentials.expiration - advisoryAt);
}

/** Epoch milliseconds of the planned refresh of credentials that are taken up `now`. */
export function plannedRefresh(
  held: HeldCredentials,
  { now, random }: { readonly now: number; readonly random: () => number },
): number {
  const { expiration } = held.credentials;
  const { advisoryAt } = refreshWindows(held);
  const planned = advisoryAt - random() * JITTER * (expiration - advisoryAt);
  return Math.max(planned, now + Math.min(MIN_REFRESH_INTERVAL_MS, (expiration - now) / 4));
}
