import { accessDenied } from "./aws-refusal.js";
import type { Principal } from "./principals.js";
import type { Parameters } from "./sts-actions.js";

/** Policies that add up: what none of them allows is not allowed. */
export type Restriction = readonly string[];

const READ_ONLY_ACCESS = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["*:Get*", "*:List*", "*:Describe*"], Resource: "*" }],
});

/** Of AssumeRole: inline policy and managed ones together; undefined: none was given. A managed one that is not known allows nothing. */
export function sessionRestriction(parameters: Parameters): Restriction | undefined {
  const arns = Object.keys(parameters).filter((name) => /^PolicyArns\.member\.\d+\.arn$/.test(name));
  const managed = arns.map((name) => (parameters[name]?.endsWith(":policy/ReadOnlyAccess") ? READ_ONLY_ACCESS : "{}"));
  const policies = [...(parameters["Policy"] ? [parameters["Policy"]] : []), ...managed];
  return policies.length === 0 ? undefined : policies;
}

/** Refuses as AWS does. Everyone may ask who they are. */
export function checkRestrictions(
  caller: Principal,
  { action, resource }: { readonly action: string; readonly resource: string },
): void {
  if (action === "sts:GetCallerIdentity") return;
  const isAllowed = (caller.restrictions ?? []).every((policies) => policies.some((policy) => allows(policy, action)));
  if (isAllowed) return;
  throw accessDenied(
    `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${resource} because no session policy allows the ${action} action`,
  );
}

interface Statement {
  readonly Effect?: unknown;
  readonly Action?: unknown;
}

/** By actions alone: resources and conditions are not looked at. */
function allows(policy: string, action: string): boolean {
  const { Statement: statements = [] } = JSON.parse(policy) as {
    readonly Statement?: Statement | readonly Statement[];
  };
  const list = Array.isArray(statements) ? (statements as readonly Statement[]) : [statements as Statement];
  const applies = ({ Action = [] }: Statement): boolean =>
    [Action].flat().some((pattern) => isLike(String(pattern), action));
  return (
    list.some((one) => one.Effect === "Allow" && applies(one)) &&
    !list.some((one) => one.Effect === "Deny" && applies(one))
  );
}

function isLike(pattern: string, action: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "i").test(action);
}
