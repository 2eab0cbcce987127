import type { WantedScope } from "../../control-api/lease-contract.js";
import { checkedScope } from "../../core/checked-scope.js";
import { parseDuration } from "../arguments/argument-values.js";
import { readInput } from "../arguments/read-input.js";
import type { CliContext } from "../context.js";

/** As they were typed, and what is told to AWS for its record. */
export interface ScopeFlags {
  readonly "read-only": boolean;
  readonly service: readonly string[];
  readonly policy: string | undefined;
  readonly "policy-arn": readonly string[];
  readonly "session-for": string | undefined;
  readonly reason?: string | undefined;
  /** Of a lease that is made to last. */
  readonly name?: string | undefined;
}

/** More is no policy that AWS takes. */
const MAX_POLICY_BYTES = 65_536;

/** What the flags of a command come to. */
export async function wantedScope(
  { "read-only": readOnly, service, policy, "policy-arn": arns, "session-for": lives, reason, name }: ScopeFlags,
  context: CliContext,
): Promise<WantedScope | undefined> {
  const wanted: WantedScope = {
    ...(readOnly && { readOnly }),
    ...(service.length > 0 && { services: service }),
    ...(policy !== undefined && { policy: await policyIn(policy, context) }),
    ...(arns.length > 0 && { policyArns: arns }),
    ...(lives !== undefined && { sessionSeconds: parseDuration(lives, "--session-for") }),
  };
  const description = [name === undefined ? undefined : `lease ${name}`, reason].filter(Boolean).join(": ");
  return checkedScope({ ...wanted, ...(description !== "" && { description }) });
}

async function policyIn(path: string, context: CliContext): Promise<string> {
  const options = { maxBytes: MAX_POLICY_BYTES, stdinHint: "--policy FILE" };
  return (await readInput(path, options, context)).bytes.toString("utf8");
}
