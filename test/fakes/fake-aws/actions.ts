import { ecsActions } from "./ecs-actions.js";
import { iamActions } from "./iam-actions.js";
import { lambdaActions } from "./lambda-actions.js";
import { stackActions } from "./stack-actions.js";
import { type Action, stsActions, unsignedActions } from "./sts-actions.js";

/** What the endpoint of a service in a region can do. */
export function actionsOf(
  service: string,
  { region, isSigned }: { readonly region: string; readonly isSigned: boolean },
): Readonly<Record<string, Action>> {
  if (service === "iam") return iamActions;
  if (service === "cloudformation") return stackActions(region);
  if (service === "ecs") return ecsActions(region);
  if (service === "lambda") return lambdaActions(region);
  return isSigned ? stsActions : unsignedActions;
}
