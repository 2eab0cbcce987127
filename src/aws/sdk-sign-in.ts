import { CreateOAuth2TokenCommand, SigninClient } from "@aws-sdk/nested-clients/signin";
import type { Credentials } from "../core/credentials.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import type { AwsCaller } from "./aws-caller.js";
import { AwsFailure } from "./aws-failure.js";
import { consolePageUrl } from "./console-page.js";
import {
  granted,
  refusedOutcome,
  signInError,
  TOKEN_ACTION,
  tokenInput,
  withDpop,
  withOwnCode,
} from "./console-token.js";
import { FederationClient, federationError } from "./federation-client.js";
import type { ConsolePage, SignIn, SignInGrant, SignInOutcome } from "./sign-in.js";
import { SsoAnswer } from "./sso-answers.js";

export interface SdkSignInOptions {
  readonly caller: AwsCaller;
  readonly clock: Clock;
}

/** Who sends the user, for the page that says that a session is over. */
const ISSUER = "credbroker";

/** AWS Sign-In: hosts by the SDK's own rules, the federation endpoint, which no SDK has, by a request of ours. */
export class SdkSignIn implements SignIn {
  readonly #caller: AwsCaller;
  readonly #clock: Clock;

  constructor({ caller, clock }: SdkSignInOptions) {
    this.#caller = caller;
    this.#clock = clock;
  }

  consoleUrl(page: ConsolePage): Promise<string> {
    return Promise.resolve().then(() => this.#consoleUrl(page));
  }

  async federate(
    credentials: Credentials,
    { sessionSeconds, ...page }: ConsolePage & { readonly sessionSeconds?: number | undefined },
  ): Promise<Secret> {
    const Destination = this.#consoleUrl(page);
    // Where the role is at home: a token is good at the host only that gave it.
    const federation = new URL("/federation", this.#host(page.homeRegion, { custom: true }));
    const session = {
      sessionId: credentials.accessKeyId,
      sessionKey: credentials.secretAccessKey.reveal(),
      sessionToken: credentials.sessionToken.reveal(),
    };
    const { output, host } = await this.#caller.call({
      service: "signin",
      action: ACTION,
      region: page.homeRegion,
      explain: federationError,
      client: (options) => new FederationClient(options),
      send: (client, http) =>
        client.getSigninToken(
          federation,
          {
            Action: "getSigninToken",
            ...(sessionSeconds !== undefined && { SessionDuration: String(sessionSeconds) }),
            Session: JSON.stringify(session),
          },
          http,
        ),
    });
    const SigninToken = new SsoAnswer(ACTION, host).printable(output, "SigninToken");
    const parameters = { Action: "login", Issuer: ISSUER, Destination, SigninToken };
    return new Secret(`${federation.href}?${new URLSearchParams(parameters).toString()}`);
  }

  async authorizeUrl(parameters: Readonly<Record<string, string>>, region: string): Promise<string> {
    const url = new URL("/v1/authorize", await this.#base(region));
    return `${url.href}?${new URLSearchParams(parameters).toString()}`;
  }

  async confirmationUrl(region: string): Promise<string> {
    return new URL("/v1/sessions/confirmation", await this.#base(region)).href;
  }

  async createToken(dpopKey: Secret, grant: SignInGrant, region: string): Promise<SignInOutcome> {
    const startedAt = this.#clock.now();
    try {
      const { output, host } = await this.#caller.call({
        ...{ service: "signin", action: TOKEN_ACTION, region, explain: signInError },
        // AWS's clock, as far as an earlier answer told it: a proof from another time is refused.
        client: (options) =>
          withDpop(new SigninClient(options), dpopKey, () => this.#clock.now() + (options.systemClockOffset ?? 0)),
        send: (client, http) =>
          client.send(new CreateOAuth2TokenCommand({ tokenInput: tokenInput(grant) }), http).catch((error: unknown) => {
            throw withOwnCode(error);
          }),
      });
      return granted(output, { host, startedAt });
    } catch (thrown) {
      const { cause } = toBrokerError(thrown);
      const outcome = cause instanceof AwsFailure ? refusedOutcome(cause) : undefined;
      if (!outcome) throw thrown;
      return outcome;
    }
  }

  /** Rejects where the region is none. */
  #base(region: string): Promise<URL> {
    return Promise.resolve().then(() => this.#host(region, { custom: true }));
  }

  #consoleUrl({ homeRegion, region, service }: ConsolePage): string {
    const host = this.#host(region).hostname;
    const home = this.#host(homeRegion).hostname;
    if (withoutRegion(host) !== withoutRegion(home)) {
      throw new BrokerError("UsageInvalid", `region ${region} is in another partition than the role's ${homeRegion}`, {
        hint: `--region ${homeRegion}`,
      });
    }
    return consolePageUrl(host, region, service);
  }

  /** `custom`: an endpoint of the environment stands in for AWS's own. */
  #host(region: string, { custom }: { readonly custom: boolean } = { custom: false }): URL {
    return this.#caller.endpoint({
      service: "signin",
      region,
      action: ACTION,
      resolve: (options, { Endpoint, ...parameters }) => {
        const own = custom ? { ...parameters, ...(Endpoint !== undefined && { Endpoint }) } : { Region: region };
        return new SigninClient(options).config.endpointProvider(own);
      },
    });
  }
}

const ACTION = "the sign-in to the console";

function withoutRegion(host: string): string {
  return host.replace(/^[^.]+\./, "");
}
