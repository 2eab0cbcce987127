import type { FunctionReference } from "../aws/lambda.js";
import { BrokerError } from "../core/errors.js";
import { REGION_SOURCE } from "../core/region.js";

/** A function as the user named it. */
export interface FunctionName {
  /** What Lambda is asked for. */
  readonly reference: FunctionReference;
  /** Its bare name. */
  readonly name: string;
  /** What an ARN says; a partial one says the account alone. */
  readonly partition?: string;
  readonly region?: string;
  readonly accountId?: string;
}

const NAME = "(?<name>[A-Za-z0-9_-]{1,64})(?::(?<qualifier>\\$LATEST(?:\\.PUBLISHED)?|[A-Za-z0-9_-]{1,128}))?";
/** The forms of Lambda's API. */
const FORMS = [
  new RegExp(`^${NAME}$`),
  new RegExp(`^(?<prefix>(?<accountId>\\d{12}):function:)${NAME}$`),
  new RegExp(
    `^(?<prefix>arn:(?<partition>aws[a-z-]{0,20}):lambda:(?<region>${REGION_SOURCE}):(?<accountId>\\d{12}):function:)${NAME}$`,
  ),
];

/** Reads FUNCTION in any form that Lambda's API takes; UsageInvalid with the forms for anything else. */
export function parseFunctionName(text: string): FunctionName {
  const found = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (found?.["name"] === undefined) throw noFunction(text);
  const { prefix = "", name, qualifier, partition, region, accountId } = found;
  return {
    reference: { functionName: prefix + name, ...(qualifier === undefined ? {} : { qualifier }) },
    name,
    ...(partition === undefined ? {} : { partition }),
    ...(region === undefined ? {} : { region }),
    ...(accountId === undefined ? {} : { accountId }),
  };
}

const SHOWN = 120;

function noFunction(text: string): BrokerError {
  const shown = JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
  return new BrokerError("UsageInvalid", `${shown} does not name a Lambda function`, {
    hint: "NAME, NAME:ALIAS or NAME:VERSION, 123456789012:function:NAME, or arn:aws:lambda:REGION:123456789012:function:NAME",
  });
}
