import type { AttachedPolicy, InlinePolicy } from "../aws/iam-roles.js";
import { BrokerError } from "../core/errors.js";
import { mergeInlinePolicies } from "./inline-policies.js";

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

/** STS would not narrow at all without a session policy; a role without policies may do nothing. */
const DENY_ALL = JSON.stringify({
  Version: "2012-10-17",
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

function unfit(what: string): BrokerError {
  return new BrokerError("PolicyUnfit", `the function role's policies do not fit into a session policy: ${what}`, {
    hint: "--mode assume: `brokerctl lambda trust FUNCTION` says what it takes",
  });
}
