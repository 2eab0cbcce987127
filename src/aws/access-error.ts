import { BrokerError } from "../core/errors.js";
import type { Explain } from "./aws-error.js";
import type { AwsFailure } from "./aws-failure.js";

const DENIED = ["AccessDenied", "UnauthorizedOperation", "NotAuthorized", "AuthFailure", "Forbidden"];
const MISSING = ["NoSuchEntity", "ResourceNotFound"];

interface Refusal {
  readonly says: string;
  readonly hint: string;
}

/** What IAM says to a write of a trust policy. */
const WRITES: Readonly<Record<string, Refusal>> = {
  LimitExceeded: {
    says: "the policy would be longer than the account's quota for trust policies, 2,048 characters by default",
    hint: "remove a statement from the role's trust policy, or ask AWS for a higher quota",
  },
  MalformedPolicyDocument: {
    says: "IAM does not take the policy",
    hint: "check that every user and role that it names still exists",
  },
  EntityAlreadyExists: { says: "there is one of that name already", hint: "choose another name" },
  UnmodifiableEntity: { says: "only an AWS service changes this role", hint: "let the function run with another role" },
  ConcurrentModification: { says: "another caller is changing the role right now", hint: "run the command again" },
};

/**
 * Refusals of calls that look at functions and roles, or change roles: `AccessDenied` with the action as policies name
 * it, `NotFound`, `Conflict` for what IAM does not take as a policy. `service` is their prefix: `iam`.
 */
export function accessError(service: "iam" | "lambda" | "cloudformation" | "ecs"): Explain {
  return (failure, { action, subject }) => {
    const permission = `${service}:${action}`;
    const what = subject === undefined ? permission : `${permission} of ${subject}`;
    const code = failure.awsCode ?? "";
    if (DENIED.includes(code)) {
      const hint = `allow ${permission} to the caller, or let another role ask`;
      return new BrokerError("AccessDenied", `AWS denies ${what}: ${failure.message}`, { hint, cause: failure });
    }
    if (MISSING.includes(code) || isUnknownTask(service, failure)) {
      const hint = "check the name, the account and the region";
      return new BrokerError("NotFound", `AWS does not know ${subject ?? "it"}: ${failure.message}`, {
        hint,
        cause: failure,
      });
    }
    const refusal = Object.hasOwn(WRITES, code) ? WRITES[code] : undefined;
    if (!refusal) return undefined;
    const { says, hint } = refusal;
    return new BrokerError("Conflict", `AWS refuses ${what}, because ${says}: ${failure.message}`, {
      hint,
      cause: failure,
    });
  };
}

/** ECS has no code of its own for it. */
function isUnknownTask(service: string, { awsCode, message }: AwsFailure): boolean {
  return service === "ecs" && awsCode === "Client" && /unable to describe/i.test(message);
}
