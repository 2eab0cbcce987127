import type { WantedScope } from "../../control-api/lease-contract.js";
import type { CliContext } from "../context.js";
import type { ScopeFlags } from "./wanted-scope.js";

/** Of every command that makes a lease on a role: how what it gives is narrower than the role. */
export const SCOPE_OPTIONS = {
  "read-only": { type: "boolean", help: "no more than reading" },
  service: {
    type: "string",
    repeat: true,
    value: "NAME[:read]",
    help: "no more than this service, or than reading it: s3, dynamodb:read, …",
  },
  policy: { type: "string", value: "FILE", help: "no more than this IAM policy allows (JSON; - reads stdin)" },
  "policy-arn": { type: "string", repeat: true, value: "ARN", help: "no more than this managed policy allows" },
  "session-for": { type: "string", value: "DURATION", help: "keys that live so long, 1m or more, and are renewed" },
} as const;

export const SCOPE_DETAILS = `
--read-only, --service, --policy and --policy-arn narrow what its programs get: each flag by itself, and repeats of one add up.
\`brokerctl lease show\` tells how. In a shell whose lease is narrowed, what is made is narrowed at least as much (docs/scope.md).`;

/** What the flags come to; undefined: none was given, as mostly. Throws UsageInvalid with what no role could be narrowed by. */
export async function scopeOfFlags(flags: ScopeFlags, context: CliContext): Promise<WantedScope | undefined> {
  const { "read-only": readOnly, service, policy, "policy-arn": arns, "session-for": lives } = flags;
  const isGiven = readOnly || (policy ?? lives) !== undefined || service.length + arns.length > 0;
  return isGiven ? (await import("./wanted-scope.js")).wantedScope(flags, context) : undefined;
}
