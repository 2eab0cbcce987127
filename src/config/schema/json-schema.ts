import { z } from "zod";
import { configSchema } from "./schema.js";

/** JSON Schema of `config.yaml` for editors: draft 7, which the YAML language server knows best. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return { title: "credbroker config.yaml", ...z.toJSONSchema(configSchema, { target: "draft-7", io: "input" }) };
}
