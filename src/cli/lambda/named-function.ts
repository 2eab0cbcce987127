import type { FunctionRequest } from "../../control-api/lambda-contract.js";
import { BrokerError } from "../../core/errors.js";
import { roleOfStage, roleOfStageIfInProject } from "../access/project.js";
import type { CliContext } from "../context.js";
import { regionOf } from "./lambda-options.js";

/** Which role reads what is deployed, and where. */
export interface NamedVia {
  /** For hints: `brokerctl lambda exec orders`. */
  readonly command: string;
  readonly via: string | undefined;
  /** In place of `via`; with a template also the stage that it was deployed to. */
  readonly stage: string | undefined;
  readonly template?: string | undefined;
}

/** A function as the command line names it. */
export interface NamedFunction extends NamedVia {
  /** As Lambda calls it; with a template or a stack as these do. */
  readonly name: string;
  readonly region: string | undefined;
  readonly stack: string | undefined;
}

/** How brokerd is asked for a function. */
export type AskedFunction = Pick<FunctionRequest, "function" | "via" | "region" | "stack">;

/** The function as brokerd is asked for it; a template is read here, and only where it is named. */
export async function askedFunction(named: NamedFunction, context: CliContext): Promise<AskedFunction> {
  const { name, template: path, stage, stack } = named;
  const region = regionOf(named.region);
  if (path === undefined) {
    return { function: name, via: await askedVia(named, context), ...region, ...(stack !== undefined && { stack }) };
  }
  // Loaded here: most commands are not given one.
  const [{ readTemplate }, { functionInTemplate }] = await Promise.all([
    import("./template/read-template.js"),
    import("./template/function-in-template.js"),
  ]);
  const wanted = { name, stage, region: region.region, stack, env: context.env };
  const deployed = functionInTemplate(await readTemplate(path, context), wanted);
  return { ...deployed, via: await askedVia(named, context) };
}

/** null: as brokerd has it by default. */
export async function askedVia(named: NamedVia, context: CliContext): Promise<string | null> {
  const { command, via, stage, template } = named;
  if (stage === undefined) return via ?? null;
  const wanted = { stage, role: undefined, command };
  if (template === undefined) {
    if (via === undefined) return roleOfStage(wanted, context);
    throw new BrokerError("UsageInvalid", `--stage ${stage} brings its own role: leave --via ${via} out`, {
      hint: `${command} --stage ${stage}`,
    });
  }
  return via ?? (await roleOfStageIfInProject(wanted, context)) ?? null;
}
