import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { isSdkError, type SdkError } from "./aws-failure.js";
import { withoutSecrets } from "./without-secrets.js";

/** The SDK's providers distinguish failures by their text only; tests hold these against the real ones. */
const PROFILE_RULES: readonly (readonly [pattern: RegExp, explain: (profile: string) => BrokerError])[] = [
  // fromSSO looks for the profile in the files the SDK is pointed at, which are empty on purpose.
  [/^Profile .* was not found/, signsInThroughSso],
  [/requires multi-factor authentication/, needsMfa],
  [/Could not resolve credentials using profile/, missing],
];

export function profileError(thrown: unknown, profile: string): BrokerError {
  if (thrown instanceof BrokerError) {
    return new BrokerError(thrown.code, `profile ${profile}: ${thrown.message}`, {
      hint: thrown.code === "AwsUnreachable" ? thrown.hint : `check profile ${profile} in ~/.aws/config`,
      cause: thrown,
      retryAfterMs: thrown.retryAfterMs,
    });
  }
  const text = messageOf(thrown);
  const rule = PROFILE_RULES.find(([pattern]) => pattern.test(text));
  if (rule) return rule[1](profile);
  return new BrokerError("LoginRequired", `profile ${profile} gives no credentials now: ${withoutSecrets(text)}`, {
    hint: `see what it needs: aws sts get-caller-identity --profile ${shellQuote(profile)}`,
  });
}

function signsInThroughSso(profile: string): BrokerError {
  const message = `profile ${profile} signs in through Identity Center: the SDK would spend and rewrite the AWS CLI's login`;
  return new BrokerError("ConfigInvalid", message, {
    hint: "use a source of type sso or aws_sso_cache: brokerctl source add --help",
  });
}

function needsMfa(profile: string): BrokerError {
  return new BrokerError(
    "ConfigInvalid",
    `profile ${profile} asks for an MFA code, which a source of type profile cannot`,
    {
      hint: "make it a source of type keys with mfa_serial, and a role: brokerctl source add --help",
    },
  );
}

function missing(profile: string): BrokerError {
  return new BrokerError(
    "ConfigInvalid",
    `there is no profile ${profile} in the AWS files, or nothing in it gives credentials`,
    {
      hint: "aws configure list-profiles",
    },
  );
}

/** What the SDK and Node say where nothing answers at the address, or not in this protocol. */
const NO_METADATA =
  /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|EINVAL|ETIMEDOUT|ECONNRESET|timed? ?out|TimeoutError|socket hang up|Unable to connect|EC2 Metadata is disabled/i;

/** 404: the service is there, and no role is. */
export function instanceError(thrown: unknown): BrokerError {
  if (thrown instanceof BrokerError) return thrown;
  const { statusCode } = thrown as { readonly statusCode?: unknown };
  if (statusCode === 404) {
    return new BrokerError("ConfigInvalid", "no role is attached to this EC2 instance", {
      hint: "attach an instance profile to it",
    });
  }
  const text = messageOf(thrown);
  const isSilent = NO_METADATA.test(text);
  const message = isSilent
    ? "nothing answers at the instance metadata service: this is not an EC2 instance, or its metadata service is off"
    : `the instance metadata service gives no credentials: ${statusOf(statusCode) ?? withoutSecrets(text)}`;
  return new BrokerError("AwsUnreachable", message, {
    hint: isSilent
      ? "remove the source from the config, or turn the service on: aws ec2 modify-instance-metadata-options --http-endpoint enabled"
      : "curl http://169.254.169.254/latest/meta-data/iam/security-credentials/    # what it says itself",
    cause: thrown,
  });
}

function statusOf(statusCode: unknown): string | undefined {
  return typeof statusCode === "number" ? `it answers with status ${statusCode}` : undefined;
}

export function containerError(thrown: unknown): BrokerError {
  if (thrown instanceof BrokerError) return thrown;
  const text = withoutSecrets(messageOf(thrown));
  const code = /^(?:URL not accepted|Invalid URL)/.test(text) ? "ConfigInvalid" : "AwsUnreachable";
  return new BrokerError(code, `the container's credentials cannot be had: ${text}`, {
    hint: "check AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI of the daemon, and what stands there",
  });
}

/** What a provider answered must not be passed on. */
export function unusable(what: string, problem: string): BrokerError {
  return new BrokerError("LoginRequired", `${what} gives ${problem}`, { hint: "renew them where they come from" });
}

function messageOf(thrown: unknown): string {
  const { message }: SdkError = isSdkError(thrown) ? thrown : {};
  return typeof message === "string" ? message : "no message";
}
