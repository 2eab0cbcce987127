import type { HeldCredentials } from "../core/credentials.js";
import type { RefreshWindows } from "../core/refresh-windows.js";

/** Clients that renew together should not make us renew together: up to this share of the window earlier. */
const JITTER = 0.1;
/** A source that keeps answering the same, nearly spent credentials is not asked more often than this. */
const MIN_REFRESH_INTERVAL_MS = 15_000;

/** Epoch ms of the refresh of credentials that were received `now`. */
export function plannedRefresh(
  { credentials }: HeldCredentials,
  { advisoryAt }: RefreshWindows,
  { now, random }: { readonly now: number; readonly random: () => number },
): number {
  const planned = advisoryAt - random() * JITTER * (credentials.expiration - advisoryAt);
  return Math.max(planned, now + Math.min(MIN_REFRESH_INTERVAL_MS, (credentials.expiration - now) / 4));
}
