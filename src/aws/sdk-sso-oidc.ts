import {
  CreateTokenCommand,
  type CreateTokenCommandInput,
  type CreateTokenCommandOutput,
  RegisterClientCommand,
  SSOOIDCClient,
  StartDeviceAuthorizationCommand,
} from "@aws-sdk/client-sso-oidc";
import { toBrokerError } from "../core/errors.js";
import type { Clock } from "../system/clock.js";
import type { AwsAnswer, AwsCall, AwsCaller, CallOptions } from "./aws-caller.js";
import { AwsFailure } from "./aws-failure.js";
import { SsoAnswer } from "./sso-answers.js";
import { ssoError } from "./sso-error.js";
import type {
  ClientRegistration,
  ClientRegistrationRequest,
  DeviceAuthorization,
  SsoOidc,
  TokenGrant,
  TokenOutcome,
} from "./sso-oidc.js";

export interface SdkSsoOidcOptions {
  readonly caller: AwsCaller;
  readonly clock: Clock;
}

/** Identity Center's OIDC endpoints through the AWS SDK: unsigned calls, every answer checked. */
export class SdkSsoOidc implements SsoOidc {
  readonly #caller: AwsCaller;
  readonly #clock: Clock;

  constructor({ caller, clock }: SdkSsoOidcOptions) {
    this.#caller = caller;
    this.#clock = clock;
  }

  async registerClient(request: ClientRegistrationRequest, region: string): Promise<ClientRegistration> {
    const { clientName, issuerUrl, scopes, grantTypes, redirectUris } = request;
    const command = new RegisterClientCommand({
      clientName,
      clientType: "public",
      issuerUrl,
      scopes: [...scopes],
      grantTypes: [...grantTypes],
      ...(redirectUris === undefined ? {} : { redirectUris: [...redirectUris] }),
    });
    const { output, host, clockSkewMs } = await this.#call({
      action: "RegisterClient",
      subject: issuerUrl,
      region,
      send: (client, http) => client.send(command, http),
    });
    const answer = new SsoAnswer("RegisterClient", host);
    const expiresAt = (output.clientSecretExpiresAt ?? Number.NaN) * 1000 - clockSkewMs;
    if (!(expiresAt > this.#clock.now())) throw answer.refuse("no end of the registration in the future");
    return {
      clientId: answer.printable(output.clientId, "clientId"),
      clientSecret: answer.secret(output.clientSecret, "clientSecret"),
      expiresAt,
    };
  }

  /** A registration that is no longer accepted rejects with LoginRequired and `signer: "refused"`: register anew. */
  async startDeviceAuthorization(
    { clientId, clientSecret }: ClientRegistration,
    { startUrl }: { readonly startUrl: string },
    region: string,
  ): Promise<DeviceAuthorization> {
    const startedAt = this.#clock.now();
    const input = (): StartDeviceAuthorizationCommand =>
      new StartDeviceAuthorizationCommand({ clientId, clientSecret: clientSecret.reveal(), startUrl });
    const { output, host } = await this.#call({
      action: "StartDeviceAuthorization",
      subject: startUrl,
      region,
      send: (client, http) => client.send(input(), http),
    });
    const answer = new SsoAnswer("StartDeviceAuthorization", host);
    const verificationUri = answer.pageUrl(output.verificationUri, "verificationUri");
    const complete = output.verificationUriComplete ?? verificationUri;
    return {
      deviceCode: answer.secret(output.deviceCode, "deviceCode"),
      userCode: answer.userCode(output.userCode),
      verificationUri,
      verificationUriComplete: answer.pageUrl(complete, "verificationUriComplete"),
      expiresAt: startedAt + answer.lifeMs(output.expiresIn, "expiresIn"),
      intervalSeconds: answer.intervalSeconds(output.interval),
    };
  }

  async createToken(client: ClientRegistration, grant: TokenGrant, region: string): Promise<TokenOutcome> {
    const startedAt = this.#clock.now();
    try {
      const answer = await this.#call({
        action: "CreateToken",
        region,
        send: (sdk, http) => sdk.send(new CreateTokenCommand(tokenInput(client, grant)), http),
      });
      return granted(answer, startedAt);
    } catch (thrown) {
      const { cause } = toBrokerError(thrown);
      const outcome = cause instanceof AwsFailure ? refusedOutcome(cause, grant.kind) : undefined;
      if (!outcome) throw thrown;
      return outcome;
    }
  }

  authorizeUrl(parameters: Readonly<Record<string, string>>, region: string): Promise<string> {
    return Promise.resolve().then(() => this.#authorizeUrl(parameters, region));
  }

  #authorizeUrl(parameters: Readonly<Record<string, string>>, region: string): string {
    const { href } = this.#caller.endpoint({
      service: "sso-oidc",
      region,
      action: "the browser's login",
      resolve: (options, endpoint) => new SSOOIDCClient(options).config.endpointProvider({ ...endpoint }),
    });
    return `${href.replace(/\/$/, "")}/authorize?${new URLSearchParams(parameters).toString()}`;
  }

  #call<Output>(
    call: Omit<AwsCall<SSOOIDCClient, Output>, "service" | "client" | "explain">,
  ): Promise<AwsAnswer<Output>> {
    return this.#caller.call({
      service: "sso-oidc",
      client: (options: CallOptions) => new SSOOIDCClient(options),
      explain: ssoError,
      ...call,
    });
  }
}

function tokenInput({ clientId, clientSecret }: ClientRegistration, grant: TokenGrant): CreateTokenCommandInput {
  const client = { clientId, clientSecret: clientSecret.reveal() };
  switch (grant.kind) {
    case "device": {
      const grantType = "urn:ietf:params:oauth:grant-type:device_code";
      return { ...client, grantType, deviceCode: grant.deviceCode.reveal() };
    }
    case "authorization_code": {
      const { code, redirectUri, codeVerifier } = grant;
      const proof = { code: code.reveal(), redirectUri, codeVerifier: codeVerifier.reveal() };
      return { ...client, grantType: "authorization_code", ...proof };
    }
    case "refresh":
      return { ...client, grantType: "refresh_token", refreshToken: grant.refreshToken.reveal() };
  }
}

/** `startedAt`: a token's life began after the call did, so that we never take it for longer than it is. */
function granted({ output, host }: AwsAnswer<CreateTokenCommandOutput>, startedAt: number): TokenOutcome {
  const answer = new SsoAnswer("CreateToken", host);
  const { accessToken, refreshToken, tokenType, expiresIn } = output;
  if (tokenType !== undefined && tokenType.toLowerCase() !== "bearer") throw answer.refuse("no bearer token");
  return {
    outcome: "granted",
    accessToken: answer.secret(accessToken, "accessToken"),
    expiresAt: startedAt + answer.lifeMs(expiresIn, "expiresIn"),
    ...(refreshToken === undefined ? {} : { refreshToken: answer.secret(refreshToken, "refreshToken") }),
  };
}

/** Undefined: no answer of the flow, but a failure. */
function refusedOutcome({ awsCode = "", message }: AwsFailure, kind: TokenGrant["kind"]): TokenOutcome | undefined {
  if (awsCode === "AccessDenied") return { outcome: "denied", message };
  if (CLIENT_CODES.includes(awsCode)) return { outcome: "invalid_client" };
  const ofDeviceFlow = kind === "device" ? DEVICE_OUTCOMES.get(awsCode) : undefined;
  if (ofDeviceFlow) return { outcome: ofDeviceFlow };
  const codes = kind === "refresh" ? REFRESH_CODES : GRANT_CODES;
  return codes.includes(awsCode) ? { outcome: "invalid_grant", message } : undefined;
}

const CLIENT_CODES = ["InvalidClient", "UnauthorizedClient"];
const GRANT_CODES = ["InvalidGrant", "ExpiredToken"];
/** A refused refresh token needs a new login, whatever the reason. */
const REFRESH_CODES = [...GRANT_CODES, "InvalidRequest", "InvalidScope"];
/** RFC 8628 §3.5. With other grants a SlowDown means what throttling always means. */
const DEVICE_OUTCOMES: ReadonlyMap<string, "pending" | "slow_down" | "expired"> = new Map([
  ["AuthorizationPending", "pending"],
  ["SlowDown", "slow_down"],
  ["ExpiredToken", "expired"],
] as const);
