import { BrokerError } from "../core/errors.js";
import { REGION_SOURCE } from "../core/region.js";

/** A task definition as the user named it. */
export interface TaskName {
  readonly family: string;
  /** undefined: the newest that is active. */
  readonly revision?: string;
  /** What an ARN says. */
  readonly partition?: string;
  readonly region?: string;
  readonly accountId?: string;
}

const NAME = "(?<family>[A-Za-z0-9_-]{1,255})(?::(?<revision>[1-9]\\d{0,8}))?";
/** The forms of ECS's API. */
const FORMS = [
  new RegExp(`^${NAME}$`),
  new RegExp(
    `^arn:(?<partition>aws[a-z-]{0,20}):ecs:(?<region>${REGION_SOURCE}):(?<accountId>\\d{12}):task-definition/${NAME}$`,
  ),
];

/** Reads FAMILY in any form that ECS's API takes; UsageInvalid with the forms for anything else. */
export function parseTaskName(text: string): TaskName {
  const found = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  const { family, revision, partition, region, accountId } = found ?? {};
  if (family === undefined) throw noTask(text);
  return {
    family,
    ...(revision === undefined ? {} : { revision }),
    ...(partition === undefined ? {} : { partition }),
    ...(region === undefined ? {} : { region }),
    ...(accountId === undefined ? {} : { accountId }),
  };
}

const SHOWN = 120;

function noTask(text: string): BrokerError {
  const shown = JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
  return new BrokerError("UsageInvalid", `${shown} does not name a task definition of ECS`, {
    hint: "FAMILY, FAMILY:REVISION, or arn:aws:ecs:REGION:123456789012:task-definition/FAMILY:REVISION",
  });
}
