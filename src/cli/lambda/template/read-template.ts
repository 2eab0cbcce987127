import { BrokerError } from "../../../core/errors.js";
import { readInput } from "../../arguments/read-input.js";
import type { CliContext } from "../../context.js";

export interface Template {
  /** `functions` of Serverless Framework, or `Resources` of CloudFormation, SAM and what CDK synthesizes. */
  readonly kind: "serverless" | "cloudformation";
  readonly root: Readonly<Record<string, unknown>>;
  /** As errors name it. */
  readonly file: string;
}

/** CloudFormation takes 1 MB; comments and white space go on top. */
export const MAX_TEMPLATE_BYTES = 4 * 1024 * 1024;

/** The file that `--template` names, and no other; UsageInvalid where it is none of them. */
export async function readTemplate(path: string, context: CliContext): Promise<Template> {
  const stdinHint = "brokerctl lambda exec FUNCTION --template - < template.yaml";
  const { bytes, name } = await readInput(path, { maxBytes: MAX_TEMPLATE_BYTES, stdinHint }, context);
  return parseTemplate(bytes.toString(), { flag: "--template", path, name });
}

/** Where a template's text comes from. */
interface Named {
  readonly flag: string;
  readonly path: string;
  /** As errors name it. */
  readonly name: string;
}

/** UsageInvalid where the text is no template. */
export async function parseTemplate(text: string, named: Named): Promise<Template> {
  if (/\.(?:[cm]?[jt]s)$/.test(named.path)) throw noTemplate(named, "is a program, which is not run");
  const root = await parsed(text, named);
  const file = named.name;
  if (!isMap(root)) throw noTemplate(named, "holds no map");
  if (isMap(root["Resources"])) return { kind: "cloudformation", root, file };
  if (root["service"] !== undefined && root["provider"] !== undefined) return { kind: "serverless", root, file };
  throw noTemplate(
    named,
    "has neither Resources, as CloudFormation's have, nor service and provider, as Serverless Framework's",
  );
}

async function parsed(text: string, named: Named): Promise<unknown> {
  try {
    // What CDK writes is large, and JSON.
    if (/^\s*\{/.test(text)) return JSON.parse(text);
  } catch {
    // YAML's flow style begins so, too.
  }
  // Loaded here: of all commands, few read one.
  const { parseYaml } = await import("./parse-yaml.js");
  const reading = parseYaml(text);
  if ("value" in reading) return reading.value;
  throw noTemplate(
    named,
    named.flag === "--diff" ? `is no YAML${whereIn(reading.problem)}` : `is no YAML: ${reading.problem}`,
  );
}

/** The parser's words may quote the text (an alias that is none may be a password): of those about a file of values only the place is told. */
function whereIn(problem: string): string {
  const place = /\bat (line \d+, column \d+)/.exec(problem)?.[1];
  if (place !== undefined) return `: ${place}`;
  return /^(?:it is nested too deep|a map has the key ".*" twice)$/.test(problem) ? `: ${problem}` : "";
}

/** Of YAML or JSON. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function noTemplate({ flag, name }: Named, why: string): BrokerError {
  return new BrokerError("UsageInvalid", `${flag} ${name} ${why}`, {
    hint: "a serverless.yml, a SAM or CloudFormation template, or one of cdk.out (*.template.json)",
  });
}
