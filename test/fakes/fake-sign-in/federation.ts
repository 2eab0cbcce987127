import { randomBytes } from "node:crypto";
import { CANARY } from "../../support/canaries.js";
import type { Principal } from "../fake-aws/principals.js";
import { messagePage } from "../fake-identity-center/pages.js";
import { type Answer, htmlAnswer, jsonAnswer } from "../fake-identity-center/sso-refusal.js";
import type { SignInHost } from "./hosts.js";

/** A sign-in token is good for 15 minutes. */
const TOKEN_MS = 15 * 60_000;
const SHORTEST_SECONDS = 900;
const LONGEST_SECONDS = 43_200;
const COOKIE = "aws-session";

export interface FederationOptions {
  readonly now: () => number;
  /** Who a key belongs to. */
  readonly whoIs: (accessKeyId: string) => Principal | undefined;
}

/** A browser that is signed in. */
export interface ConsoleSession {
  readonly arn: string;
  readonly expiresAt: number;
  readonly partition: string | undefined;
}

interface Issued {
  readonly session: ConsoleSession;
  readonly host: string | undefined;
  readonly expiresAt: number;
}

type Parameters = Readonly<Record<string, string>>;

/**
 * The federation endpoint and the console behind it (IAM User Guide, "Enable custom identity broker access to the AWS console"):
 * assumed roles only, of the host's own partition; a duration only for what a long-term key, a web identity or Identity Center gave.
 */
export class Federation {
  readonly #options: FederationOptions;
  readonly #issued = new Map<string, Issued>();
  readonly #sessions = new Map<string, ConsoleSession>();

  constructor(options: FederationOptions) {
    this.#options = options;
  }

  perform(query: Parameters, host: SignInHost | undefined): Answer {
    if (query["Action"] === "getSigninToken") return this.#getSigninToken(query, host);
    return query["Action"] === "login" ? this.#login(query, host) : refused();
  }

  /** A page of the console: whose it is, or where to sign in. */
  page(path: string, cookie: string | undefined, { region, partition }: SignInHost): Answer {
    const id = new RegExp(`(?:^|; )${COOKIE}=([^;]+)`).exec(cookie ?? "")?.[1] ?? "";
    const session = this.#sessions.get(id);
    if (session?.partition !== partition || this.#options.now() >= session.expiresAt) {
      return htmlAnswer(messagePage("Sign in", "No session"), 401);
    }
    return htmlAnswer(messagePage("Console", `${session.arn} in ${region} at ${path}`));
  }

  #getSigninToken({ Session = "", SessionDuration }: Parameters, host: SignInHost | undefined): Answer {
    const principal = this.#principalIn(Session);
    const { expiration, kind, arn, isChained } = principal ?? {};
    const now = this.#options.now();
    if (!principal || kind !== "role" || arn === undefined || expiration === undefined || now >= expiration)
      return refused();
    if (host && arn.split(":")[1] !== host.partition) return refused();
    const seconds = SessionDuration === undefined ? undefined : Number(SessionDuration);
    const isInRange = seconds === undefined || (seconds >= SHORTEST_SECONDS && seconds <= LONGEST_SECONDS);
    if (!isInRange || (seconds !== undefined && isChained === true)) return refused();
    const token = `${randomBytes(48).toString("base64")}${CANARY}${randomBytes(300).toString("base64")}`;
    const expiresAt = seconds === undefined ? expiration : now + seconds * 1000;
    this.#issued.set(token, {
      session: { arn, expiresAt, partition: host?.partition },
      host: host && nameOf(host),
      expiresAt: now + TOKEN_MS,
    });
    return jsonAnswer({ SigninToken: token });
  }

  #principalIn(text: string): Principal | undefined {
    try {
      const { sessionId, sessionKey, sessionToken } = JSON.parse(text) as Parameters;
      const principal = this.#options.whoIs(sessionId ?? "");
      const isRight = principal?.secretAccessKey === sessionKey && principal?.sessionToken === sessionToken;
      return isRight && principal?.isActive === true ? principal : undefined;
    } catch {
      return undefined;
    }
  }

  #login({ SigninToken = "", Destination = "", Issuer }: Parameters, host: SignInHost | undefined): Answer {
    const issued = this.#issued.get(SigninToken);
    const isLive = issued !== undefined && this.#options.now() < issued.expiresAt;
    const isOfHost = issued?.host === (host && nameOf(host));
    if (!isLive || !isOfHost || Issuer === undefined)
      return htmlAnswer(messagePage("Request refused", "Bad token"), 400);
    const there = URL.canParse(Destination) ? new URL(Destination) : undefined;
    const isConsole = there?.protocol === "https:" && (!host || there.hostname.endsWith(`.console.${host.domain}`));
    if (!isConsole) return htmlAnswer(messagePage("Request refused", "Bad destination"), 400);
    const id = randomBytes(16).toString("hex");
    this.#sessions.set(id, issued.session);
    const domain = host === undefined ? "" : `; Domain=${host.domain}`;
    const cookie = `${COOKIE}=${id}; Path=/; Secure; HttpOnly${domain}`;
    return { status: 302, headers: { location: there.href, "set-cookie": cookie }, body: "" };
  }
}

function nameOf({ region, domain }: SignInHost): string {
  return `${region}.${domain}`;
}

/** AWS answers with a page, which says nothing of why. */
function refused(): Answer {
  return htmlAnswer(messagePage("Amazon Web Services Sign-In", "400 Bad Request"), 400);
}
