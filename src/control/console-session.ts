import { BrokerError } from "../core/errors.js";
import type { Role } from "../core/role.js";

/** AWS's limits for SessionDuration (IAM User Guide, "Enable custom identity broker access to the AWS console"). */
const SHORTEST_SECONDS = 900;
const LONGEST_SECONDS = 43_200;
/** Credentials are fetched after the yes, for as long as the guard allows. */
const SLACK_MS = 60_000;

export interface ConsoleSessionTerms {
  /** Of the credentials, epoch milliseconds: a session without a duration of its own ends with them. */
  readonly expiration: number;
  /** Of what the role's guard gave; null: it has none. */
  readonly until: number | null;
  readonly forSeconds: number | undefined;
  readonly now: number;
}

/**
 * SessionDuration to be asked for; undefined: none. AWS refuses one for credentials of a chained role, and of a role that a session
 * (MFA, a login to the console) assumed. What a guard gives is never exceeded.
 */
export function consoleSessionSeconds(role: Role, terms: ConsoleSessionTerms): number | undefined {
  const { expiration, until, forSeconds, now } = terms;
  if (forSeconds === undefined && (until === null || expiration <= until)) return undefined;
  const wanted = until === null ? (forSeconds ?? LONGEST_SECONDS) : Math.floor((until - now) / 1000);
  if (wanted < SHORTEST_SECONDS) throw tooShort(role, until === null);
  if (takesDuration(role)) return Math.min(wanted, LONGEST_SECONDS);
  if (forSeconds !== undefined) throw takesNone(role);
  if (outlastsGuard(role, terms)) throw outlasting(role);
  return undefined;
}

function outlastsGuard({ guard }: Role, { expiration, now }: ConsoleSessionTerms): boolean {
  return guard !== undefined && expiration - now > guard.maxLeaseSeconds * 1000 + SLACK_MS;
}

/** A guard that gives less than AWS's shortest session. */
export function refuseShortGuard({ name, guard }: Role): void {
  if (!guard || guard.maxLeaseSeconds >= SHORTEST_SECONDS) return;
  const message = `role ${name} is guarded: its max_lease is under 15 min, and AWS has no shorter console session`;
  throw new BrokerError("GuardRefused", message, { hint: "brokerctl config edit" });
}

function takesDuration({ origin, assume, sso }: Role): boolean {
  if (origin.kind !== "source") return false;
  const { source } = origin;
  if (source.type === "keys") return assume !== undefined && source.mfaSerial === undefined;
  return source.type === "web_identity" || sso !== undefined;
}

function tooShort({ name }: Role, isWish: boolean): BrokerError {
  if (isWish) {
    return new BrokerError("UsageInvalid", "--for must be 15m or more: AWS has no shorter console session", {
      hint: `brokerctl console ${name} --for 15m`,
    });
  }
  const message = `role ${name} is given for less than 15 min more, and AWS has no shorter console session`;
  // Without the shell's lease, whose yes it is: a new one is asked for.
  return new BrokerError("GuardRefused", message, {
    hint: `env -u AWS_CONTAINER_CREDENTIALS_FULL_URI brokerctl console ${name}`,
  });
}

function takesNone({ name }: Role): BrokerError {
  const message = `AWS takes no duration for the console of role ${name}: a session signs for it, so that the one of the console ends with its credentials`;
  return new BrokerError("UsageInvalid", message, { hint: `brokerctl console ${name}` });
}

function outlasting({ name }: Role): BrokerError {
  const message = `the credentials of role ${name} outlast its guard, and AWS takes no shorter console session for them`;
  return new BrokerError("GuardRefused", message, {
    hint: `brokerctl refresh ${name}, then brokerctl console ${name}`,
  });
}
