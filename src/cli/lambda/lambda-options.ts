import type { LambdaMode } from "../../core/deployed-function.js";
import { FORMS } from "../access/lease-variables.js";
import { REASON_OPTION } from "../guard/confirm-role.js";

/** Flags that the commands about a function share. */
export const FUNCTION_POSITIONAL = {
  name: "FUNCTION",
  required: true,
  help: "name, NAME:ALIAS or NAME:VERSION, or ARN",
} as const;

export const VIA_OPTION = {
  type: "string",
  value: "ROLE",
  help: "the role that reads the function and assumes its role; default lambda.via of the config",
} as const;

const MODES: readonly LambdaMode[] = ["assume", "session-policy"];

export const ROLE_OPTIONS = {
  via: VIA_OPTION,
  mode: {
    type: "string",
    choices: MODES,
    help: "assume (default): the function's own role; session-policy: see below",
  },
  reason: REASON_OPTION,
} as const;

export const CODE_OPTIONS = {
  "task-root": { type: "string", value: "DIR", help: "where the function's code is; default the current directory" },
} as const;

export const AS_OPTION = {
  type: "string",
  choices: FORMS,
  help: "how the code receives its credentials; default header; static: the keys themselves, as Lambda sets them",
} as const;

export const MODE_DETAILS = `
The function's role is assumed with the credentials of --via, which its trust policy must allow (\`brokerctl lambda trust\`).
--mode session-policy leaves the trust policy alone: --via itself, narrowed by the policies of the function's role.`;
