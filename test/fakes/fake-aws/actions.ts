import { iamActions } from "./iam-actions.js";
import { lambdaActions } from "./lambda-actions.js";
import { type Action, stsActions, unsignedActions } from "./sts-actions.js";

/** What the endpoint of a service in a region can do. */
export function actionsOf(
  service: string,
  { region, isSigned }: { readonly region: string; readonly isSigned: boolean },
): Readonly<Record<string, Action>> {
  if (service === "iam") return iamActions;
  if (service === "lambda") return lambdaActions(region);
  return isSigned ? stsActions : unsignedActions;
}
