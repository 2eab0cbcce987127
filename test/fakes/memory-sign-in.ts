import type { ConsolePage, SignIn, SignInGrant, SignInOutcome } from "../../src/aws/sign-in.js";
import type { Credentials } from "../../src/core/credentials.js";
import { Secret } from "../../src/core/secret.js";
import type { Clock } from "../../src/system/clock.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";

export const LOGIN_SESSION = "arn:aws:iam::111111111111:user/ann";
/** Of the credentials of a login. */
const LIFE_MS = 15 * 60_000;

export interface Federated {
  readonly accessKeyId: string;
  readonly page: ConsolePage;
  readonly sessionSeconds: number | undefined;
}

/** AWS Sign-In of one partition; remembers what it signed in. */
export class MemorySignIn implements SignIn {
  readonly federated: Federated[] = [];
  /** What tokens were asked for by, and where. */
  readonly grants: (SignInGrant & { readonly region: string; readonly dpopKey: string })[] = [];
  /** Answers of the next createToken calls, before what is right. */
  readonly next: (SignInOutcome | Error)[] = [];
  loginSession = LOGIN_SESSION;
  /** Waits before each createToken is answered. */
  gate: Promise<void> = Promise.resolve();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async consoleUrl({ region, service = "console" }: ConsolePage): Promise<string> {
    return `https://${region}.console.aws.amazon.com/${service}/home?region=${region}`;
  }

  async federate(
    { accessKeyId }: Credentials,
    { sessionSeconds, ...page }: ConsolePage & { readonly sessionSeconds?: number | undefined },
  ): Promise<Secret> {
    this.federated.push({ accessKeyId, page, sessionSeconds });
    return new Secret(`https://signin.example/federation?Action=login&SigninToken=${CANARY}${this.federated.length}`);
  }

  async authorizeUrl(parameters: Readonly<Record<string, string>>, region: string): Promise<string> {
    return `https://${region}.signin.aws.amazon.com/v1/authorize?${new URLSearchParams(parameters).toString()}`;
  }

  async confirmationUrl(region: string): Promise<string> {
    return `https://${region}.signin.aws.amazon.com/v1/sessions/confirmation`;
  }

  async createToken(dpopKey: Secret, grant: SignInGrant, region: string): Promise<SignInOutcome> {
    const startedAt = this.#clock.now();
    const count = this.grants.push({ ...grant, region, dpopKey: dpopKey.reveal() });
    await this.gate;
    const next = this.next.shift();
    if (next instanceof Error) throw next;
    if (next) return next;
    const credentials = {
      accessKeyId: `ASIA${String(count).padStart(16, "0")}`,
      secretAccessKey: new Secret(canarySecretKey("login")),
      sessionToken: new Secret(`${CANARY}-session-${count}`),
      expiration: startedAt + LIFE_MS,
    };
    const said = grant.kind === "authorization_code" && { loginSession: this.loginSession };
    return { outcome: "granted", credentials, refreshToken: new Secret(`${CANARY}-refresh-${count}`), ...said };
  }
}
