import type { ControlResponse } from "../../control-api/contract.js";
import type { LambdaMode } from "../../core/deployed-function.js";
import { BrokerError } from "../../core/errors.js";
import { REGION_PATTERN } from "../../core/region.js";
import { FORMS } from "../access/lease-variables.js";
import { STAGE_OPTION } from "../access/project.js";
import { parseDuration } from "../arguments/argument-values.js";
import type { CliContext } from "../context.js";
import { REASON_OPTION } from "../guard/confirm-role.js";

/** Flags that the commands about a function share. */
export const FUNCTION_POSITIONAL = {
  name: "FUNCTION",
  required: true,
  help: "name, NAME:ALIAS or NAME:VERSION, or ARN; with --template or --stack as these call it",
} as const;

export const VIA_OPTION = {
  type: "string",
  value: "ROLE",
  help: "the role that reads the function and assumes its role; default lambda.via of the config, else the current role",
} as const;

/** Of every command that asks AWS for what is deployed by `--via`. */
export const REGION_OPTION = {
  type: "string",
  value: "REGION",
  help: "where the function is; default as its ARN says, else the region of --via",
} as const;

/** Checked here so that a slip costs no question and no call. */
export function regionOf(text: string | undefined): { readonly region?: string } {
  if (text === undefined) return {};
  if (REGION_PATTERN.test(text)) return { region: text };
  throw new BrokerError("UsageInvalid", `--region takes an AWS region, not '${text}'`, { hint: "--region eu-west-1" });
}

/** For a role that reads the function: the stage's. */
export const STAGE_FOR_VIA = {
  ...STAGE_OPTION,
  help: "in place of --via: the role of this stage of the project that the current directory is in; with --template its stage, too",
} as const;

export const STACK_OPTION = {
  type: "string",
  value: "NAME",
  help: "a CloudFormation stack, as SAM and CDK deploy them: FUNCTION is its logical id there",
} as const;

/** Of every command about one function: which one, and who reads it. */
export const FUNCTION_OPTIONS = {
  via: VIA_OPTION,
  stage: STAGE_FOR_VIA,
  region: REGION_OPTION,
  template: {
    type: "string",
    value: "FILE",
    help: "a serverless.yml, SAM, CloudFormation or CDK template: FUNCTION is its name there; only the file that is named is read",
  },
  stack: STACK_OPTION,
  reason: REASON_OPTION,
} as const;

const MODES: readonly LambdaMode[] = ["assume", "session-policy"];

/** The role that no one named, for this or for good, is said. */
export function sayVia(what: string, { via, viaBy }: SaidVia, { output }: CliContext): void {
  if (viaBy === "current") output.say(`${what}: by the current role, ${via}`);
}

type SaidVia = Pick<ControlResponse<"lambda-role">, "via" | "viaBy">;

export const ROLE_OPTIONS = {
  ...FUNCTION_OPTIONS,
  mode: {
    type: "string",
    choices: MODES,
    help: "assume (default): the function's own role; session-policy: see below",
  },
} as const;

export const AS_OPTION = {
  type: "string",
  choices: FORMS,
  help: "how the code receives its credentials; default header; static: the keys themselves, as Lambda sets them",
} as const;

export const MODE_DETAILS = `
The function's role is assumed with the credentials of --via, which its trust policy must allow (\`brokerctl lambda trust\`).
--mode session-policy leaves the trust policy alone: --via itself, narrowed by the policies of the function's role.`;

/** Lambda ends at 15 minutes; a user in a debugger may take longer. Timers of more than 24 days would fire at once. */
const MAX_TIMEOUT_SECONDS = 86_400;

interface TimeLimits {
  /** Of `--timeout`. */
  readonly given: number | undefined;
  /** The function's own, in seconds. */
  readonly own: number;
  readonly isDebugged: boolean;
}

/** Milliseconds. A person at a breakpoint is not slow code: only a limit that the user gives holds there. */
export function timeLimitMs({ given, own, isDebugged }: TimeLimits): number {
  return given ?? (isDebugged ? MAX_TIMEOUT_SECONDS : own) * 1000;
}

/** Of `--timeout`: seconds, or a duration; undefined: the function's own. */
export function timeoutMsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^[1-9]\d*$/.test(text) ? Number(text) : parseDuration(text, "--timeout");
  if (seconds <= MAX_TIMEOUT_SECONDS) return seconds * 1000;
  throw new BrokerError("UsageInvalid", `--timeout must be at most a day, not '${text}'`, {
    hint: `--timeout ${MAX_TIMEOUT_SECONDS}`,
  });
}
