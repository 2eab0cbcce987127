import { BrokerError } from "../core/errors.js";
import type { AwsFailure, FailedCall } from "./aws-failure.js";

/** STS's refusals of what is to be narrowed, and by what (its API reference, GetScopedCredentials); the rest is as with every call. */
export function scopedError(failure: AwsFailure, { host }: FailedCall): BrokerError | undefined {
  const rule = RULES[failure.awsCode ?? ""];
  if (!rule) return undefined;
  const { why, hint, signer } = rule;
  return new BrokerError(
    "AssumeRoleDenied",
    `AWS refuses GetScopedCredentials at ${host}: ${why}: ${failure.message}`,
    {
      ...{ hint, signer, cause: failure },
    },
  );
}

interface Rule {
  readonly why: string;
  readonly hint: string;
  /** Fetched anew, it may be taken. */
  readonly signer?: "expired";
}

const SHORTER = "a smaller --policy, or fewer --service; brokerctl lease show LEASE tells what it is narrowed by";

const RULES: Readonly<Record<string, Rule | undefined>> = {
  InsufficientSessionLifetime: { why: "the session before ends sooner", hint: "brokerctl refresh", signer: "expired" },
  InvalidSubjectCredentials: {
    why: "it narrows no session of this kind",
    hint: "log in anew: brokerctl login; keys of an IAM user or of root cannot be narrowed",
    signer: "expired",
  },
  MalformedPolicyDocument: { why: "the policy is not valid", hint: "another --policy FILE" },
  PackedPolicyTooLarge: { why: "policy and session tags are too large together", hint: SHORTER },
};
