import * as z from "zod";
import { nameField } from "./field-rules.js";

/** Never `/` or `~` itself, under which everything would be the project; `.` and `..` would say one directory twice. */
const PATH = /^~?(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+\/?$/u;

const roleName = z.string().min(1, "must be the name of a role").max(1024, "must be at most 1,024 characters");

export const projectSchema = z
  .strictObject({
    path: z
      .string()
      .max(4096, "must be at most 4,096 characters")
      .regex(PATH, "must be the path of a directory that begins with / or ~/, without . and ..")
      .describe("The project's directory: it and all below it are the project; nothing is read there"),
    role: roleName.optional().describe("Role of `exec` without ROLE there, where none is chosen"),
    stages: z.record(nameField, roleName).nullish().describe("Role by stage, for --stage"),
  })
  .refine(({ role, stages }) => role !== undefined || Object.keys(stages ?? {}).length > 0, "must have role or stages");

export type ProjectEntry = z.infer<typeof projectSchema>;
