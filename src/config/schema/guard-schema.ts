import * as z from "zod";
import { DURATION_PATTERN, DURATION_RULE, secondsOfDuration } from "../../core/duration.js";
import { CONFIRMATIONS } from "../../core/guard.js";

/** A yes for less is asked again before a program has come far; AWS has no session of more. */
const [SHORTEST_S, LONGEST_S] = [60, 43_200];

/** How long something may be had at one go. */
const limitField = z
  .string()
  .regex(DURATION_PATTERN, DURATION_RULE)
  .refine((text) => isBetween(secondsOfDuration(text) ?? SHORTEST_S), "must be 1m to 12h");

function isBetween(seconds: number): boolean {
  return seconds >= SHORTEST_S && seconds <= LONGEST_S;
}

export const guardSchema = z.strictObject({
  confirm: z
    .enum(CONFIRMATIONS)
    .optional()
    .describe(
      "Who asks: terminal (brokerctl, at the terminal), desktop (brokerd, in a dialog), passphrase (brokerd, for that of secret_store: passphrase); without it no question is asked",
    ),
  reason: z.boolean().optional().describe("Whether --reason must be given"),
  max_lease: limitField
    .optional()
    .describe("What one yes is good for, and the longest lease on the role: 1m to 12h, default 1h"),
});

export const REQUEST_SCOPES = ["any", "read-only"] as const;

export const requestRuleSchema = z.strictObject({
  role: z
    .string()
    .min(1, "must be a name or pattern of roles, like prod-*")
    .max(256, "must be at most 256 characters")
    .describe("The roles that the rule is about, by a pattern: * ? [a-z] {a,b}"),
  scope: z
    .enum(REQUEST_SCOPES)
    .optional()
    .describe("What is asked for: any (default), which is everything; read-only, which is what only reads"),
  decide: z
    .enum(["allow", "ask", "deny"])
    .describe("allow: granted at once, as far as the role has no guard; ask: a person decides; deny"),
  max: limitField.optional().describe("The longest grant: 1m to 12h, default 1h"),
});

export type RequestRuleEntry = z.infer<typeof requestRuleSchema>;
