import type { z } from "zod";
import type { ControlOperation } from "../control-api/contract.js";
import { BrokerError } from "../core/errors.js";

/**
 * What is wrong with a request, in a sentence about what the user typed. Never the value: it may be a secret. A schema's own
 * message is a whole sentence, or goes on after the thing's name ("must …", "has …", "is …").
 */
export function explainRequest(operation: ControlOperation, schema: z.ZodType, body: unknown): BrokerError {
  const [issue] = schema.safeParse(body, { error: wordsOf }).error?.issues ?? [];
  if (issue === undefined) return new BrokerError("UsageInvalid", `the request ${operation} is not valid`);
  if (issue.code === "unrecognized_keys" || issue.code === "invalid_union") {
    const what =
      issue.code === "unrecognized_keys" ? `does not know ${issue.keys.join(", ")}` : "does not know this form";
    return new BrokerError("UsageInvalid", `this brokerd ${what} of the request ${operation}`, {
      hint: "brokerctl restart, if brokerctl is of another version",
    });
  }
  const rest = issue.message;
  const message = /^(?:must|has|is) /.test(rest) ? `${nameOf(issue.path, operation)} ${rest}` : rest;
  return new BrokerError("UsageInvalid", message, hintFor(issue));
}

/** Words for what the schema itself has none for. */
function wordsOf(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "invalid_type") {
    return issue.input === undefined ? "is missing" : `must be ${TYPES[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === "too_big") {
    return `${TOO_BIG[issue.origin] ?? "must be at most"} ${Number(issue.maximum)}${unitOf(issue.origin)}`;
  }
  if (issue.code === "too_small") return tooSmall(issue.origin, Number(issue.minimum), issue.inclusive !== false);
  return issue.code === "invalid_value" ? `must be one of ${issue.values.map(String).join(", ")}` : "is not valid";
}

function tooSmall(origin: string, minimum: number, isIncluded: boolean): string {
  if (origin === "string" || origin === "array") return "must not be empty";
  return `must be ${isIncluded ? "at least" : "more than"} ${minimum}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a JSON object",
  record: "a JSON object",
};

const TOO_BIG: Readonly<Record<string, string>> = { string: "has more than", array: "has more than" };

function unitOf(origin: string): string {
  return origin === "string" ? " characters" : origin === "array" ? " entries" : "";
}

/** Fields as the user knows them: mostly by the flag or word that they come from. */
const NAMES: Readonly<Record<string, string>> = {
  name: "the name",
  role: "the name of the role",
  pinnedRole: "the name of the role",
  source: "the name of the source",
  via: "the role of --via",
  function: "the name of the function",
  forSeconds: "--for",
  reason: "--reason",
  scope: "the scope",
  services: "--service",
  policy: "the policy of --policy",
  policyArns: "--policy-arn",
  sessionSeconds: "--session-for",
  description: "--reason",
  accessKeyId: "the access key id",
  secretAccessKey: "the secret access key",
  code: "the MFA code",
  passphrase: "the passphrase",
  pid: "the process id",
  token: "the token of the lease",
  id: "the id of the lease",
  lease: "the lease",
  text: "the text of the file",
  path: "the path of the file",
  nameTemplate: "--name",
};

function nameOf(path: readonly PropertyKey[], operation: string): string {
  const last = path.findLast((segment) => typeof segment === "string");
  return last === undefined ? `the request ${operation}` : (NAMES[last] ?? `${last} of the request ${operation}`);
}

function hintFor({ path, code }: z.core.$ZodIssue): { readonly hint?: string } {
  const field = path.at(-1);
  if (field === "forSeconds") return { hint: "--for 30m (or 90s, 8h, 366d at most)" };
  if ((field === "role" || field === "pinnedRole") && code === "too_big") return { hint: "brokerctl roles" };
  return {};
}
