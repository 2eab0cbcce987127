import { BrokerError } from "../../../core/errors.js";
import { logicalIdsLike, nearestLogicalId } from "../../../core/logical-id.js";
import { isMap, type Template } from "./read-template.js";
import { ServerlessVariables } from "./serverless-variables.js";

export interface WantedLogical {
  /** As the template calls it, `:QUALIFIER` behind it. */
  readonly name: string;
  readonly stage: string | undefined;
  readonly region: string | undefined;
  /** The stack that was made of the template. */
  readonly stack: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** As brokerd is asked for it: a function's name, or with `stack` its logical id there. */
export interface DeployedName {
  readonly function: string;
  readonly stack?: string;
  readonly region?: string;
}

/** What the function of that logical id is called where it is deployed. Throws UsageInvalid with what the template does not say. */
export function functionInTemplate(template: Template, { name, ...wanted }: WantedLogical): DeployedName {
  const [id = "", ...qualifier] = name.split(":");
  const found =
    template.kind === "serverless" ? inServerless(template, id, wanted) : inCloudFormation(template, id, wanted);
  return { ...found, function: [found.function, ...qualifier].join(":") };
}

type Around = Omit<WantedLogical, "name">;

/** Lambda's own rule. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** SERVICE-STAGE-FUNCTION, or the `name` that it gives itself. */
function inServerless({ root, file }: Template, id: string, { stage, region, stack, env }: Around): DeployedName {
  if (stack !== undefined) {
    throw usage(
      `${file} of Serverless Framework says its functions' names: --stack is for CloudFormation`,
      "leave --stack out",
    );
  }
  const variables = new ServerlessVariables({ root, file, env, options: { stage, region } });
  const functions = functionsIn(root["functions"]);
  const entry = functions.get(id);
  if (!entry) throw notThere(file, id, { ids: [...functions.keys()], elsewhere: hasElsewhere(root["functions"]) });
  const own = variables.textAt(["functions", ...entry, id, "name"]);
  const deployedName = own ?? [serviceOf(variables, file), variables.stage(), id].join("-");
  if (!NAME.test(deployedName)) {
    throw usage(
      `${file}: what function ${id} would be called is no name of a function`,
      "check service, stage and name in it",
    );
  }
  const where = variables.region();
  return { function: deployedName, ...(where !== undefined && { region: where }) };
}

function serviceOf(variables: ServerlessVariables, file: string): string {
  const service = variables.textAt(["service"]) ?? variables.textAt(["service", "name"]);
  if (service !== undefined) return service;
  throw usage(`${file}: service has no name`, "service: NAME");
}

/** By id, and the path to it: `functions` may be a list of maps, too. */
function functionsIn(functions: unknown): ReadonlyMap<string, readonly string[]> {
  const maps = Array.isArray(functions)
    ? functions.map((map, index) => [map as unknown, [String(index)]] as const)
    : [[functions, []] as const];
  return new Map(maps.flatMap(([map, path]) => (isMap(map) ? Object.keys(map).map((id) => [id, path] as const) : [])));
}

function hasElsewhere(functions: unknown): boolean {
  return [functions].flat().some((one) => typeof one === "string");
}

const FUNCTION_TYPES: readonly unknown[] = ["AWS::Lambda::Function", "AWS::Serverless::Function"];

/** With a stack it alone says, as what was deployed is another than what the template makes of its defaults. */
function inCloudFormation({ root, file }: Template, text: string, { region, stack }: Around): DeployedName {
  const resources = isMap(root["Resources"]) ? Object.entries(root["Resources"]) : [];
  const functions = new Map(resources.filter(([, one]) => isMap(one) && FUNCTION_TYPES.includes(one["Type"])));
  const ids = [...functions.keys()];
  const [id, ...others] = logicalIdsLike(text, ids);
  if (id === undefined) throw notThere(file, text, { ids, elsewhere: false });
  if (others.length > 0)
    throw usage(`${file} has ${others.length + 1} functions that begin with ${text}`, [id, ...others].join(" or "));
  const where = region === undefined ? {} : { region };
  if (stack !== undefined) return { function: id, stack, ...where };
  const name = functionNameOf(functions.get(id));
  if (typeof name === "string" && NAME.test(name)) return { function: name, ...where };
  const why =
    name === undefined
      ? "has no FunctionName: CloudFormation made one"
      : "has a FunctionName that only its stack knows";
  throw usage(`${file}: ${id} ${why}`, "--stack NAME    # as it was deployed");
}

function functionNameOf(resource: unknown): unknown {
  const properties = isMap(resource) ? resource["Properties"] : undefined;
  return isMap(properties) ? properties["FunctionName"] : undefined;
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
