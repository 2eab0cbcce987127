import { BrokerError } from "../core/errors.js";
import type { AwsFailure, FailedCall } from "./aws-failure.js";

/** STS's refusals of the token itself (its API reference, AssumeRoleWithWebIdentity). IDPCommunicationError is trouble, as with every call. */
export function webIdentityError(failure: AwsFailure, { subject, action }: FailedCall): BrokerError | undefined {
  const code = failure.awsCode ?? "";
  if (!Object.hasOwn(WHY, code)) return undefined;
  return new BrokerError(
    "LoginRequired",
    `the web identity token for ${subject ?? action} ${WHY[code] ?? ""}: ${failure.message}`,
    {
      hint: "renew the token in its file",
      cause: failure,
    },
  );
}

const WHY: Readonly<Record<string, string>> = {
  ExpiredToken: "has expired",
  InvalidIdentityToken: "is not accepted",
  IDPRejectedClaim: "was rejected by its identity provider",
};
