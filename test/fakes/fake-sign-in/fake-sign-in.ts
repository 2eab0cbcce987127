import type { IncomingMessage, ServerResponse } from "node:http";
import { Faults } from "../fake-aws/faults.js";
import { Principals } from "../fake-aws/principals.js";
import { Listener, type ServerCertificate } from "../fake-identity-center/listener.js";
import { readSsoRequest, type SsoRequest } from "../fake-identity-center/routes.js";
import { type Answer, jsonAnswer } from "../fake-identity-center/sso-refusal.js";
import { ConsoleLogins, type ConsoleLoginsOptions } from "./console-logins.js";
import { Federation, type FederationOptions } from "./federation.js";
import { signInHost } from "./hosts.js";
import { defaultSignInSettings, type SignInSettings } from "./settings.js";

export type SignInAction = "getSigninToken" | "login" | "Authorize" | "DecideAuthorization" | "CreateToken" | "Page";

export interface SignInCall {
  readonly action: SignInAction;
  /** As the client named it. */
  readonly host: string;
  readonly params: Readonly<Record<string, string>>;
  /** Epoch milliseconds of the fake's clock. */
  readonly time: number;
}

interface SignInBehind {
  readonly whoIs: FederationOptions["whoIs"];
  readonly openRole: ConsoleLoginsOptions["open"];
}

export interface FakeSignInOptions {
  readonly settings?: Partial<SignInSettings>;
  /** Whose the keys are that sign in, and where those of a login sign: usually a `FakeAws`. */
  readonly aws?: SignInBehind;
  readonly clock?: { now(): number };
  /** With it the fake listens on `secureUrl` too: a certificate for the hosts that lead there. */
  readonly tls?: ServerCertificate;
}

/** `unavailable`: 503. `drop`: the connection ends without an answer. `body`: 200 with this text. */
export type SignInFault =
  | { readonly kind: "unavailable" | "drop"; readonly times?: number }
  | { readonly kind: "body"; readonly text: string; readonly times?: number };

/**
 * Simulated AWS Sign-In: the federation endpoint, the console that it leads to, and `aws login`, on AWS's own host names (by a
 * proxy or a hosts file) or on the fake's address. boto3 and the JavaScript SDK are its clients (clients/console-login).
 */
export class FakeSignIn {
  readonly settings: SignInSettings;
  readonly faults = new Faults<SignInFault>();
  readonly calls: SignInCall[] = [];
  readonly logins: ConsoleLogins;
  readonly #federation: Federation;
  readonly #now: () => number;
  #listener: Listener | undefined;

  private constructor({ settings, aws, clock = { now: () => Date.now() } }: FakeSignInOptions) {
    this.settings = { ...defaultSignInSettings(), ...settings };
    this.#now = () => clock.now();
    const own = new Principals([]);
    const behind: SignInBehind = aws ?? { whoIs: (key) => own.find(key), openRole: (...role) => own.openRole(...role) };
    this.#federation = new Federation({ now: this.#now, whoIs: (key) => behind.whoIs(key) });
    this.logins = new ConsoleLogins({
      ...{ settings: this.settings, now: this.#now },
      open: (...role) => behind.openRole(...role),
    });
  }

  static async start(options: FakeSignInOptions = {}): Promise<FakeSignIn> {
    const fake = new FakeSignIn(options);
    fake.#listener = await Listener.start((incoming, response) => fake.#handle(incoming, response), {
      tls: options.tls,
      now: () => fake.#now(),
    });
    return fake;
  }

  get url(): string {
    return this.#listening.url;
  }

  get secureUrl(): string {
    return this.#listening.secureUrl;
  }

  countOf(action: SignInAction): number {
    return this.calls.filter((call) => call.action === action).length;
  }

  lastOf(action: SignInAction): SignInCall {
    const call = this.calls.findLast((recorded) => recorded.action === action);
    if (!call) throw new Error(`fake Sign-In got no ${action}`);
    return call;
  }

  /** Connections are refused until `up`. */
  async down(): Promise<void> {
    await this.#listening.down();
  }

  async up(): Promise<void> {
    await this.#listening.up();
  }

  async close(): Promise<void> {
    this.faults.clear();
    await this.down();
  }

  get #listening(): Listener {
    if (!this.#listener) throw new Error("this fake Sign-In has not started");
    return this.#listener;
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readSsoRequest(incoming);
    const isSecure = "encrypted" in incoming.socket;
    const { action, params, answer } = this.#route(request, isSecure);
    const host = request.headers["host"] ?? "";
    this.calls.push({ action, host, params, time: this.#now() });
    const fault = await this.faults.meet(action);
    if (fault?.kind === "drop") return void response.destroy();
    if (fault?.kind === "unavailable") return void response.writeHead(503).end("busy");
    if (fault?.kind === "body") return void response.writeHead(200).end(fault.text);
    const { status, headers, body } = answer();
    response.writeHead(status, { ...headers }).end(body);
  }

  #route(
    request: SsoRequest,
    isSecure: boolean,
  ): { action: SignInAction; params: SignInCall["params"]; answer: () => Answer } {
    const { method, path, headers, body } = request;
    const query = textsOf(request.query);
    const name = headers["host"] ?? "";
    const host = signInHost(name);
    const called = { base: `${isSecure ? "https" : "http"}://${name.replace(/:443$/, "")}`, region: host?.region };
    if (host?.kind === "console") {
      return { action: "Page", params: query, answer: () => this.#federation.page(path, headers["cookie"], host) };
    }
    switch (`${method} ${path}`) {
      case "GET /federation": {
        const action = query["Action"] === "login" ? "login" : "getSigninToken";
        return { action, params: query, answer: () => this.#federation.perform(query, host) };
      }
      case "GET /v1/authorize":
        return { action: "Authorize", params: query, answer: () => this.logins.authorize(query, called) };
      case "POST /v1/authorize": {
        const form = Object.fromEntries(new URLSearchParams(body));
        return { action: "DecideAuthorization", params: form, answer: () => this.logins.decide(form) };
      }
      case "POST /v1/token": {
        const params = JSON.parse(body) as Record<string, string>;
        return { action: "CreateToken", params, answer: () => this.logins.token(params, headers["dpop"], called) };
      }
      default:
        return { action: "Page", params: query, answer: () => jsonAnswer({ message: "not here" }, 404) };
    }
  }
}

function textsOf(parameters: SsoRequest["query"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
}

export function startFakeSignIn(options?: FakeSignInOptions): Promise<FakeSignIn> {
  return FakeSignIn.start(options);
}
