import { type BrokerError, isRecoverable } from "./errors.js";

const FIRST_RETRY_MS = 1000;
/** One probe a minute while AWS is away: quick enough to notice, too slow to add to its trouble. */
const MAX_RETRY_MS = 60_000;
/** The next fetch is expected within seconds: after a resume. */
const SOON_MS = 2000;
/** AWS refused: it would only refuse again. `use` and `refresh` ask at once all the same. */
const REFUSED_RETRY_MS = 60_000;
/** A login, key or unlock wakes the role by itself; this is for what changes outside of us. */
const USER_RETRY_MS = 5000;

/** The last attempt that failed, how many failed in a row, and from when on (epoch ms) another may be made. */
export interface Failure {
  readonly error: BrokerError;
  readonly count: number;
  readonly retryAt: number;
}

/**
 * When to try again. Recoverable: 1 s doubling to 60 s with half of it random, or what the upstream asked for.
 * Refused by AWS: a minute. What waits for the user (login, key, unlock) costs no upstream call and is looked at anew
 * soon, when a client asks.
 */
export function nextFailure({
  error,
  previous,
  now,
  random,
  soon = false,
}: {
  readonly error: BrokerError;
  readonly previous: Failure | undefined;
  readonly now: number;
  readonly random: () => number;
  /** No pause of more than 2 s, unless the upstream asks for one. */
  readonly soon?: boolean;
}): Failure {
  const count = (previous?.count ?? 0) + 1;
  return { error, count, retryAt: now + delay(error, { count, random, longest: soon ? SOON_MS : MAX_RETRY_MS }) };
}

interface Pacing {
  readonly count: number;
  readonly random: () => number;
  readonly longest: number;
}

function delay(error: BrokerError, { count, random, longest }: Pacing): number {
  if (isRecoverable(error)) {
    const ceiling = Math.min(longest, FIRST_RETRY_MS * 2 ** Math.min(count - 1, 10));
    return Math.max(ceiling / 2 + (random() * ceiling) / 2, Math.min(error.retryAfterMs ?? 0, MAX_RETRY_MS));
  }
  return error.code === "AssumeRoleDenied" || error.code === "ConfigInvalid" ? REFUSED_RETRY_MS : USER_RETRY_MS;
}

/** After the wall clock was set back a retry must not be further off than any pause is long. */
export function mayRetry(failure: Failure | undefined, now: number): boolean {
  return !failure || now >= failure.retryAt || failure.retryAt - now > MAX_RETRY_MS;
}
