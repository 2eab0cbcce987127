import type { Principal } from "./principals.js";

interface Statement {
  readonly Sid?: unknown;
  readonly Effect?: unknown;
  readonly Principal?: unknown;
  readonly Action?: unknown;
  readonly Condition?: unknown;
}

/** What AssumeRole was asked with, and when (epoch milliseconds). */
export interface AskedSession {
  readonly externalId?: string | undefined;
  readonly sessionName?: string | undefined;
  readonly now?: number;
}

/** Whether a trust policy lets this caller assume its role: Allow, no Deny, and every condition holds. */
export function admits(trustPolicy: string, caller: Principal, asked: AskedSession = {}): boolean {
  const statements = statementsOf(trustPolicy).filter((statement) => applies(statement, caller, asked));
  return statements.some(({ Effect }) => Effect === "Allow") && !statements.some(({ Effect }) => Effect === "Deny");
}

/** Throws what JSON.parse throws. */
export function statementsOf(policy: string): readonly Statement[] {
  return listOf((JSON.parse(policy) as { readonly Statement?: unknown }).Statement) as readonly Statement[];
}

/** ARNs of users, roles and roots that a statement names. */
export function principalsOf({ Principal: principal }: Statement): readonly string[] {
  if (principal === "*") return ["*"];
  return listOf((principal as { readonly AWS?: unknown } | undefined)?.AWS).map(String);
}

function applies(statement: Statement, caller: Principal, { externalId, sessionName, now }: AskedSession): boolean {
  const action = listOf(statement.Action).some((one) => one === "sts:AssumeRole" || one === "sts:*" || one === "*");
  const named = [caller.arn, caller.roleArn, rootOf(caller), caller.account, "*"];
  const isNamed = principalsOf(statement).some((arn) => named.includes(arn));
  return (
    action &&
    isNamed &&
    holds(statement.Condition ?? {}, {
      "aws:PrincipalArn": caller.roleArn ?? caller.arn,
      "sts:ExternalId": externalId,
      "sts:RoleSessionName": sessionName,
      "aws:CurrentTime": now === undefined ? undefined : new Date(now).toISOString(),
    })
  );
}

function rootOf({ arn, account }: Principal): string {
  return `arn:${arn.split(":")[1]}:iam::${account}:root`;
}

const OPERATORS: Readonly<Record<string, (pattern: string, arn: string) => boolean>> = {
  ArnLike: isLike,
  // AWS: the two behave identically.
  ArnEquals: isLike,
  StringEquals: (pattern, arn) => pattern === arn,
  DateLessThan: (end, time) => Date.parse(time) < Date.parse(end),
};

/** Of conditions it knows those on keys with a value; every other one fails. */
function holds(condition: object, values: Readonly<Record<string, string | undefined>>): boolean {
  return Object.entries(condition).every(([operator, tests]) =>
    Object.entries(tests as object).every(
      ([key, patterns]) =>
        values[key] !== undefined &&
        listOf(patterns).some((pattern) => OPERATORS[operator]?.(String(pattern), values[key] ?? "") ?? false),
    ),
  );
}

/** Stars and question marks, within each of the ARN's six parts. */
function isLike(pattern: string, arn: string): boolean {
  const parts = (text: string): string[] => /^([^:]*):([^:]*):([^:]*):([^:]*):([^:]*):(.*)$/.exec(text)?.slice(1) ?? [];
  const [wanted, found] = [parts(pattern), parts(arn)];
  return wanted.length === 6 && wanted.every((part, index) => globOf(part).test(found[index] ?? ""));
}

function globOf(part: string): RegExp {
  const escaped = part.replace(/[.+^${}()|[\]\\/]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
