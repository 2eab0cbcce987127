import type { Principal } from "./principals.js";
import type { Parameters } from "./sts-actions.js";

/** The resource of a call, as policies see it: what the API's parameters name. */
export function resourceOf(
  { service, region }: { readonly service: string; readonly region: string },
  caller: Principal,
  { FunctionName = "", RoleName, RoleArn, PolicyArn, UserName }: Parameters,
): string {
  const partition = caller.arn.split(":")[1] ?? "aws";
  if (service === "lambda") {
    const isArn = FunctionName.startsWith("arn:");
    return isArn ? FunctionName : `arn:${partition}:lambda:${region}:${caller.account}:function:${FunctionName}`;
  }
  if (service === "sts") return RoleArn ?? "*";
  const iam = `arn:${partition}:iam::${caller.account}`;
  if (PolicyArn !== undefined && RoleName === undefined) return PolicyArn;
  return RoleName === undefined ? `${iam}:user/${UserName ?? ""}` : `${iam}:role/${RoleName}`;
}

/** An operation's name in policies. */
export function inPolicies(service: string, operation: string): string {
  return operation === "Invoke" ? "lambda:InvokeFunction" : `${service}:${operation}`;
}
