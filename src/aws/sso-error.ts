import { BrokerError, type BrokerErrorCode, type BrokerErrorOptions } from "../core/errors.js";
import type { AwsFailure, FailedCall } from "./aws-failure.js";

/**
 * Identity Center's own refusals, as the API references of SSO OIDC and of its portal name them. Its calls are unsigned: what is refused is a token or a client
 * registration, never a key. Throttling and failures are as with every service.
 */
export function ssoError(failure: AwsFailure, call: FailedCall): BrokerError | undefined {
  return RULES.find(({ codes }) => codes.includes(failure.awsCode ?? ""))?.explain(failure, call);
}

const RULES: readonly { readonly codes: readonly string[]; readonly explain: typeof ended }[] = [
  { codes: ["Unauthorized", "InvalidGrant", "ExpiredToken"], explain: ended },
  { codes: ["InvalidClient", "UnauthorizedClient"], explain: clientRefused },
  { codes: ["Forbidden", "ResourceNotFound", "AccessDenied"], explain: noAccess },
  { codes: ["InvalidRequest", "InvalidRequestRegion", "InvalidScope"], explain: invalid },
];

function ended(failure: AwsFailure, call: FailedCall): BrokerError {
  const message = `the login has ended: ${call.host} no longer accepts its token`;
  return refusal("LoginRequired", message, { failure, hint: "brokerctl login" });
}

function clientRefused(failure: AwsFailure, call: FailedCall): BrokerError {
  const message = `${call.host} does not accept our client registration for ${call.action}`;
  return refusal("LoginRequired", message, { failure, signer: "refused", hint: "brokerctl login" });
}

function noAccess(failure: AwsFailure, call: FailedCall): BrokerError {
  const message = `the login has no access to ${call.subject ?? call.action}: ${failure.message}`;
  return refusal("AssumeRoleDenied", message, { failure, hint: "see what it has: `brokerctl sso roles SOURCE`" });
}

/** What we send follows from the config: only an edit of it helps. */
function invalid(failure: AwsFailure, call: FailedCall): BrokerError {
  const keys = failure.awsCode === "InvalidRequestRegion" ? "sso_region" : (KEYS[call.action] ?? "sso_region");
  const about = call.subject === undefined ? call.action : `${call.action} for ${call.subject}`;
  return refusal("ConfigInvalid", `${call.host} refuses ${about}: ${failure.message}`, {
    failure,
    hint: `check ${keys}: \`brokerctl config edit\``,
  });
}

const KEYS: Readonly<Record<string, string>> = {
  RegisterClient: "sso_start_url, sso_region and sso_registration_scopes",
  StartDeviceAuthorization: "sso_start_url and sso_region",
  GetRoleCredentials: "sso_account_id and sso_role_name",
  ListAccountRoles: "sso_account_id",
};

type RefusalOptions = Omit<BrokerErrorOptions, "cause"> & { readonly failure: AwsFailure };

function refusal(code: BrokerErrorCode, message: string, { failure, ...options }: RefusalOptions): BrokerError {
  return new BrokerError(code, message, { ...options, cause: failure });
}
