import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CANARY, canarySecretKey } from "./canaries.js";
import { mayAssume } from "./moto-trust.js";
import {
  type Headers,
  readRequest,
  type UpstreamCall,
  type UpstreamRequest,
  withoutConnection,
} from "./upstream-request.js";

/** How the next calls of a role are answered in place of the upstream. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
}

/** A role whose sessions are held back. */
export interface HeldRole {
  /** A client has asked for one. */
  readonly arrived: Promise<void>;
  readonly release: () => void;
}

export interface ExpirationProxyOptions {
  /** URL of moto. */
  readonly upstream: string;
  /** How long sessions last; where `sessionSecondsOf` has the role's ARN, that. */
  readonly sessionSeconds: number;
  readonly sessionSecondsOf?: Readonly<Record<string, number>>;
  /** Roles are assumed only if IAM knows them and their trust policy lets the caller in: moto itself does not look. */
  readonly checksTrust?: boolean;
}

type Answer = Pick<UpstreamCall, "status"> & { readonly headers: Headers; readonly body: Buffer };

/** Actions whose answers hold credentials. */
const SESSION_ACTIONS: readonly string[] = ["AssumeRole", "GetSessionToken"];

/**
 * Stands between all clients and moto. Shortens the sessions that moto hands out (its own last at least 900 s), and unlike
 * moto refuses a client that signs with one that has ended. Plants canaries as secret keys and session tokens: moto checks neither.
 */
export class ExpirationProxy {
  readonly calls: UpstreamCall[] = [];
  readonly #options: ExpirationProxyOptions;
  /** The first is for all who name themselves in the path. */
  readonly #servers: Server[] = [];
  readonly #endOfKey = new Map<string, number>();
  readonly #roleOfKey = new Map<string, string>();
  readonly #refusals = new Map<string, Refusal>();
  readonly #denials: string[] = [];
  readonly #held = new Map<string, { readonly arrive: () => void; readonly released: Promise<void> }>();

  private constructor(options: ExpirationProxyOptions) {
    this.#options = options;
  }

  static async start(options: ExpirationProxyOptions): Promise<ExpirationProxy> {
    const proxy = new ExpirationProxy(options);
    await proxy.#listen();
    return proxy;
  }

  /** The endpoint URL for one caller, whose calls are then found under `label`. */
  url(label: string): string {
    return `${urlOf(this.#servers[0]!)}/${encodeURIComponent(label)}`;
  }

  /** One without a path, which some clients of S3 do not take: a port of its own. */
  async ownUrl(label: string): Promise<string> {
    return urlOf(await this.#listen(label));
  }

  callsOf(label: string): readonly UpstreamCall[] {
    return this.calls.filter((call) => call.label === label);
  }

  /** The keys that signed a caller's calls, in the order in which they came. */
  keysOf(label: string): readonly string[] {
    return [...new Set(this.callsOf(label).map(({ accessKeyId }) => accessKeyId ?? "unsigned"))];
  }

  /** Epoch milliseconds at which a key that was handed out here ends. */
  endOf(accessKeyId: string): number {
    const end = this.#endOfKey.get(accessKeyId);
    if (end === undefined) throw new Error(`the key ${accessKeyId} was not handed out here`);
    return end;
  }

  /** The role that a key was handed out for here; undefined: another key. */
  roleOf(accessKeyId: string): string | undefined {
    return this.#roleOfKey.get(accessKeyId);
  }

  /** A session ends now, before its time: a client that still signs with it is refused. */
  end(accessKeyId: string): void {
    this.#endOfKey.set(accessKeyId, 0);
  }

  /** Sessions of a role are refused until `allow`. */
  refuse(roleArn: string, refusal: Refusal): void {
    this.#refusals.set(roleArn, refusal);
  }

  allow(roleArn: string): void {
    this.#refusals.delete(roleArn);
  }

  /** Calls whose action begins so are denied until `admit`: `GetRolePolicy`, `GET /2015-03-31/functions/`. */
  deny(action: string): void {
    this.#denials.push(action);
  }

  admit(): void {
    this.#denials.length = 0;
  }

  /** Sessions of a role are not answered before `release`. */
  hold(roleArn: string): HeldRole {
    const arrival = promiseWithResolver();
    const release = promiseWithResolver();
    this.#held.set(roleArn, { arrive: arrival.resolve, released: release.promise });
    return {
      arrived: arrival.promise,
      release: () => {
        this.#held.delete(roleArn);
        release.resolve();
      },
    };
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async #listen(label?: string): Promise<Server> {
    const server = createServer((request, response) => void this.#serve(request, response, label));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#servers.push(server);
    return server;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse, label: string | undefined): Promise<void> {
    const request = await readRequest(incoming, label);
    const answer = await this.#answer(request).catch((error: unknown) =>
      errorAnswer({ status: 500, code: "InternalFailure" }, String(error)),
    );
    this.calls.push({ ...request.call, status: answer.status });
    // Clients of S3 insist on a length; of HEAD it is that of what was not sent.
    const length = { "content-length": String(answer.body.length) };
    const headers = request.method === "HEAD" ? answer.headers : { ...answer.headers, ...length };
    outgoing.writeHead(answer.status, headers).end(answer.body);
  }

  async #answer(request: UpstreamRequest): Promise<Answer> {
    const { accessKeyId, action, at } = request.call;
    const end = this.#endOfKey.get(accessKeyId ?? "");
    if (end !== undefined && at >= end) {
      return errorAnswer(
        { status: 403, code: "ExpiredToken" },
        "the security token included in the request is expired",
      );
    }
    if (this.#denials.some((denied) => action.startsWith(denied))) return denial(action);
    return SESSION_ACTIONS.includes(action) ? this.#answerSession(request) : this.#forward(request);
  }

  async #answerSession(request: UpstreamRequest): Promise<Answer> {
    const { action, roleArn } = request.call;
    const held = this.#held.get(roleArn ?? "");
    held?.arrive();
    await held?.released;
    const refusal = this.#refusals.get(roleArn ?? "") ?? (await this.#distrust(request));
    if (refusal) return errorAnswer(refusal, `${action} on ${roleArn ?? "nothing"} is refused`);
    const answer = await this.#forward(request);
    return answer.status === 200 ? this.#shorten(answer, roleArn) : answer;
  }

  async #distrust({ call: { accessKeyId, roleArn } }: UpstreamRequest): Promise<Refusal | undefined> {
    const { checksTrust = false, upstream } = this.#options;
    if (!checksTrust || roleArn === null) return undefined;
    const callerRoleArn = this.#roleOfKey.get(accessKeyId ?? "");
    const may = await mayAssume({ moto: upstream, roleArn, callerRoleArn });
    return may ? undefined : { status: 403, code: "AccessDenied" };
  }

  async #forward({ method, path, headers, body }: UpstreamRequest): Promise<Answer> {
    const sent = body.length === 0 ? {} : { body: new Uint8Array(body) };
    const answer = await fetch(this.#options.upstream + path, { method, headers, ...sent });
    const length = method === "HEAD" ? answer.headers.get("content-length") : null;
    return {
      status: answer.status,
      headers: {
        ...withoutConnection(Object.fromEntries(answer.headers)),
        ...(length !== null && { "content-length": length }),
      },
      body: Buffer.from(await answer.arrayBuffer()),
    };
  }

  #shorten(answer: Answer, roleArn: string | null): Answer {
    const end = Math.floor(Date.now() / 1000 + this.#secondsOf(roleArn)) * 1000;
    let body = answer.body.toString();
    const accessKeyId = textIn(body, "AccessKeyId");
    this.#endOfKey.set(accessKeyId, end);
    if (roleArn !== null) this.#roleOfKey.set(accessKeyId, roleArn);
    const expiration = new Date(end).toISOString().replace(".000Z", "Z");
    const token = textIn(body, "SessionToken");
    body = withText(body, "Expiration", expiration);
    body = withText(body, "SecretAccessKey", canarySecretKey());
    body = withText(body, "SessionToken", CANARY + token);
    return { ...answer, body: Buffer.from(body) };
  }

  #secondsOf(roleArn: string | null): number {
    const { sessionSeconds, sessionSecondsOf = {} } = this.#options;
    return sessionSecondsOf[roleArn ?? ""] ?? sessionSeconds;
  }
}

function urlOf(server: Server): string {
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

function promiseWithResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** An error as STS and IAM spell them. */
function errorAnswer({ status, code }: Refusal, message: string): Answer {
  const type = status < 500 ? "Sender" : "Receiver";
  const error = `<Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  const body = `<ErrorResponse>${error}<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>`;
  return { status, headers: { "content-type": "text/xml" }, body: Buffer.from(body) };
}

/** As IAM says it, and Lambda, whose actions are paths. */
function denial(action: string): Answer {
  const message = "User is not authorized to perform this action";
  if (!action.includes("/")) return errorAnswer({ status: 403, code: "AccessDenied" }, message);
  const headers = { "content-type": "application/json", "x-amzn-errortype": "AccessDeniedException" };
  return { status: 403, headers, body: Buffer.from(JSON.stringify({ Message: message })) };
}

function textIn(xml: string, tag: string): string {
  const text = new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(xml)?.[1];
  if (text === undefined) throw new Error(`moto's answer has no ${tag}`);
  return text;
}

function withText(xml: string, tag: string, text: string): string {
  return xml.replace(`<${tag}>${textIn(xml, tag)}</${tag}>`, `<${tag}>${text}</${tag}>`);
}
