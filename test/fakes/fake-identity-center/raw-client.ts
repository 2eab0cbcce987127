import { challengeOf } from "./authorization-codes.js";
import { decideInBrowser } from "./decide-in-browser.js";
import type { FakeIdentityCenter } from "./fake-identity-center.js";
import { DEVICE_GRANT } from "./registrations.js";
import { ACCOUNT_ACCESS } from "./settings.js";

export interface RawAnswer {
  readonly status: number;
  /** The header `x-amzn-errortype`. */
  readonly error: string | null;
  readonly body: Record<string, never> & Record<string, unknown>;
}

export interface RawTokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly expiresIn: number;
}

type Body = Readonly<Record<string, unknown>>;

const VERIFIER = "v".repeat(43);
export const CALLBACK = "http://127.0.0.1:49152/oauth/callback";

/** Calls by hand, so that every part of them can be wrong. */
export class RawClient {
  readonly #center: FakeIdentityCenter;
  /** `clientId` and `clientSecret`, once registered. */
  client: Body = {};

  constructor(center: FakeIdentityCenter) {
    this.#center = center;
  }

  async post(path: string, body: Body): Promise<RawAnswer> {
    const headers = { "content-type": "application/json" };
    return rawAnswer(await fetch(this.#center.url + path, { method: "POST", headers, body: JSON.stringify(body) }));
  }

  /** As the AWS CLI's PKCE login, unless told. */
  async register(more: Body = {}): Promise<RawAnswer> {
    const answer = await this.post("/client/register", {
      clientName: "botocore-client-corp",
      clientType: "public",
      scopes: [ACCOUNT_ACCESS],
      grantTypes: ["authorization_code", "refresh_token", DEVICE_GRANT],
      redirectUris: ["http://127.0.0.1/oauth/callback"],
      issuerUrl: this.#center.settings.startUrl,
      ...more,
    });
    const { clientId, clientSecret } = answer.body as Body;
    if (answer.status === 200) this.client = { clientId, clientSecret };
    return answer;
  }

  startDevice(more: Body = {}): Promise<RawAnswer> {
    const { startUrl } = this.#center.settings;
    return this.post("/device_authorization", { ...this.client, startUrl, ...more });
  }

  /** POST /token with the registered client. */
  token(body: Body): Promise<RawAnswer> {
    return this.post("/token", { ...this.client, ...body });
  }

  poll(deviceCode: unknown): Promise<RawAnswer> {
    return this.token({ grantType: DEVICE_GRANT, deviceCode });
  }

  refresh(refreshToken: unknown): Promise<RawAnswer> {
    return this.token({ grantType: "refresh_token", refreshToken });
  }

  redeem(code: unknown, more: Body = {}): Promise<RawAnswer> {
    return this.token({
      grantType: "authorization_code",
      code,
      redirectUri: CALLBACK,
      codeVerifier: VERIFIER,
      ...more,
    });
  }

  authorizeUrl(more: Readonly<Record<string, string>> = {}): string {
    const query = new URLSearchParams({
      response_type: "code",
      client_id: String(this.client["clientId"]),
      redirect_uri: CALLBACK,
      state: "the-state",
      code_challenge_method: "S256",
      scopes: ACCOUNT_ACCESS,
      code_challenge: challengeOf(VERIFIER),
      ...more,
    });
    return `${this.#center.url}/authorize?${query.toString()}`;
  }

  /** A code for `redeem`, approved in the browser. */
  async code(): Promise<string> {
    const { location = "" } = await decideInBrowser(this.authorizeUrl(), "approve");
    return new URL(location).searchParams.get("code") ?? "";
  }

  /** Registers and logs in by the device flow, from first call to tokens. */
  async login(more: Body = {}): Promise<RawTokens> {
    await this.register(more);
    const { body } = await this.startDevice();
    this.#center.approve(String(body["userCode"]));
    return (await this.poll(body["deviceCode"])).body as unknown as RawTokens;
  }

  async portal(target: string, accessToken?: string, method = "GET"): Promise<RawAnswer> {
    const headers = accessToken === undefined ? {} : { "x-amz-sso_bearer_token": accessToken };
    return rawAnswer(await fetch(this.#center.url + target, { method, headers }));
  }
}

async function rawAnswer(answer: Response): Promise<RawAnswer> {
  const text = await answer.text();
  const isJson = answer.headers.get("content-type") === "application/json";
  const body = (isJson ? JSON.parse(text) : { text }) as RawAnswer["body"];
  return { status: answer.status, error: answer.headers.get("x-amzn-errortype"), body };
}
