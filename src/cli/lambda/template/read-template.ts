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
const MAX_BYTES = 4 * 1024 * 1024;

/** The file that `--template` names, and no other; UsageInvalid where it is none of them. */
export async function readTemplate(path: string, context: CliContext): Promise<Template> {
  const stdinHint = "brokerctl lambda exec FUNCTION --template - < template.yaml";
  const { bytes, name: file } = await readInput(path, { maxBytes: MAX_BYTES, stdinHint }, context);
  if (/\.(?:[cm]?[jt]s)$/.test(path)) throw noTemplate(file, "is a program, which is not run");
  const root = await parsed(bytes.toString(), file);
  if (!isMap(root)) throw noTemplate(file, "holds no map");
  if (isMap(root["Resources"])) return { kind: "cloudformation", root, file };
  if (root["service"] !== undefined && root["provider"] !== undefined) return { kind: "serverless", root, file };
  throw noTemplate(
    file,
    "has neither Resources, as CloudFormation's have, nor service and provider, as Serverless Framework's",
  );
}

async function parsed(text: string, file: string): Promise<unknown> {
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
  throw noTemplate(file, `is no YAML: ${reading.problem}`);
}

/** Of YAML or JSON. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function noTemplate(file: string, why: string): BrokerError {
  return new BrokerError("UsageInvalid", `--template ${file} ${why}`, {
    hint: "a serverless.yml, a SAM or CloudFormation template, or one of cdk.out (*.template.json)",
  });
}
