import { VIA_OPTION } from "../lambda/lambda-options.js";

/** Flags that the commands about a task share. */
export const TASK_POSITIONAL = {
  name: "FAMILY[:REV]",
  required: true,
  help: "of the task definition; default its newest active revision; or its ARN",
} as const;

export const TASK_VIA_OPTION = {
  ...VIA_OPTION,
  help: "the role that reads the task definition and assumes its role; default lambda.via of the config, else the current role",
} as const;
