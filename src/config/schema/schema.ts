import * as z from "zod";
import { DURATION_PATTERN, DURATION_RULE } from "../../core/duration.js";
import { SECRET_STORE_KINDS } from "../../core/secret-store-kind.js";
import { NOTICE_SETTINGS } from "../config.js";
import { nameField, regionField } from "./field-rules.js";
import { requestRuleSchema } from "./guard-schema.js";
import { projectSchema } from "./project-schema.js";
import { roleSchema } from "./role-schema.js";
import { scheduleSchema } from "./schedule-schema.js";
import { sourceSchema } from "./source-schema.js";

const CONFIG_VERSION = 1;
/** Each request is held against them one by one. */
const MAX_RULES = 1000;
/** Each has a timer, and a row in `status`. */
const MAX_SCHEDULES = 100;

export const endpointSchema = z.strictObject({
  port: z
    .int()
    .min(1, "must be a port, 1 to 65535")
    .max(65_535, "must be a port, 1 to 65535")
    .optional()
    .describe("TCP port on 127.0.0.1; default 9171"),
});

export const defaultsSchema = z.strictObject({
  region: regionField.optional().describe("Region of roles that name none, where it is in their partition"),
});

export const refreshSchema = z.strictObject({
  idle_after: z
    .string()
    .regex(DURATION_PATTERN, DURATION_RULE)
    .optional()
    .describe("Roles that no program fetched for this long are no longer renewed; default 8h"),
});

export const lambdaSchema = z.strictObject({
  via: z
    .string()
    .min(1, "must be the name of a role")
    .optional()
    .describe("Role that reads Lambda functions and assumes their roles: one of this file, or SOURCE:ACCOUNT/ROLE"),
});

/** The format of config.yaml (docs/config.md), as far as this version enforces it. An empty section (`roles:`) is an empty map. */
export const configSchema = z
  .strictObject({
    version: z
      .literal(CONFIG_VERSION, `must be ${CONFIG_VERSION}, the version this credbroker reads`)
      .describe("Version of the file format: 1"),
    secret_store: z
      .enum(SECRET_STORE_KINDS)
      .describe("Who holds the key that opens the secret store: keychain, passphrase, command or key_file"),
    data_key_command: z
      .array(z.string().regex(/^[^\0]+$/, { error: "must be a text that is not empty" }), {
        error: "must be a list of the program and its arguments, like [op, read, …]",
      })
      .min(1, "must name a program")
      .optional()
      .describe("Program and arguments that print the key, for secret_store: command"),
    endpoint: endpointSchema.nullish().describe("Where SDKs fetch credentials: 127.0.0.1 only"),
    defaults: defaultsSchema.nullish().describe("What stands in where a role says nothing"),
    sources: z.record(nameField, sourceSchema).nullish().describe("What signs the first hop, by name"),
    roles: z.record(nameField, roleSchema).nullish().describe("Roles that credentials can be had for, by name"),
    projects: z
      .record(nameField, projectSchema)
      .nullish()
      .describe("Directories with a role for each stage, by name: what --stage is looked up in"),
    requests: z
      .array(requestRuleSchema)
      .max(MAX_RULES, `must have at most ${MAX_RULES} rules`)
      .nullish()
      .describe("Who decides what `brokerctl request` asks for: the first rule that fits; default: a person"),
    notices: z
      .enum(NOTICE_SETTINGS)
      .optional()
      .describe(
        "Whether brokerd tells you that a login ends, and terminals that their command is refused: on (desktop and terminals, default), terminal, off",
      ),
    askpass: z
      .string()
      .regex(/^(?:pinentry|\/[^\0\n\r]+)$/, { error: "must be pinentry, or the absolute path of such a program" })
      .optional()
      .describe(
        "Program that brokerctl asks for MFA codes and the passphrase with where it has no terminal: pinentry, or a path; default: it does not ask there",
      ),
    schedules: z
      .array(scheduleSchema)
      .max(MAX_SCHEDULES, `must have at most ${MAX_SCHEDULES} schedules`)
      .nullish()
      .describe("What brokerd does by itself at set times; what was missed asleep or off is done once, at the wake"),
    lambda: lambdaSchema.nullish().describe("How deployed Lambda functions are reached"),
    refresh: refreshSchema.nullish().describe("How credentials are kept fresh"),
  })
  .describe("Configuration of credbroker");

export type ConfigFile = z.infer<typeof configSchema>;

/** JSON Schema of `config.yaml` for editors: draft 7, which the YAML language server knows best. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return { title: "credbroker config.yaml", ...z.toJSONSchema(configSchema, { target: "draft-7", io: "input" }) };
}
