import type { CloudFormation } from "../aws/cloud-formation.js";
import { BrokerError } from "../core/errors.js";
import { logicalIdsLike, nearestLogicalId } from "../core/logical-id.js";
import { regionOfVia, type Via } from "./via.js";

/** A function that a stack has made. */
export interface StackFunction {
  readonly logicalId: string;
  /** As Lambda calls it. */
  readonly functionName: string;
}

const FUNCTION_TYPE = "AWS::Lambda::Function";

/** The functions of a stack, in its order; NotFound, AccessDenied, UsageInvalid where no region is known. */
export async function functionsOfStack(
  cloudFormation: CloudFormation,
  via: Via,
  stack: string,
): Promise<readonly StackFunction[]> {
  const region = regionOfVia(via, `stack ${stack}`);
  const resources = await cloudFormation.stackResources(via.signer, stack, region);
  return resources
    .filter(({ type }) => type === FUNCTION_TYPE)
    .map(({ logicalId, physicalId }) => ({ logicalId, functionName: physicalId }));
}

/**
 * The function of that logical id, or of that id with CDK's suffix where it is the only such one; `ID:QUALIFIER` keeps its qualifier.
 * Throws NotFound.
 */
export function functionNamedIn(stack: string, functions: readonly StackFunction[], text: string): string {
  const [id = "", ...qualifier] = text.split(":");
  const ids = functions.map(({ logicalId }) => logicalId);
  const [meant, ...others] = logicalIdsLike(id, ids);
  const found = functions.find(({ logicalId }) => logicalId === meant);
  if (found && others.length === 0) return [found.functionName, ...qualifier].join(":");
  throw found ? ambiguous(stack, id, [found.logicalId, ...others]) : notThere(stack, id, ids);
}

function ambiguous(stack: string, id: string, ids: readonly string[]): BrokerError {
  return new BrokerError("NotFound", `stack ${stack} has ${ids.length} functions whose logical ids begin with ${id}`, {
    hint: ids.join(" or "),
  });
}

const MAX_SHOWN = 20;

function notThere(stack: string, id: string, ids: readonly string[]): BrokerError {
  const near = nearestLogicalId(id, ids);
  const meant = near === undefined ? "" : `; did you mean ${near}?`;
  const shown = ids.length > MAX_SHOWN ? [...ids.slice(0, MAX_SHOWN), "…"] : ids;
  const has = ids.length === 0 ? "no functions" : shown.join(", ");
  return new BrokerError("NotFound", `stack ${stack} has no function with the logical id ${id}, but ${has}${meant}`, {
    hint: `brokerctl lambda list --stack ${stack}    # a stack that is nested in it is asked for by its own name`,
  });
}
