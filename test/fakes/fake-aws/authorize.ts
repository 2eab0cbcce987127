import { accessDenied } from "./aws-refusal.js";
import type { FakeRole, Principal } from "./principals.js";
import type { FakeAwsState } from "./sts-actions.js";

/** Documents by ARN, JSON text. */
export type PoliciesByArn = Readonly<Record<string, string>>;

/** What stands around a role, and what only its administrators see. */
export interface FakeGuardrails {
  /** Of the organization: without any, all is allowed. */
  readonly scps?: PoliciesByArn;
  readonly rcps?: PoliciesByArn;
  readonly vpcEndpoint?: string;
  /** By the ARN of the resource: for another account's it must allow, for one's own it may deny. */
  readonly resources?: PoliciesByArn;
}

/** One call, as policies see it. */
export interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly region: string;
}

interface Statement {
  readonly Effect?: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** One kind of policy: its name in messages, and its documents; inline ones have no ARN. */
interface Kind {
  readonly name: string;
  readonly article: "a" | "an";
  readonly policies: readonly { readonly arn?: string; readonly document: string }[];
  /** Whether nothing is allowed that none of them allows. */
  readonly mustAllow: boolean;
}

/** Refuses as AWS does where the caller's role is one whose policies are in force, in the order of AWS's evaluation. */
export function authorize(state: FakeAwsState, caller: Principal, asked: Asked): void {
  const role = caller.roleArn === undefined ? undefined : state.roles.get(caller.roleArn);
  if (!role?.isEnforced || asked.action === "sts:GetCallerIdentity") return;
  const kinds = [...kindsAround(state, asked), ...kindsOf(state, role)];
  const denied = whatDenies(kinds, { caller, asked });
  if (denied === undefined) return;
  throw accessDenied(
    `User: ${caller.arn} is not authorized to perform: ${asked.action} on resource: ${asked.resource} ${denied}`,
  );
}

/** What SimulatePrincipalPolicy answers of it: without policies of sessions, resources and endpoints. */
export function simulateRole(state: FakeAwsState, role: FakeRole, asked: Asked): object {
  const scps = kindsAround(state, asked).filter(({ name }) => name === "service control policy");
  const caller = { roleArn: role.arn, arn: role.arn } as Principal;
  const of = (kinds: readonly Kind[]): string | undefined => whatDenies(kinds, { caller, asked });
  const own = kindsOf(state, role);
  const denied = of([...scps, ...own]);
  const boundary = own.filter(({ name }) => name === "permissions boundary");
  return {
    EvalActionName: asked.action,
    EvalResourceName: asked.resource,
    EvalDecision:
      denied === undefined ? "allowed" : denied.startsWith("with an explicit") ? "explicitDeny" : "implicitDeny",
    MatchedStatements: [],
    MissingContextValues: missingKeys(own),
    ...(scps.length === 0 ? {} : { OrganizationsDecisionDetail: { AllowedByOrganizations: of(scps) === undefined } }),
    ...(boundary.length === 0
      ? {}
      : { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: of(boundary) === undefined } }),
  };
}

function kindsAround(
  { guardrails: { scps, rcps, vpcEndpoint, resources = {} } }: FakeAwsState,
  { resource }: Asked,
): readonly Kind[] {
  const policy = Object.hasOwn(resources, resource) ? resources[resource] : undefined;
  return [
    ...(rcps
      ? [{ name: "resource control policy", article: "a", policies: byArn(rcps), mustAllow: false } as const]
      : []),
    ...(scps
      ? [{ name: "service control policy", article: "a", policies: byArn(scps), mustAllow: true } as const]
      : []),
    ...(vpcEndpoint === undefined
      ? []
      : [
          {
            name: "VPC endpoint policy",
            article: "a",
            policies: [{ document: vpcEndpoint }],
            mustAllow: true,
          } as const,
        ]),
    ...(policy === undefined
      ? []
      : [{ name: "resource-based policy", article: "a", policies: [{ document: policy }], mustAllow: true } as const]),
  ];
}

function kindsOf({ managedPolicies }: FakeAwsState, role: FakeRole): readonly Kind[] {
  const { attached = [], inline = {}, permissionsBoundaryArn: boundary } = role;
  const managed = attached.map((arn) => ({ arn, document: managedPolicies[arn] ?? "{}" }));
  const policies = [...Object.values(inline).map((document) => ({ document })), ...managed];
  const identity: Kind = { name: "identity-based policy", article: "an", policies, mustAllow: true };
  if (boundary === undefined) return [identity];
  const document = managedPolicies[boundary] ?? "{}";
  return [identity, { name: "permissions boundary", article: "a", policies: [{ document }], mustAllow: true }];
}

function byArn(policies: PoliciesByArn): Kind["policies"] {
  return Object.entries(policies).map(([arn, document]) => ({ arn, document }));
}

interface Request {
  readonly caller: Principal;
  readonly asked: Asked;
}

/** undefined: nothing does. */
function whatDenies(kinds: readonly Kind[], request: Request): string | undefined {
  for (const { name, article, policies } of kinds) {
    const denying = policies.find(({ document }) => says(document, "Deny", request));
    if (!denying) continue;
    const arn = denying.arn === undefined ? "" : `: ${denying.arn}`;
    return `with an explicit deny in ${article} ${name}${arn}`;
  }
  const silent = kinds.find(
    ({ policies, mustAllow }) => mustAllow && !policies.some(({ document }) => says(document, "Allow", request)),
  );
  return silent && `because no ${silent.name} allows the ${request.asked.action} action`;
}

function says(document: string, effect: string, { caller, asked }: Request): boolean {
  return statementsIn(document).some(
    (statement) =>
      statement.Effect === effect &&
      names(statement.Action, statement.NotAction, asked.action.toLowerCase(), (text) => text.toLowerCase()) &&
      names(
        statement.Resource ?? (statement.NotResource === undefined ? "*" : undefined),
        statement.NotResource,
        asked.resource,
      ) &&
      holds(statement.Condition ?? {}, { "aws:RequestedRegion": asked.region, "aws:PrincipalArn": caller.roleArn }),
  );
}

function statementsIn(document: string): readonly Statement[] {
  return listOf((JSON.parse(document) as { readonly Statement?: Statement | readonly Statement[] }).Statement);
}

function names(
  named: string | readonly string[] | undefined,
  except: string | readonly string[] | undefined,
  asked: string,
  form = (text: string): string => text,
): boolean {
  const isLike = (pattern: string): boolean => globOf(form(pattern)).test(asked);
  return named === undefined ? !listOf(except).some(isLike) : listOf(named).some(isLike);
}

/** Of conditions it knows two operators, and of a request two keys: the others it has not. */
function holds(
  condition: NonNullable<Statement["Condition"]>,
  values: Readonly<Record<string, string | undefined>>,
): boolean {
  return Object.entries(condition).every(([operator, tests]) =>
    Object.entries(tests).every(([key, wanted]) => {
      const value = values[key];
      if (operator === "StringNotEquals") return value === undefined || !listOf(wanted).includes(value);
      return value !== undefined && listOf(wanted).some((pattern) => globOf(pattern).test(value));
    }),
  );
}

function missingKeys(kinds: readonly Kind[]): readonly string[] {
  const conditions = kinds.flatMap(({ policies }) => policies.flatMap(({ document }) => statementsIn(document)));
  const keys = conditions.flatMap(({ Condition = {} }) =>
    Object.values(Condition).flatMap((tests) => Object.keys(tests)),
  );
  return [...new Set(keys)].filter((key) => !["aws:RequestedRegion", "aws:PrincipalArn"].includes(key));
}

function globOf(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
