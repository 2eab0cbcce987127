import type { STSClientConfig } from "@aws-sdk/client-sts";
import type { SigningCredentials } from "../core/credentials.js";
import { BrokerError } from "../core/errors.js";
import { REGION_PATTERN } from "../core/region.js";
import type { AwsEnvironment, AwsServiceName } from "./aws-environment.js";

/** The part of a client's configuration that the generated clients have in common. */
export type ClientOptions = Pick<
  STSClientConfig,
  | "region"
  | "endpoint"
  | "useFipsEndpoint"
  | "useDualstackEndpoint"
  | "ignoreConfiguredEndpointUrls"
  | "maxAttempts"
  | "retryMode"
  | "defaultsMode"
  | "authSchemePreference"
  | "disableClockSkewCorrection"
  | "userAgentAppId"
  | "systemClockOffset"
  | "credentials"
>;

export interface ClientOptionsInput {
  readonly environment: AwsEnvironment;
  readonly service: AwsServiceName;
  readonly region: string;
  /** Absent: the service takes unsigned calls. */
  readonly signer?: SigningCredentials;
  /** Server time minus local time in milliseconds, from an earlier answer. */
  readonly systemClockOffset: number;
}

/**
 * Everything the SDK would otherwise look up in its environment or in `~/.aws/config` is given here, so that it reads
 * neither: `[default] endpoint_url`, `retry_mode` or `use_fips_endpoint` of the user's files must change nothing.
 */
export function clientOptions(input: ClientOptionsInput): ClientOptions {
  const { environment, service, region, signer, systemClockOffset } = input;
  if (!REGION_PATTERN.test(region)) {
    throw new BrokerError("ConfigInvalid", `${JSON.stringify(region)} is not the name of an AWS region`, {
      hint: "brokerctl config edit",
    });
  }
  const endpoint = environment.endpoints[service];
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    useFipsEndpoint: environment.useFips,
    useDualstackEndpoint: environment.useDualstack,
    ignoreConfiguredEndpointUrls: true,
    // The refresher backs off; a retry in here would wait out Retry-After unseen and spend MFA codes twice.
    maxAttempts: 1,
    retryMode: "standard",
    defaultsMode: "standard",
    authSchemePreference: ["sigv4"],
    disableClockSkewCorrection: false,
    // Lets an account's owner find the broker's calls in CloudTrail; a function, because undefined would be looked up.
    userAgentAppId: () => Promise.resolve("credbroker"),
    systemClockOffset,
    credentials: signer ? signingKey(signer) : noCredentials,
  };
}

interface SigningKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

function signingKey({ accessKeyId, secretAccessKey, sessionToken }: SigningCredentials): SigningKey {
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken ? { sessionToken: sessionToken.reveal() } : {}),
  };
}

/** Without it a client would look for credentials in its environment. */
function noCredentials(): Promise<never> {
  return Promise.reject(new Error("this call is not signed"));
}
