import { z } from "zod";
import { mfaSerialField, regionField, secondsField } from "./field-rules.js";

/** `type: keys` as the file has it. */
export const keysSourceSchema = z
  .strictObject({
    type: z.literal("keys").describe("keys: a long-term access key, kept in the secret store (`brokerctl keys add`)"),
    mfa_serial: mfaSerialField
      .optional()
      .describe(
        "MFA device of the key's user (arn:aws:iam::ACCOUNT:mfa/NAME or a hardware serial number). With it, one GetSessionToken (`brokerctl login`) serves all roles of the source",
      ),
    session_duration_seconds: secondsField({ min: 900, max: 129_600 })
      .optional()
      .describe("How long a GetSessionToken session lasts, 900 to 129600 seconds; default 43200"),
    region: regionField
      .optional()
      .describe("Region whose STS endpoint is called for this source and for its roles that name none"),
  })
  .describe("A long-term access key");

/** A source as the file has it, by its `type`. */
export const sourceSchema = z
  .discriminatedUnion("type", [keysSourceSchema])
  .describe("What signs the first hop to a role");

export type SourceEntry = z.infer<typeof sourceSchema>;
