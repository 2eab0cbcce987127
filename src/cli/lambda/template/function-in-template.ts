import { BrokerError } from "../../../core/errors.js";
import { isMap, type Template } from "./read-template.js";
import { ServerlessVariables } from "./serverless-variables.js";
import { functionNamed, type TemplateFunction } from "./template-functions.js";

export interface WantedLogical extends Around {
  /** As the template calls it, `:QUALIFIER` behind it. */
  readonly name: string;
}

/** What beside the template decides. */
export interface Around {
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
export function functionInTemplate(template: Template, { name, ...around }: WantedLogical): DeployedName {
  const [id = "", ...qualifier] = name.split(":");
  const found = deployedName(template, functionNamed(template, id), around);
  return { ...found, function: [found.function, ...qualifier].join(":") };
}

/** The function of the template that is called `text` there, else the one that is deployed as `deployed`; UsageInvalid. */
export function functionDeployedAs(
  template: Template,
  { text, deployed }: { readonly text: string; readonly deployed: string },
  around: Around,
): TemplateFunction {
  return functionNamed(template, text, (one) => {
    try {
      return deployedName(template, one, { ...around, stack: undefined }).function === deployed;
    } catch (error) {
      // Of this one the template does not say.
      if (error instanceof BrokerError) return false;
      throw error;
    }
  });
}

function deployedName(template: Template, one: TemplateFunction, around: Around): DeployedName {
  return template.kind === "serverless" ? inServerless(template, one, around) : inCloudFormation(template, one, around);
}

/** Lambda's own rule. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** SERVICE-STAGE-FUNCTION, or the `name` that it gives itself. */
function inServerless(
  { root, file }: Template,
  { id, path }: TemplateFunction,
  { stage, region, stack, env }: Around,
): DeployedName {
  if (stack !== undefined) {
    throw usage(
      `${file} of Serverless Framework says its functions' names: --stack is for CloudFormation`,
      "leave --stack out",
    );
  }
  const variables = new ServerlessVariables({ root, file, env, options: { stage, region } });
  const own = variables.textAt([...path, "name"]);
  const name = own ?? [serviceOf(variables, file), variables.stage(), id].join("-");
  if (!NAME.test(name)) {
    throw usage(
      `${file}: what function ${id} would be called is no name of a function`,
      "check service, stage and name in it",
    );
  }
  const where = variables.region();
  return { function: name, ...(where !== undefined && { region: where }) };
}

function serviceOf(variables: ServerlessVariables, file: string): string {
  const service = variables.textAt(["service"]) ?? variables.textAt(["service", "name"]);
  if (service !== undefined) return service;
  throw usage(`${file}: service has no name`, "service: NAME");
}

/** With a stack it alone says, as what was deployed is another than what the template makes of its defaults. */
function inCloudFormation({ root, file }: Template, { id }: TemplateFunction, { region, stack }: Around): DeployedName {
  const where = region === undefined ? {} : { region };
  if (stack !== undefined) return { function: id, stack, ...where };
  const name = functionNameOf(isMap(root["Resources"]) ? root["Resources"][id] : undefined);
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

function usage(message: string, hint: string): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint });
}
