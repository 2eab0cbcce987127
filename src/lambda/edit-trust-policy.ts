import { BrokerError } from "../core/errors.js";
import { parsePolicy } from "./policy-json.js";
import { hashInSid, SID_PREFIX, type TrustContent, type TrustWish } from "./trust-statement.js";

/**
 * How statements of ours stand in a trust policy. `equal`: none is there, and another one says the same. `other`: one lets the
 * principal in on other terms (until another time, for other sessions). `ended`: its time is over. `stale`: AWS has put an id in place of its
 * principal, which was deleted. `altered`: something else stands under its Sid.
 */
export type Standing = "absent" | "present" | "equal" | "other" | "ended" | "stale" | "altered";

export interface Found {
  readonly standing: Standing;
  /** The statement there, as it stands. */
  readonly statement?: Readonly<Record<string, unknown>>;
  /** When it ends, epoch milliseconds. */
  readonly until?: number;
}

export interface TrustEdit {
  /** JSON text. */
  readonly document: string;
  readonly changed: boolean;
}

export function findStatement(document: string, wish: TrustWish): Found {
  return foundIn(parseTrustPolicy(document).list, wish);
}

/** Nothing is added where it stands, or another says the same; one on other terms is replaced; `Conflict` where ours was edited. */
export function addStatement(document: string, wish: TrustWish): TrustEdit {
  const { policy, list, isList } = parseTrustPolicy(document);
  const { standing, statement } = foundIn(list, wish);
  if (standing === "altered") throw altered(statement);
  if (standing === "present" || standing === "equal") return { document, changed: false };
  // First where one stood alone, without a list: so that removing knows how it was.
  if (standing === "absent") return edited(policy, isList ? [...list, wish.statement] : [wish.statement, ...list]);
  const first = list.findIndex((one) => isOwn(one, wish));
  const kept: readonly (Fields | TrustContent)[] = list.flatMap((one, at): readonly (Fields | TrustContent)[] =>
    at === first ? [wish.statement] : isOwn(one, wish) ? [] : [one],
  );
  return edited(policy, isList ? kept : kept[0]);
}

/** Removes what of ours lets this principal in; `Conflict` where it was edited meanwhile, or nothing would be left. */
export function removeStatement(document: string, wish: TrustWish): TrustEdit {
  const { policy, list } = parseTrustPolicy(document);
  const { standing, statement } = foundIn(list, wish);
  if (standing === "altered") throw altered(statement);
  if (standing === "absent" || standing === "equal") return { document, changed: false };
  const others = list.filter((one) => !isOwn(one, wish));
  if (others.length === 0) throw lastOne(statement);
  const stoodAlone = others.length === 1 && list[0] !== undefined && isOwn(list[0], wish);
  return edited(policy, stoodAlone ? others[0] : others);
}

/** Sids of ours for others. */
export function otherSids(document: string, wish: TrustWish): readonly string[] {
  const others = parseTrustPolicy(document).list.filter((one) => !isOwn(one, wish));
  const sids = others.map((statement) => statement["Sid"]);
  return sids.filter((sid): sid is string => typeof sid === "string" && sid.startsWith(SID_PREFIX));
}

function foundIn(list: readonly Fields[], wish: TrustWish): Found {
  const own = list.filter((one) => isOwn(one, wish));
  const [first] = own;
  if (!first) {
    const { statement: wanted } = wish;
    const equal = list.find((other) => saysTheSame(other, withoutEnd(wanted)) || saysTheSame(other, wanted));
    return equal ? { standing: "equal", statement: equal } : { standing: "absent" };
  }
  const spoilt = own.find((one) => !isSound(one, wish));
  if (spoilt) {
    const isStale = own.every((one) => isSound(one, wish) || isSound(withPrincipal(one, wish), wish));
    return { standing: isStale ? "stale" : "altered", statement: spoilt };
  }
  const live = own.find((one) => !hasEnded(one, wish));
  if (!live) return { standing: "ended", statement: first, ...endOf(first) };
  const isWanted = own.length === 1 && saysTheSame(live, wish.statement);
  return { standing: isWanted ? "present" : "other", statement: live, ...endOf(live) };
}

function isOwn({ Sid: sid }: Fields, { own }: TrustWish): boolean {
  const hash = hashInSid(sid);
  return hash !== undefined && own.has(hash);
}

/** It says what its Sid promises, until whenever. */
function isSound(statement: Fields, wish: TrustWish): boolean {
  const content = contentOf(statement, wish);
  return content !== undefined && saysTheSame(withoutEnd(statement), content);
}

function contentOf({ Sid: sid }: Fields, { own }: TrustWish): TrustContent | undefined {
  return own.get(hashInSid(sid) ?? "");
}

const END = "aws:CurrentTime";

function endText({ Condition: condition }: Fields): string | undefined {
  const { DateLessThan: test } = isFields(condition) ? condition : {};
  const end = isFields(test) ? test[END] : undefined;
  return Array.isArray(end) && end.length === 1 ? String(end[0]) : typeof end === "string" ? end : undefined;
}

function endOf(statement: Fields): { readonly until?: number } {
  const until = Date.parse(endText(statement) ?? "");
  return Number.isNaN(until) ? {} : { until };
}

function hasEnded(statement: Fields, { now }: TrustWish): boolean {
  const { until } = endOf(statement);
  return until !== undefined && until <= now;
}

/** Only what `endText` reads is taken out: whatever else stands beside it was not written by us. */
function withoutEnd(statement: Fields | TrustContent): Fields {
  const fields: Fields = { ...statement };
  const { Condition: condition } = fields;
  if (Number.isNaN(Date.parse(endText(fields) ?? "")) || !isFields(condition)) return fields;
  const { DateLessThan: test, ...others } = condition;
  const tests = without(isFields(test) ? test : {}, END);
  const rest = Object.keys(tests).length > 0 ? { ...others, DateLessThan: tests } : others;
  return { ...fields, Condition: Object.keys(rest).length > 0 ? rest : undefined };
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

function edited(policy: Fields, statements: unknown): TrustEdit {
  return { document: JSON.stringify({ ...policy, Statement: statements }), changed: true };
}

type Fields = Readonly<Record<string, unknown>>;

interface TrustPolicy {
  readonly policy: Fields;
  readonly list: readonly Fields[];
  /** A single statement may stand without one. */
  readonly isList: boolean;
}

/** It is written back whole: what is not understood is refused. */
function parseTrustPolicy(document: string): TrustPolicy {
  const policy = parsePolicy(document);
  const { Statement: statement } = isFields(policy) ? policy : {};
  const list: readonly unknown[] = Array.isArray(statement) ? statement : [statement];
  if (!isFields(policy) || !list.every(isFields)) {
    throw new BrokerError(
      "Conflict",
      "the role's trust policy is not a policy document, or one that names a key twice",
      {
        hint: "look at it in the IAM console",
      },
    );
  }
  return { policy, list, isList: Array.isArray(statement) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** But for the Sid. */
function saysTheSame(a: Fields, b: Fields | TrustContent): boolean {
  const content = (statement: Fields): string => canonical({ ...statement, Sid: undefined });
  return content(a) === content({ ...b });
}

/** AWS's unique ids, which it shows in place of users and roles that are gone. */
const UNIQUE_ID = /^A(?:IDA|ROA)[A-Z0-9]{12,}$/;

function withPrincipal(statement: Fields, wish: TrustWish): Fields {
  const { Principal: found } = statement;
  const { AWS: aws } = isFields(found) ? found : {};
  const isGone = typeof aws === "string" && UNIQUE_ID.test(aws);
  return isGone ? { ...statement, Principal: contentOf(statement, wish)?.Principal } : statement;
}

/** IAM gives back `"x"` for `["x"]`; order decides nothing. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    const items = value.map(canonical).toSorted();
    return items.length === 1 ? (items[0] ?? "") : `[${items.join()}]`;
  }
  if (!isFields(value)) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${entries
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
    .toSorted()
    .join()}}`;
}

function altered(statement: Fields | undefined): BrokerError {
  return new BrokerError(
    "Conflict",
    `the statement ${sidOf(statement)} of the trust policy is no longer as it was added`,
    {
      hint: "look at it in the IAM console and remove it there if it is not needed",
    },
  );
}

function lastOne(statement: Fields | undefined): BrokerError {
  return new BrokerError(
    "Conflict",
    `the statement ${sidOf(statement)} is the trust policy's only one, and IAM takes none without any`,
    {
      hint: "give the role back the statement that lets its service assume it, then undo",
    },
  );
}

function sidOf(statement: Fields | undefined): string {
  return String(statement?.["Sid"]);
}
