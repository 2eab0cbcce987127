import type { AttachedPolicy, InlinePolicy } from "../aws/iam-roles.js";
import { BrokerError } from "../core/errors.js";
import { parsePolicy } from "./policy-json.js";

/** What AssumeRole takes; at least one of the two is there. */
export interface SessionPolicy {
  /** Minified JSON. */
  readonly policy?: string;
  readonly policyArns?: readonly string[];
}

/** All the policies of one role. */
export interface RolePolicies {
  readonly attached: readonly AttachedPolicy[];
  readonly inline: readonly InlinePolicy[];
  readonly permissionsBoundaryArn: string | undefined;
  /** Of the role that is narrowed. */
  readonly account: string;
}

/** STS (API AssumeRole): managed policies; and inline policy and ARNs together, plain text. */
const MAX_ARNS = 10;
const MAX_CHARACTERS = 2048;

const VERSION = "2012-10-17";
const FORMER_VERSION = "2008-10-17";
/** STS (API AssumeRole): `[\u0009\u000A\u000D\u0020-\u00FF]+`. */
const FOREIGN = /[^\t\n\r\x20-\xFF]/u;

/** STS would not narrow at all without a session policy; a role without policies may do nothing. */
const DENY_ALL = JSON.stringify({
  Version: VERSION,
  Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }],
});

/**
 * A role's policies as one session policy: managed ones by ARN, inline ones merged. AWS adds session policies up, as it does
 * with a role's own, so that the sum is the same. PolicyUnfit by name for what they cannot say: never something wider.
 */
export function sessionPolicyOf(policies: RolePolicies): SessionPolicy {
  refuseBoundary(policies.permissionsBoundaryArn);
  const arns = policies.attached.map(({ policyArn }) => policyArn);
  refuseForeign(arns, policies.account);
  if (arns.length > MAX_ARNS) {
    throw unfit(`${arns.length} managed policies are more than the ${MAX_ARNS} that STS takes: ${arns.join(", ")}`);
  }
  const policy = mergeInlinePolicies(policies.inline) ?? (arns.length === 0 ? DENY_ALL : undefined);
  refuseTooLong(policies, policy ?? "");
  return { ...(policy === undefined ? {} : { policy }), ...(arns.length === 0 ? {} : { policyArns: arns }) };
}

function refuseBoundary(arn: string | undefined): void {
  if (arn === undefined) return;
  throw unfit(`the permissions boundary ${arn} cannot be kept: session policies add up, and a boundary intersects`);
}

/** STS takes AWS's own policies, and those of the account of the role that is assumed. */
function refuseForeign(arns: readonly string[], account: string): void {
  const foreign = arns.find((arn) => !["aws", account].includes(arn.split(":")[4] ?? ""));
  if (foreign === undefined) return;
  throw unfit(`the managed policy ${foreign} is not of account ${account}, whose role would be narrowed by it`);
}

function refuseTooLong({ attached, inline }: RolePolicies, policy: string): void {
  const total = attached.reduce((sum, { policyArn }) => sum + policyArn.length, policy.length);
  if (total > MAX_CHARACTERS) {
    const sizes = [
      ...inline.map((one) => `inline ${one.policyName} ${mergeInlinePolicies([one])?.length ?? 0}`),
      ...attached.map(({ policyArn }) => `${policyArn} ${policyArn.length}`),
    ];
    throw unfit(`together they have ${total} characters, and STS takes ${MAX_CHARACTERS}: ${sizes.join(", ")}`);
  }
}

type Statement = Readonly<Record<string, unknown>>;

/**
 * The statements of all of them as one minified document; undefined: there is none. Sids go: they must be unique in a
 * document, and decide nothing. PolicyUnfit by name for one that would mean something else there.
 */
function mergeInlinePolicies(policies: readonly InlinePolicy[]): string | undefined {
  const statements = policies.flatMap(statementsOf);
  return statements.length === 0 ? undefined : JSON.stringify({ Version: VERSION, Statement: statements });
}

function statementsOf({ policyName, document }: InlinePolicy): readonly Statement[] {
  const policy = parsePolicy(document);
  if (!isRecord(policy)) {
    throw unfitInline(policyName, "is not a policy document, or one that names a key twice");
  }
  const { Version: version = FORMER_VERSION, Statement: statements } = policy;
  if (version !== VERSION && version !== FORMER_VERSION)
    throw unfitInline(policyName, "has a Version that is not known");
  const list: readonly unknown[] = Array.isArray(statements) ? statements : [statements];
  const kept = list.map((statement) => {
    if (!isRecord(statement)) throw unfitInline(policyName, "has a statement that is none");
    return Object.fromEntries(Object.entries(statement).filter(([key]) => key !== "Sid"));
  });
  refuseOtherMeaning(policyName, { version, text: JSON.stringify(kept) });
  return kept;
}

/** `text`: as it will be sent, where no character is written as an escape. */
function refuseOtherMeaning(
  policyName: string,
  { version, text }: { readonly version: string; readonly text: string },
): void {
  // Plain text in the former version, a variable in this one.
  if (version === FORMER_VERSION && text.includes("${")) {
    throw unfitInline(policyName, `has \${…} and is of Version ${FORMER_VERSION}, which knows no variables`);
  }
  const foreign = FOREIGN.exec(text)?.[0];
  if (foreign !== undefined) throw unfitInline(policyName, `has the character ${foreign}, which STS does not take`);
}

function isRecord(value: unknown): value is Statement {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unfit(what: string): BrokerError {
  return new BrokerError("PolicyUnfit", `the function role's policies do not fit into a session policy: ${what}`, {
    hint: "--mode assume: `brokerctl lambda trust FUNCTION` says what it takes",
  });
}

function unfitInline(policyName: string, what: string): BrokerError {
  return new BrokerError("PolicyUnfit", `the inline policy ${policyName} of the function's role ${what}`, {
    hint: "--mode assume: `brokerctl lambda trust FUNCTION` says what it takes",
  });
}
