import { durationText } from "./duration.js";
import { BrokerError } from "./errors.js";
import { visibleText } from "./visible-text.js";

/**
 * How what a lease gives is narrower than its role. Each field narrows, and what several leave open is what all of them allow; the
 * entries of one list add up. At least one field is there; see `checkedScope` for their forms.
 */
export interface LeaseScope {
  /** `--read-only` without services. */
  readonly readOnly?: true;
  /** `s3`, or `s3:read` (core/policy-services); sorted. */
  readonly services?: readonly string[];
  /** Minified JSON. */
  readonly policy?: string;
  /** Of managed policies; sorted. */
  readonly policyArns?: readonly string[];
  /** `--session-for`: how long each set of keys lives, at least 60. */
  readonly sessionSeconds?: number;
  /** Who it is for and why: for AWS's own record. It narrows nothing. */
  readonly description?: string;
}

/** In words, without an end: `read-only; keys of 10m`. The text of a policy is not in it, but its size. */
export function describeScope(scope: LeaseScope): string {
  const { readOnly, services, policy, policyArns, sessionSeconds } = scope;
  const parts = [
    ...(readOnly ? ["read-only"] : []),
    ...(services ? [servicesText(services)] : []),
    ...(policyArns ? [policyArns.map(policyName).join(" + ")] : []),
    ...(policy === undefined ? [] : [`a policy of ${policy.length} characters`]),
    ...(sessionSeconds === undefined ? [] : [`keys of ${durationText(sessionSeconds)}`]),
  ];
  return parts.join("; ");
}

/** For who decides: in words, and then a policy's text, which may say anything. */
export function scopeLines(scope: LeaseScope): readonly string[] {
  return [describeScope(scope), ...(scope.policy === undefined ? [] : [visibleText(scope.policy)])];
}

function servicesText(services: readonly string[]): string {
  const isRead = (service: string): boolean => service.endsWith(":read");
  if (services.every(isRead)) return `read-only ${services.map((one) => one.slice(0, -":read".length)).join(", ")}`;
  return services.map((one) => (isRead(one) ? `${one.slice(0, -":read".length)} (read-only)` : one)).join(", ");
}

/** AWS's own by their names, as the console shows them. */
function policyName(arn: string): string {
  return /^arn:[\w-]+:iam::aws:policy\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1] ?? arn;
}

/** Whether it allows nothing but reading. */
export function isReadOnly({ readOnly, services }: LeaseScope): boolean {
  return readOnly === true || (services?.every((service) => service.endsWith(":read")) ?? false);
}

/**
 * What is wanted by who has `own`: both. Throws `ScopeRefused` where a field of what is wanted is wider than that of its own; what is not
 * wanted anew stays as it is.
 */
export function narrowerScope(own: LeaseScope | undefined, wanted: LeaseScope | undefined): LeaseScope | undefined {
  if (!own || !wanted) return own ?? wanted;
  const wider = widerField(own, wanted);
  if (wider !== undefined) throw scopeGrows(own, wider);
  return normalized({ ...own, ...wanted });
}

/**
 * What `own` and `more` both allow; undefined where that cannot be said in one scope: two policies, or lists that have nothing in
 * common.
 */
export function scopeOfBoth(own: LeaseScope | undefined, more: LeaseScope): LeaseScope | undefined {
  if (!own) return more;
  const lists = {
    services: commonServices(own.services, more.services),
    policyArns: common(own.policyArns, more.policyArns),
  };
  const isEmpty = Object.values(lists).some((list) => list?.length === 0);
  const isTwoPolicies = own.policy !== undefined && ![undefined, own.policy].includes(more.policy);
  if (isEmpty || isTwoPolicies) return undefined;
  return normalized({
    ...more,
    ...own,
    ...(more.readOnly && { readOnly: true }),
    ...(lists.services && { services: lists.services }),
    ...(lists.policyArns && { policyArns: lists.policyArns }),
    ...shorterOf(own, more),
  });
}

function shorterOf(...scopes: readonly LeaseScope[]): Pick<LeaseScope, "sessionSeconds"> {
  const seconds = Math.min(...scopes.map(({ sessionSeconds = Number.POSITIVE_INFINITY }) => sessionSeconds));
  return Number.isFinite(seconds) ? { sessionSeconds: seconds } : {};
}

function common(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  return a && b ? a.filter((one) => b.includes(one)) : (a ?? b);
}

/** Of `s3` and `s3:read` it is `s3:read`. */
function commonServices(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (!a || !b) return a ?? b;
  return [...a.filter((one) => isCovered(one, b)), ...b.filter((one) => isCovered(one, a))];
}

/** Whether all that `inner` allows is allowed by `outer`, as far as their fields tell. */
export function isWithin(inner: LeaseScope | undefined, outer: LeaseScope | undefined): boolean {
  if (!outer) return true;
  if (!inner) return false;
  const hasAll = (Object.keys(outer) as (keyof LeaseScope)[]).every(
    (field) => field === "description" || inner[field] !== undefined || (field === "readOnly" && isReadOnly(inner)),
  );
  return hasAll && (outer.readOnly !== true || isReadOnly(inner)) && widerField(outer, inner) === undefined;
}

/** A flag of `wanted` that is not within that of `own`. */
export function widerField(own: LeaseScope, wanted: LeaseScope): string | undefined {
  return WIDER.find(([, isWider]) => isWider(own, wanted))?.[0];
}

/** What one of the two does not say is not compared. */
const WIDER: readonly (readonly [flag: string, isWider: (own: LeaseScope, wanted: LeaseScope) => boolean])[] = [
  [
    "--service",
    ({ services: own }, { services }) => own !== undefined && !(services ?? []).every((one) => isCovered(one, own)),
  ],
  ["--policy", ({ policy: own }, { policy = own }) => own !== undefined && policy !== own],
  [
    "--policy-arn",
    ({ policyArns: own }, { policyArns }) => own !== undefined && !(policyArns ?? []).every((arn) => own.includes(arn)),
  ],
  [
    "--session-for",
    ({ sessionSeconds: own = Number.POSITIVE_INFINITY }, { sessionSeconds = 0 }) => sessionSeconds > own,
  ],
];

function isCovered(service: string, allowed: readonly string[]): boolean {
  return (
    allowed.includes(service) || (service.endsWith(":read") && allowed.includes(service.slice(0, -":read".length)))
  );
}

/** With services, read-only is said of each of them; lists are sorted, so that their order decides nothing. */
export function normalized({ readOnly, services, policyArns, ...rest }: LeaseScope): LeaseScope {
  const read = (service: string): string => (readOnly && !service.endsWith(":read") ? `${service}:read` : service);
  const each = [...new Set(services?.map(read))];
  // `s3` allows what `s3:read` does.
  const needed = each.filter((one) => !(one.endsWith(":read") && each.includes(one.slice(0, -":read".length))));
  return {
    ...(readOnly && !services && { readOnly }),
    ...(services && { services: needed.toSorted() }),
    ...(policyArns && { policyArns: [...new Set(policyArns)].toSorted() }),
    ...rest,
  };
}

function scopeGrows(own: LeaseScope, field: string): BrokerError {
  const message = `this shell's variables hold a lease that is narrowed (${describeScope(own)}), and ${field} would widen it`;
  return new BrokerError("ScopeRefused", message, { hint: "brokerctl request ROLE --reason TEXT" });
}
