import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { actionsOf } from "./actions.js";
import { type Answer, refusalAnswer, resultAnswer } from "./answers.js";
import { type Authenticated, authenticate } from "./authenticate.js";
import { authorize, type FakeGuardrails, type PoliciesByArn } from "./authorize.js";
import { AwsRefusal } from "./aws-refusal.js";
import { ecsParameters, type FakeTask } from "./ecs-actions.js";
import { answerWithFault, parametersOf, readRequest, send, sendArchive } from "./exchange.js";
import { Faults } from "./faults.js";
import { archiveFor, type FakeFunction, type FakeLayer, lambdaParameters } from "./lambda-actions.js";
import { type FakeRole, type FakeUser, type Principal, Principals } from "./principals.js";
import { inPolicies, resourceOf } from "./resources.js";
import { checkRestrictions } from "./session-policies.js";
import type { SignedRequest } from "./sigv4.js";
import type { FakeStack } from "./stack-actions.js";
import type { FakeAwsState, Parameters } from "./sts-actions.js";
import { ANONYMOUS, isWebIdentityCall, WebIdentities, type WebIdentity } from "./web-identity.js";

export interface FakeAwsOptions {
  readonly users: readonly FakeUser[];
  readonly roles?: readonly FakeRole[];
  readonly functions?: readonly FakeFunction[];
  readonly layers?: readonly FakeLayer[];
  readonly managedPolicies?: PoliciesByArn;
  /** What else denies, to roles whose policies are enforced. */
  readonly guardrails?: FakeGuardrails;
  readonly tasks?: readonly FakeTask[];
  readonly stacks?: readonly FakeStack[];
  /** Of IAM's lists, and of CloudFormation's; 100 by default. */
  readonly pageSize?: number;
  /** Life of every session, whatever was asked for. */
  readonly sessionSeconds?: number;
  /** AWS's clock; the machine's by default. */
  readonly clock?: { now(): number };
  /** PEM; with it the fake speaks https only. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** 0, the default, is any free one. */
  readonly port?: number;
  /** Regions that answer RegionDisabledException. */
  readonly disabledRegions?: readonly string[];
}

/** One signed call, recorded when it comes: also those that a fault then meets. */
export interface FakeAwsCall {
  readonly action: string;
  readonly service: string;
  readonly region: string;
  readonly params: Parameters;
  readonly signer: Principal;
  /** Epoch milliseconds of the fake's clock. */
  readonly time: number;
  readonly userAgent: string;
}

/** Simulated STS and IAM over HTTP that verify signatures, sessions and trust; for tests and the demo. */
export class FakeAws {
  readonly faults = new Faults();
  readonly calls: FakeAwsCall[] = [];
  /** Requests whose signature, key or session was refused: code by code. */
  readonly unauthenticated: string[] = [];
  readonly url: string;
  readonly #options: FakeAwsOptions;
  readonly #state: FakeAwsState;
  #server: Server;
  readonly #port: number;

  private constructor(options: FakeAwsOptions, state: FakeAwsState, server: Server) {
    this.#options = options;
    this.#state = state;
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.url = `${options.tls ? "https" : "http"}://127.0.0.1:${this.#port}`;
  }

  static async start(options: FakeAwsOptions): Promise<FakeAws> {
    const {
      users,
      roles = [],
      functions = [],
      layers = [],
      stacks = [],
      managedPolicies = {},
      guardrails = {},
      tasks = [],
      pageSize = 100,
      sessionSeconds,
      clock = { now: () => Date.now() },
    } = options;
    const state: FakeAwsState = {
      principals: new Principals(users),
      users,
      roles: new Map(roles.map((role) => [role.arn, role])),
      functions,
      layers,
      url: () => url,
      stacks,
      managedPolicies,
      guardrails,
      tasks,
      pageSize,
      webIdentities: new WebIdentities(),
      mfaCodes: new Set(),
      sessionSeconds,
      now: () => clock.now(),
    };
    const server = await listen(options, options.port ?? 0);
    const aws = new FakeAws(options, state, server);
    const { url } = aws;
    aws.#serve(server);
    return aws;
  }

  /** By its own clock, epoch milliseconds. */
  now(): number {
    return this.#state.now();
  }

  countOf(action: string): number {
    return this.calls.filter((call) => call.action === action).length;
  }

  /** The last call of this action; throws if there was none. */
  lastOf(action: string): FakeAwsCall {
    const call = this.calls.findLast((recorded) => recorded.action === action);
    if (!call) throw new Error(`fake AWS got no ${action}`);
    return call;
  }

  /** MFA codes that are valid from now on, each for one use. */
  allowMfaCodes(...codes: readonly string[]): void {
    for (const code of codes) this.#state.mfaCodes.add(code);
  }

  /** A token of an identity provider that the account trusts. */
  issueWebToken(identity: WebIdentity): string {
    return this.#state.webIdentities.issue(identity);
  }

  /** As it is now, with the trust policy that was written last. */
  role(arn: string): FakeRole | undefined {
    return this.#state.roles.get(arn);
  }

  setRole(role: FakeRole): void {
    this.#state.roles.set(role.arn, role);
  }

  setGuardrails(guardrails: FakeGuardrails): void {
    this.#state.guardrails = guardrails;
  }

  removeRole(arn: string): void {
    this.#state.roles.delete(arn);
  }

  setSessionSeconds(seconds: number | undefined): void {
    this.#state.sessionSeconds = seconds;
  }

  /** Any key, long-term or temporary: deleted keys and revoked sessions answer InvalidClientTokenId. */
  deactivate(accessKeyId: string): void {
    this.#state.principals.setActive(accessKeyId, false);
  }

  activate(accessKeyId: string): void {
    this.#state.principals.setActive(accessKeyId, true);
  }

  /** Who a key belongs to, as GetCallerIdentity would tell. */
  whoIs(accessKeyId: string): Principal | undefined {
    return this.#state.principals.find(accessKeyId);
  }

  /** Credentials of a role that another service hands out (Identity Center): they sign like those of AssumeRole. */
  openRole(roleArn: string, sessionName: string, expiration: number, isChained = false): Principal {
    return this.#state.principals.openRole(roleArn, sessionName, expiration, { isChained });
  }

  /** Connections are refused until `up`. */
  async down(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async up(): Promise<void> {
    this.#server = await listen(this.#options, this.#port);
    this.#serve(this.#server);
  }

  async close(): Promise<void> {
    this.faults.clear();
    if (this.#server.listening) await this.down();
  }

  #serve(server: Server): void {
    server.on("request", (incoming: IncomingMessage, response: ServerResponse) => {
      this.#handle(incoming, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    const archive = archiveFor(this.#state, request.target);
    if (archive !== undefined) return sendArchive(response, archive, request.headers["range"]);
    const parameters = parametersOf(request);
    const action = parameters["Action"] ?? "";
    response.sendDate = false;
    response.setHeader("date", new Date(this.#state.now()).toUTCString());
    const authenticated = isWebIdentityCall(request, parameters) ? ANONYMOUS : this.#authenticate(request);
    if (authenticated instanceof AwsRefusal) {
      return send(response, refusalAnswer(protocolOf(request), authenticated));
    }
    this.#record(action, parameters, { authenticated, request });
    const fault = await this.faults.meet(action);
    if (response.destroyed) return;
    await answerWithFault(fault, {
      response,
      request,
      service: authenticated.claim.service,
      right: () => this.#perform(action, parameters, authenticated),
    });
  }

  #authenticate(request: SignedRequest): Authenticated | AwsRefusal {
    try {
      return authenticate(request, this.#state.principals, this.#state.now());
    } catch (error) {
      if (!(error instanceof AwsRefusal)) throw error;
      this.unauthenticated.push(error.code);
      return error;
    }
  }

  #record(
    action: string,
    params: Parameters,
    { authenticated, request }: { authenticated: Authenticated; request: SignedRequest },
  ): void {
    const { claim, principal: signer } = authenticated;
    const userAgent = request.headers["user-agent"] ?? "";
    const { service, region } = claim;
    this.calls.push({ action, service, region, params, signer, time: this.#state.now(), userAgent });
  }

  #perform(action: string, parameters: Parameters, { principal, claim }: Authenticated): Answer {
    const { service, region } = claim;
    try {
      if (this.#options.disabledRegions?.includes(region)) {
        throw new AwsRefusal(
          "RegionDisabledException",
          `STS is not activated in this region for account:${principal.account}.`,
          { status: 403 },
        );
      }
      const actions = actionsOf(service, { region, isSigned: principal !== ANONYMOUS.principal });
      const perform = Object.hasOwn(actions, action) ? actions[action] : undefined;
      if (!perform)
        throw new AwsRefusal(
          "InvalidAction",
          `Could not find operation ${action} for version ${parameters["Version"] ?? ""}`,
        );
      const asked = { action: inPolicies(service, action), region, resource: resourceOf(claim, principal, parameters) };
      authorize(this.#state, principal, asked);
      checkRestrictions(principal, asked);
      return resultAnswer(service, action, perform(this.#state, principal, parameters));
    } catch (error) {
      if (error instanceof AwsRefusal) return refusalAnswer(service, error);
      throw error;
    }
  }
}

/** Of a request whose signature does not say its service. */
function protocolOf(request: SignedRequest): string {
  if (ecsParameters(request)) return "ecs";
  return lambdaParameters(request.method, request.target) ? "lambda" : "sts";
}

export function startFakeAws(options: FakeAwsOptions): Promise<FakeAws> {
  return FakeAws.start(options);
}

async function listen({ tls }: FakeAwsOptions, port: number): Promise<Server> {
  const server = tls ? createHttpsServer(tls) : createHttpServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}
