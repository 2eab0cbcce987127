import { BrokerError } from "../core/errors.js";
import { parsePolicy } from "./policy-json.js";
import { SID_PREFIX, type TrustStatement } from "./trust-statement.js";

/**
 * How a statement stands in a trust policy. `equal`: another, not marked as ours, says the same. `stale`: it is there, and AWS
 * has put an id in place of its principal, which was deleted. `altered`: something else stands under its Sid.
 */
export type Standing = "absent" | "present" | "equal" | "stale" | "altered";

export interface TrustEdit {
  /** JSON text. */
  readonly document: string;
  readonly changed: boolean;
}

export function standingOf(document: string, statement: TrustStatement): Standing {
  const { list } = parseTrustPolicy(document);
  const own = list.find(({ Sid }) => Sid === statement.Sid);
  if (!own) return list.some((other) => saysTheSame(other, statement)) ? "equal" : "absent";
  if (saysTheSame(own, statement)) return "present";
  return saysTheSame(withPrincipal(own, statement), statement) ? "stale" : "altered";
}

/** Nothing is added where it stands, or another says the same; `Conflict` where something else stands under its Sid. */
export function addStatement(document: string, statement: TrustStatement): TrustEdit {
  const standing = standingOf(document, statement);
  if (standing === "altered") throw altered(statement);
  if (standing === "present" || standing === "equal") return { document, changed: false };
  const { policy, list, isList } = parseTrustPolicy(document);
  if (standing === "stale") {
    return edited(policy, isList ? list.map((one) => (one["Sid"] === statement.Sid ? statement : one)) : statement);
  }
  // First where one stood alone, without a list: so that removing knows how it was.
  return edited(policy, isList ? [...list, statement] : [statement, ...list]);
}

/** Removes just this one; `Conflict` where it was edited meanwhile, or is the only one. */
export function removeStatement(document: string, statement: TrustStatement): TrustEdit {
  const standing = standingOf(document, statement);
  if (standing === "altered") throw altered(statement);
  if (standing === "absent" || standing === "equal") return { document, changed: false };
  const { policy, list } = parseTrustPolicy(document);
  const others = list.filter(({ Sid }) => Sid !== statement.Sid);
  if (others.length === 0) throw lastOne(statement);
  const stoodAlone = others.length === 1 && list[0]?.["Sid"] === statement.Sid;
  return edited(policy, stoodAlone ? others[0] : others);
}

/** Sids of ours that are not this statement's: of another principal, or of the same one's former definition. */
export function otherSids(document: string, { Sid }: TrustStatement): readonly string[] {
  const sids = parseTrustPolicy(document).list.map((statement) => statement["Sid"]);
  return sids.filter(
    (other): other is string => typeof other === "string" && other.startsWith(SID_PREFIX) && other !== Sid,
  );
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
function saysTheSame(a: Fields, b: TrustStatement): boolean {
  const content = (statement: Fields): string => canonical({ ...statement, Sid: undefined });
  return content(a) === content({ ...b });
}

/** AWS's unique ids, which it shows in place of users and roles that are gone. */
const UNIQUE_ID = /^A(?:IDA|ROA)[A-Z0-9]{12,}$/;

function withPrincipal(statement: Fields, { Principal }: TrustStatement): Fields {
  const { Principal: found } = statement;
  const { AWS: aws } = isFields(found) ? found : {};
  return typeof aws === "string" && UNIQUE_ID.test(aws) ? { ...statement, Principal } : statement;
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

function altered({ Sid }: TrustStatement): BrokerError {
  return new BrokerError("Conflict", `the statement ${Sid} of the trust policy is no longer as it was added`, {
    hint: "look at it in the IAM console and remove it there if it is not needed",
  });
}

function lastOne({ Sid }: TrustStatement): BrokerError {
  return new BrokerError(
    "Conflict",
    `the statement ${Sid} is the trust policy's only one, and IAM takes none without any`,
    {
      hint: "give the role back the statement that lets lambda.amazonaws.com assume it, then undo",
    },
  );
}
