import { inspect } from "node:util";
import { type Aws, createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import type { ClientRegistration, ClientRegistrationRequest, TokenOutcome } from "../../src/aws/sso-oidc.js";
import { Secret } from "../../src/core/secret.js";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { challengeOf } from "../fakes/fake-identity-center/authorization-codes.js";
import { decideInBrowser } from "../fakes/fake-identity-center/decide-in-browser.js";
import {
  type FakeIdentityCenter,
  type FakeIdentityCenterOptions,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";

export const REGION = "eu-west-1";
export const START_URL = "https://corp.awsapps.com/start";
export const CALLBACK = "http://127.0.0.1:49152/oauth/callback";
export const VERIFIER = new Secret("v".repeat(64));
const SCOPES = ["sso:account:access"];

export type GrantedToken = Extract<TokenOutcome, { readonly outcome: "granted" }>;

/** What the broker's logins register. */
export const CODE_CLIENT: ClientRegistrationRequest = {
  clientName: "credbroker",
  issuerUrl: START_URL,
  scopes: SCOPES,
  grantTypes: ["authorization_code", "refresh_token"],
  redirectUris: ["http://127.0.0.1/oauth/callback"],
};
export const DEVICE_CLIENT: ClientRegistrationRequest = {
  clientName: "credbroker",
  issuerUrl: START_URL,
  scopes: SCOPES,
  grantTypes: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
};

/** The AWS clients before a fake Identity Center whose credentials sign at a fake AWS, all by one clock that stands. */
export class IdentityCenterFixture {
  readonly clock: FakeClock;
  readonly aws: FakeAws;
  readonly center: FakeIdentityCenter;
  readonly logger = memoryLogger();
  readonly ours: Aws;

  private constructor(
    parts: Pick<IdentityCenterFixture, "clock" | "aws" | "center">,
    variables: Record<string, string>,
  ) {
    this.clock = parts.clock;
    this.aws = parts.aws;
    this.center = parts.center;
    const environment = awsEnvironment(variables);
    this.ours = createAws({ environment, logger: this.logger, clock: this.clock });
  }

  static async start({
    variables = {},
    ...options
  }: FakeIdentityCenterOptions & { readonly variables?: Record<string, string> } = {}): Promise<IdentityCenterFixture> {
    const clock = new FakeClock();
    const aws = await startFakeAws({ users: [], clock });
    const center = await startFakeIdentityCenter({ clock, aws, ...options });
    const endpoints = {
      AWS_ENDPOINT_URL: aws.url,
      AWS_ENDPOINT_URL_SSO: center.url,
      AWS_ENDPOINT_URL_SSO_OIDC: center.url,
    };
    return new IdentityCenterFixture({ clock, aws, center }, { ...endpoints, ...variables });
  }

  async close(): Promise<void> {
    await this.center.close();
    await this.aws.close();
  }

  register(request = DEVICE_CLIENT): Promise<ClientRegistration> {
    return this.ours.ssoOidc.registerClient(request, REGION);
  }

  /** A code that the user approved in the browser. */
  async code({ clientId }: ClientRegistration): Promise<Secret> {
    const parameters = {
      response_type: "code",
      client_id: clientId,
      redirect_uri: CALLBACK,
      state: "state",
      scopes: SCOPES.join(" "),
      code_challenge: challengeOf(VERIFIER.reveal()),
      code_challenge_method: "S256",
    };
    const { location = "" } = await decideInBrowser(
      await this.ours.ssoOidc.authorizeUrl(parameters, REGION),
      "approve",
    );
    return new Secret(new URL(location).searchParams.get("code") ?? "");
  }

  /** The token of a whole device login. */
  async login(client?: ClientRegistration): Promise<GrantedToken> {
    const registration = client ?? (await this.register());
    const started = await this.ours.ssoOidc.startDeviceAuthorization(registration, { startUrl: START_URL }, REGION);
    this.center.approve(started.userCode);
    return granted(
      await this.ours.ssoOidc.createToken(registration, { kind: "device", deviceCode: started.deviceCode }, REGION),
    );
  }
}

export function granted(outcome: TokenOutcome): GrantedToken {
  if (outcome.outcome !== "granted") throw new Error(`the token was not granted: ${outcome.outcome}`);
  return outcome;
}

/** All that a careless logger could print of an error. */
export function everythingIn(error: unknown): string {
  const seen: string[] = [];
  for (let next: unknown = error; next instanceof Error; next = next.cause) {
    seen.push(inspect(next, { showHidden: true, depth: 10 }), JSON.stringify(next), String(next), next.stack ?? "");
  }
  return seen.join("\n");
}
