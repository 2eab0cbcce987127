import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { type HeaderFields, headerFields } from "../core/header-fields.js";
import type { Clock } from "../system/clock.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import { type SignedCall, signatureClaim } from "./aws-signature.js";
import { browserObjection } from "./browser-objection.js";
import { eventBody, isOwnUser, isWellEncoded } from "./callers.js";
import { ownCall, passOn } from "./calls-to-aws.js";
import { CollectedStream } from "./collected-stream.js";
import { asciiJson, parseEvent } from "./event.js";
import { EventQueue } from "./event-queue.js";
import { eventStreamFrame, StreamedFrames } from "./event-stream-frames.js";
import type { PooledOutcome } from "./function-pool.js";
import { closeNow, listenOnPort } from "./loopback.js";
import { MAX_EVENT_BYTES } from "./payload-limits.js";
import { regionOf, type ServedFunction, servedFunction } from "./served-function.js";

export interface InvokeApiOptions {
  readonly functions: readonly ServedFunction[];
  /** Of 127.0.0.1; 0: any. */
  readonly port: number;
  readonly peers: PeerIdentity;
  readonly clock: Clock;
  /** For the person at the terminal: one line. */
  readonly told: (line: string) => void;
}

const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
const INVOKE_STREAMED = /^\/2021-11-15\/functions\/([^/]+)\/response-streaming-invocations$/;

interface Route {
  readonly name: string;
  readonly qualifier: string | null;
  readonly isStreamed: boolean;
}

/** What was asked for, of what the API takes. */
interface Wanted {
  readonly served: ServedFunction;
  readonly event: Buffer;
  readonly clientContext: string | undefined;
  readonly wantsTail: boolean;
}

/**
 * Lambda's Invoke and InvokeWithResponseStream for the functions that run here, on 127.0.0.1, so that an SDK or the CLI with
 * `AWS_ENDPOINT_URL_LAMBDA` calls them as it calls the deployed ones: what is asked is whether a program of this user asks (on Linux), and
 * that it is no web page. What does not run here goes on to AWS where the signature shows that one of the functions calls.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export class InvokeApi {
  readonly #options: InvokeApiOptions;
  readonly #server: Server;
  readonly #queue: EventQueue;
  /** Calls that go on to AWS are told of once. */
  readonly #toldOf = new Set<string>();

  private constructor(options: InvokeApiOptions) {
    this.#options = options;
    this.#queue = new EventQueue(options);
    this.#server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        send(response, failed(500, "ServiceException", reasonOf(error)));
      });
    });
  }

  /** `Conflict` where the port is taken. */
  static async start(options: InvokeApiOptions): Promise<InvokeApi> {
    const api = new InvokeApi(options);
    await listenOnPort(api.#server, options.port, (cause) => taken(options.port, cause));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async close(): Promise<void> {
    this.#queue.close();
    await closeNow(this.#server);
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#replyTo(request, response);
    if (reply !== undefined) send(response, reply);
  }

  /** undefined: it was streamed. */
  async #replyTo(request: IncomingMessage, response: ServerResponse): Promise<Reply | undefined> {
    const fields = headerFields(request.rawHeaders);
    const objection = browserObjection({ fields, port: this.#port });
    if (objection !== undefined) return failed(403, "AccessDeniedException", objection);
    if (!(await isOwnUser(this.#options.peers, request.socket))) return OTHER_USER;
    const body = await eventBody(request);
    if (body === undefined) return TOO_LARGE;
    const { method = "", url: target = "" } = request;
    return this.#answerTo({ method, target, fields, body }, response);
  }

  async #answerTo(call: SignedCall, response: ServerResponse): Promise<Reply | undefined> {
    const route = routeOf(call);
    const served = route && servedFunction(this.#options.functions, route.name);
    const mayGoOn = !served || isElsewhere(served, call);
    if (mayGoOn && (await this.#passOn(call, route, response))) return undefined;
    if (!served) return this.#notServed(call, route);
    const wanted = wantedOf(call, served);
    if ("status" in wanted) return wanted;
    if (route.isStreamed) return this.#invokeStreamed(wanted, response);
    return this.#invoke(wanted, field(call.fields, "x-amz-invocation-type") ?? "RequestResponse");
  }

  /** Whether it went on to AWS, by the keys of the function that made it. */
  async #passOn(call: SignedCall, route: Route | undefined, response: ServerResponse): Promise<boolean> {
    const callers = this.#options.functions.flatMap(({ caller, context }) =>
      caller ? [{ ...caller, name: context.functionName }] : [],
    );
    const own = await ownCall(callers, call);
    if (!own) return false;
    const what = route ? `function ${route.name}` : "Lambda's API";
    const line = `${own.caller.name} calls ${what} in AWS, ${own.claim.region}: it is not served here`;
    if (!this.#toldOf.has(line)) this.#options.told(line);
    this.#toldOf.add(line);
    await passOn(call, own, response);
    return true;
  }

  #notServed({ method, target }: SignedCall, route: Route | undefined): Reply {
    if (!route) {
      const path = target.split("?", 1)[0] ?? "";
      const message = `${method} ${path} is not served by brokerctl lambda serve: only Invoke and InvokeWithResponseStream are`;
      return failed(404, "ResourceNotFoundException", message);
    }
    const { name, qualifier } = route;
    const asked = qualifier === null ? name : `${name}:${qualifier}`;
    const here = this.#options.functions.map(({ context }) => context.functionName).join(", ");
    const message = `Function not found: ${asked} does not run here; brokerctl lambda serve runs ${here}, and passes on to AWS what these sign with their own roles`;
    return failed(404, "ResourceNotFoundException", message);
  }

  async #invoke(wanted: Wanted, type: string): Promise<Reply> {
    const { served, event, clientContext } = wanted;
    if (type === "DryRun") return { status: 204, headers: {}, body: Buffer.alloc(0) };
    if (type === "Event") {
      this.#queue.add(served, { event, clientContext });
      return { status: 202, headers: {}, body: Buffer.alloc(0) };
    }
    if (type !== "RequestResponse") {
      return failed(400, "InvalidParameterValueException", `no such invocation type: ${type}`);
    }
    const streamed = new CollectedStream();
    const { pool, timeoutMs } = served;
    const outcome = await pool.invoke({ event, clientContext, timeoutMs, streamTo: streamed });
    if (!outcome) return THROTTLED;
    const body = outcome.status === "success" ? Buffer.concat([streamed.bytes(), outcome.payload]) : outcome.payload;
    return { status: 200, headers: headersOf(wanted, outcome), body };
  }

  async #invokeStreamed(wanted: Wanted, response: ServerResponse): Promise<Reply | undefined> {
    const { served, event, clientContext } = wanted;
    const frames = new StreamedFrames(response, served.context.version);
    const { pool, timeoutMs } = served;
    const outcome = await pool.invoke({ event, clientContext, timeoutMs, streamTo: frames });
    if (!outcome) return THROTTLED;
    if (outcome.status === "success" && outcome.payload.length > 0) frames.write(outcome.payload);
    const complete = {
      ...(outcome.error && { ErrorCode: outcome.error.errorType, ErrorDetails: outcome.payload.toString() }),
      ...(wanted.wantsTail && { LogResult: outcome.logTail.toString("base64") }),
    };
    frames.end(() => {
      response.end(eventStreamFrame({ type: "InvokeComplete", payload: Buffer.from(JSON.stringify(complete)) }));
    });
    return undefined;
  }
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

function headersOf({ served, wantsTail }: Wanted, { status, logTail, requestId }: PooledOutcome): Reply["headers"] {
  return {
    "Content-Type": "application/json",
    "X-Amzn-Requestid": requestId,
    "X-Amz-Executed-Version": served.context.version,
    ...(status !== "success" && { "X-Amz-Function-Error": "Unhandled" }),
    ...(wantsTail && { "X-Amz-Log-Result": logTail.toString("base64") }),
  };
}

function failed(status: number, type: string, message: string): Reply {
  const headers = { "Content-Type": "application/json", "X-Amzn-ErrorType": type };
  return { status, headers, body: Buffer.from(JSON.stringify({ Type: "User", Message: message, message })) };
}

const OTHER_USER = failed(403, "AccessDeniedException", "only programs of the user who serves the functions may call");
const TOO_LARGE = failed(
  413,
  "RequestTooLargeException",
  `Request must be smaller than ${MAX_EVENT_BYTES} bytes for the InvokeFunction operation`,
);
const THROTTLED = failed(429, "TooManyRequestsException", "Rate Exceeded.");

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "Content-Length": body.length }).end(body);
}

function field(fields: HeaderFields, name: string): string | undefined {
  const [value] = fields[name] ?? [];
  return value === "" ? undefined : value;
}

/** undefined: no Invoke. */
function routeOf({ method, target }: SignedCall): Route | undefined {
  const [path = "", query] = target.split("?", 2);
  const streamed = INVOKE_STREAMED.exec(path);
  const name = (streamed ?? INVOKE.exec(path))?.[1];
  if (method !== "POST" || name === undefined || !isWellEncoded(name)) return undefined;
  const qualifier = new URLSearchParams(query).get("Qualifier");
  return { name: decodeURIComponent(name), qualifier, isStreamed: streamed !== null };
}

/** A client of another region means another function, though of the same name. */
function isElsewhere({ context }: ServedFunction, call: SignedCall): boolean {
  const region = signatureClaim(call)?.region;
  return region !== undefined && region !== regionOf(context);
}

function wantedOf({ fields, body }: SignedCall, served: ServedFunction): Wanted | Reply {
  try {
    const context = field(fields, "x-amz-client-context");
    return {
      served,
      event: parseEvent(body, "the payload"),
      clientContext: context === undefined ? undefined : clientContextOf(context),
      wantsTail: field(fields, "x-amz-log-type") === "Tail",
    };
  } catch (error) {
    const message = `Could not parse request body into json: ${reasonOf(error)}`;
    return failed(400, "InvalidRequestContentException", message);
  }
}

/** JSON in one line of ASCII, as the Runtime API's header takes it. Throws where it is none. */
function clientContextOf(base64: string): string {
  const value: unknown = JSON.parse(Buffer.from(base64, "base64").toString("utf8"));
  return asciiJson(value);
}

function taken(port: number, cause: unknown): BrokerError {
  return new BrokerError("Conflict", `cannot listen on port ${port} of 127.0.0.1: ${reasonOf(cause)}`, {
    hint: "brokerctl lambda serve … --port PORT",
    cause,
  });
}
