import type { IncomingMessage, ServerResponse } from "node:http";
import { Faults } from "../fake-aws/faults.js";
import { Principals } from "../fake-aws/principals.js";
import { Listener, type ServerCertificate } from "./listener.js";
import { type FakeAccount, organization } from "./organization.js";
import { Parts } from "./parts.js";
import type { RoleOpener } from "./portal.js";
import { Recorder, type SsoAction, type SsoCall } from "./recorder.js";
import { awsHost, type Route, readSsoRequest, routeOf, type SsoRequest } from "./routes.js";
import { defaultSettings, type Settings } from "./settings.js";
import { answerWithFault, type SsoFault } from "./sso-faults.js";
import { type Answer, refusalAnswer, SsoRefusal, type SsoServiceName } from "./sso-refusal.js";

export interface FakeIdentityCenterOptions {
  /** What differs from `defaultSettings()`; all of it can be changed later. */
  readonly settings?: Partial<Settings>;
  /** Accounts and roles by user; the first user is the one who approves. Default: `ann` with 3 accounts of 2 roles. */
  readonly users?: Readonly<Record<string, readonly FakeAccount[]>>;
  /** Where role credentials are made, usually a `FakeAws`, at which they then sign. Default: they sign nowhere. */
  readonly aws?: RoleOpener;
  /** AWS's clock; the machine's by default. */
  readonly clock?: { now(): number };
  /** With it the fake listens on `secureUrl` too. */
  readonly tls?: ServerCertificate;
}

/**
 * Simulated IAM Identity Center: the OIDC API, the access portal and the pages a browser sees, as AWS describes them
 * (its API references, and what real clients send: docs/clients.md), on one http port, and one for https where it has a certificate. It keeps registrations,
 * authorizations, sessions and their tokens by its own clock, and refuses with AWS's errors what AWS would refuse.
 *
 *     const center = await startFakeIdentityCenter({ aws: fakeAws });
 *     // clients: AWS_ENDPOINT_URL_SSO and AWS_ENDPOINT_URL_SSO_OIDC = center.url, or
 *     // oidc.REGION.amazonaws.com and portal.sso.REGION.amazonaws.com led to `secureUrl` by a hosts file or a proxy
 *     await center.finished("StartDeviceAuthorization");
 *     center.approve(center.pendingUserCodes()[0]!);       // or `decideInBrowser`, or a browser, on the page
 *     center.settings.accessTokenSeconds = 60;             // from now on
 *     center.endSessions();                                // by an administrator: tokens 401, renewals invalid_grant
 *     center.faults.set("GetRoleCredentials", { kind: "throttle", times: 2 });
 *     center.countOf("CreateToken"); center.lastOf("RegisterClient").params;
 *     await center.close();
 *
 * Where AWS is known to be lax, or says nothing, the fake is strict: redirect URIs are registered without a port, polling
 * sooner than the interval is `slow_down`, authorization codes work for one attempt. All its secrets hold the canary.
 */
export class FakeIdentityCenter {
  readonly faults = new Faults<SsoFault>();
  readonly settings: Settings;
  readonly #recorder = new Recorder();
  readonly #now: () => number;
  readonly #parts: Parts;
  readonly #firstUser: string;
  #listener: Listener | undefined;

  private constructor(options: FakeIdentityCenterOptions) {
    const {
      clock = { now: () => Date.now() },
      users = { ann: organization(3, 2) },
      aws = new Principals([]),
    } = options;
    this.settings = { ...defaultSettings(), ...options.settings };
    this.#now = () => clock.now();
    this.#firstUser = Object.keys(users)[0] ?? "";
    const { settings } = this;
    this.#parts = new Parts({ settings, users, aws, now: this.#now, verificationUrl: () => `${this.url}/device` });
  }

  static async start(options: FakeIdentityCenterOptions = {}): Promise<FakeIdentityCenter> {
    const center = new FakeIdentityCenter(options);
    center.#listener = await Listener.start((incoming, response) => center.#handle(incoming, response), {
      tls: options.tls,
      now: () => center.#now(),
    });
    return center;
  }

  /** http, on loopback. */
  get url(): string {
    return this.#listening.url;
  }

  /** https, on loopback; throws where the fake has no certificate. */
  get secureUrl(): string {
    return this.#listening.secureUrl;
  }

  /** Every request with a known path, in the order in which they came. */
  get calls(): readonly SsoCall[] {
    return this.#recorder.calls;
  }

  countOf(action: SsoAction): number {
    return this.#recorder.of(action).length;
  }

  /** The last call of this action; throws if there was none. */
  lastOf(action: SsoAction): SsoCall {
    const call = this.#recorder.of(action).at(-1);
    if (!call) throw new Error(`fake Identity Center got no ${action}`);
    return call;
  }

  /** Resolves once so many calls of the action, counted from the start, came to their end. */
  finished(action: SsoAction, count = 1): Promise<void> {
    return this.#recorder.finished(action, count);
  }

  /** Codes that wait for a decision, oldest first. */
  pendingUserCodes(): readonly string[] {
    return this.#parts.deviceAuthorizations.pendingUserCodes();
  }

  /** As the user on the verification page. */
  approve(userCode: string, user = this.#firstUser): void {
    this.#decide(userCode, "approve", user);
  }

  deny(userCode: string): void {
    this.#decide(userCode, "deny", this.#firstUser);
  }

  /** An administrator ends the sessions of a user, or all: access tokens answer 401, renewals invalid_grant. */
  endSessions(user?: string): void {
    this.#parts.sessions.endAll(user);
  }

  /** Renewals answer invalid_grant; access tokens live on to their end. */
  revokeRefreshTokens(): void {
    this.#parts.sessions.revokeRefreshTokens();
  }

  /** Access tokens answer 401; renewals still work. */
  expireAccessTokens(): void {
    this.#parts.sessions.expireAccessTokens();
  }

  /** Every client answers invalid_client, as after the end of its registration. */
  forgetRegistrations(): void {
    this.#parts.registrations.forgetAll();
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
    if (!this.#listener) throw new Error("this fake Identity Center has not started");
    return this.#listener;
  }

  #decide(userCode: string, decision: "approve" | "deny", user: string): void {
    const { deviceAuthorizations } = this.#parts;
    const authorization = deviceAuthorizations.find(userCode);
    if (!authorization) throw new Error(`no device authorization waits under ${userCode}`);
    deviceAuthorizations.decide(authorization, decision, user);
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readSsoRequest(incoming);
    const route = this.#route(request);
    if (route instanceof SsoRefusal) {
      const { status, headers, body } = refusalAnswer(awsHost(request.headers["host"])?.service ?? "oidc", route);
      response.writeHead(status, { ...headers }).end(body);
      return;
    }
    const call = this.#recorder.record(route, request, this.#now());
    const fault = await this.faults.meet(route.action);
    if (response.destroyed) return this.#recorder.finish(call, undefined);
    const { service } = route;
    // What is secret first: error texts are cut.
    const { "x-amz-sso_bearer_token": token, ...headers } = request.headers;
    const bearer = token === undefined ? {} : { "x-amz-sso_bearer_token": token };
    const said = `${request.body} ${JSON.stringify({ ...bearer, ...request.query, ...headers })}`;
    const right = (): Answer => orRefusal(service, () => this.#parts.perform(route, request));
    this.#recorder.finish(call, await answerWithFault(fault, { response, service, said, right }));
  }

  #route(request: SsoRequest): Route | SsoRefusal {
    try {
      return routeOf(request, this.settings.region);
    } catch (error) {
      if (error instanceof SsoRefusal) return error;
      throw error;
    }
  }
}

export function startFakeIdentityCenter(options?: FakeIdentityCenterOptions): Promise<FakeIdentityCenter> {
  return FakeIdentityCenter.start(options);
}

function orRefusal(service: SsoServiceName, perform: () => Answer): Answer {
  try {
    return perform();
  } catch (error) {
    if (error instanceof SsoRefusal) return refusalAnswer(service, error);
    throw error;
  }
}
