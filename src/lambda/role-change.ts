import type { LambdaRoleDefinition } from "./lambda-role.js";

/**
 * What is another now than when the function was last read under this name: deployed anew, or a config that names another region.
 * Leases on the name follow at once, in terminals that nobody looks at just now; so it is told. undefined: nothing is.
 */
export function roleChange(former: LambdaRoleDefinition | undefined, now: LambdaRoleDefinition): string | undefined {
  const what = former && differenceOf(former, now);
  return what === undefined ? undefined : `${what}; leases on ${now.name} follow`;
}

function differenceOf(former: LambdaRoleDefinition, now: LambdaRoleDefinition): string | undefined {
  if (former.functionRoleArn !== now.functionRoleArn) {
    return `the role of ${now.functionName} is ${now.functionRoleArn}, and was ${former.functionRoleArn} when it was last read`;
  }
  if (former.functionArn !== now.functionArn) {
    return `the function is ${now.functionArn}, and was ${former.functionArn} when it was last read`;
  }
  const isSame = former.policy === now.policy && former.policyArns?.join() === now.policyArns?.join();
  return isSame ? undefined : `the policies of ${now.functionRoleArn} are not those that were last read`;
}
