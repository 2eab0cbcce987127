import type { Principal } from "./principals.js";

interface Statement {
  readonly Sid?: unknown;
  readonly Effect?: unknown;
  readonly Principal?: unknown;
  readonly Action?: unknown;
  readonly Condition?: unknown;
}

/** Whether a trust policy lets this caller assume its role: Allow, no Deny, and every condition holds. */
export function admits(trustPolicy: string, caller: Principal): boolean {
  const statements = statementsOf(trustPolicy).filter((statement) => applies(statement, caller));
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

function applies(statement: Statement, caller: Principal): boolean {
  const action = listOf(statement.Action).some((one) => one === "sts:AssumeRole" || one === "sts:*" || one === "*");
  const named = [caller.arn, caller.roleArn, rootOf(caller), caller.account, "*"];
  const isNamed = principalsOf(statement).some((arn) => named.includes(arn));
  return action && isNamed && holds(statement.Condition ?? {}, caller.roleArn ?? caller.arn);
}

function rootOf({ arn, account }: Principal): string {
  return `arn:${arn.split(":")[1]}:iam::${account}:root`;
}

const OPERATORS: Readonly<Record<string, (pattern: string, arn: string) => boolean>> = {
  ArnLike: isLike,
  // AWS: the two behave identically.
  ArnEquals: isLike,
  StringEquals: (pattern, arn) => pattern === arn,
};

/** Of conditions it knows those on aws:PrincipalArn; every other one fails. */
function holds(condition: object, principalArn: string): boolean {
  return Object.entries(condition).every(([operator, tests]) =>
    Object.entries(tests as object).every(
      ([key, patterns]) =>
        key === "aws:PrincipalArn" &&
        listOf(patterns).some((pattern) => OPERATORS[operator]?.(String(pattern), principalArn) ?? false),
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
