import { BrokerError } from "../../../core/errors.js";
import { logicalIdsLike, nearestLogicalId } from "../../../core/logical-id.js";
import { isMap, type Template } from "./read-template.js";

/** A function that stands in a template. */
export interface TemplateFunction {
  readonly id: string;
  /** To it, from the template's root. */
  readonly path: readonly string[];
}

/**
 * The function that the template calls so (one of CDK without its suffix, too), else the one that `isMeant`. UsageInvalid lists those
 * that there are.
 */
export function functionNamed(
  template: Template,
  text: string,
  isMeant: (one: TemplateFunction) => boolean = () => false,
): TemplateFunction {
  const { kind, file } = template;
  const functions = functionsOf(template);
  const ids = functions.map(({ id }) => id);
  const like = kind === "serverless" ? ids.filter((id) => id === text) : logicalIdsLike(text, ids);
  if (like.length > 1) throw usage(`${file} has ${like.length} functions that begin with ${text}`, like.join(" or "));
  const found = functions.find(({ id }) => id === like[0]) ?? functions.find(isMeant);
  if (found) return found;
  throw notThere(file, text, { ids, elsewhere: kind === "serverless" && hasElsewhere(template.root["functions"]) });
}

function functionsOf({ kind, root }: Template): readonly TemplateFunction[] {
  return kind === "serverless" ? ofServerless(root["functions"]) : ofResources(root["Resources"]);
}

/** `functions` may be a list of maps, too. The last one of an id counts. */
function ofServerless(functions: unknown): readonly TemplateFunction[] {
  const maps = Array.isArray(functions)
    ? functions.map((map, index) => [map as unknown, ["functions", String(index)]] as const)
    : [[functions, ["functions"]] as const];
  const found = maps.flatMap(([map, path]) =>
    isMap(map) ? Object.keys(map).map((id) => ({ id, path: [...path, id] })) : [],
  );
  return [...new Map(found.map((one) => [one.id, one])).values()];
}

const FUNCTION_TYPES: readonly unknown[] = ["AWS::Lambda::Function", "AWS::Serverless::Function"];

function ofResources(resources: unknown): readonly TemplateFunction[] {
  const entries = isMap(resources) ? Object.entries(resources) : [];
  const functions = entries.filter(([, one]) => isMap(one) && FUNCTION_TYPES.includes(one["Type"]));
  return functions.map(([id]) => ({ id, path: ["Resources", id] }));
}

function hasElsewhere(functions: unknown): boolean {
  return [functions].flat().some((one) => typeof one === "string");
}

interface Known {
  readonly ids: readonly string[];
  /** Some stand in a file that is not read. */
  readonly elsewhere: boolean;
}

function notThere(file: string, id: string, { ids, elsewhere }: Known): BrokerError {
  const near = nearestLogicalId(id, ids);
  const meant = near === undefined ? "" : `; did you mean ${near}?`;
  const others = elsewhere ? "; what other files of it have is not read" : "";
  const has = ids.length === 0 ? "none" : ids.join(", ");
  return usage(
    `${file} has no function ${id}, but ${has}${meant}${others}`,
    "or name it as it is deployed: brokerctl lambda list",
  );
}

function usage(message: string, hint: string): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint });
}
