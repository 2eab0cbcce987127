import { createHmac, randomBytes } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { BrokerError } from "../../core/errors.js";
import { guarded, requestRefusal } from "../../http/request-guard.js";
import type { Clock } from "../../system/clock.js";
import { isSameToken, refuse, relay } from "./relay.js";

export interface InstanceMetadataOptions {
  /** Path of the lease's socket. */
  readonly socket: string;
  /** Of the lease's role, when it was asked. */
  readonly region: string | null;
  /** What Host may name, with our port or none. */
  readonly hosts: readonly string[];
  /** Whether a connection comes from this namespace. */
  readonly refusalOfPeer: (request: IncomingMessage) => BrokerError | undefined;
  readonly clock: Clock;
}

const TOKEN_PATH = "/latest/api/token";
const TOKEN_HEADER = "x-aws-ec2-metadata-token";
const TTL_HEADER = `${TOKEN_HEADER}-ttl-seconds`;
const MAX_TTL_SECONDS = 21_600;
const CREDENTIALS = "/latest/meta-data/iam/security-credentials";
/** There is one lease, of whichever role: a name that stays when the role of the lease changes. */
const ROLE = "credbroker";
const HINT = "brokerctl forward --socket PATH --imds -- CMD";

/** IMDSv2, and never v1: what the AWS SDKs ask for, each answer but the token's own for a token alone. */
export function instanceMetadata(options: InstanceMetadataOptions): RequestListener {
  const { socket, hosts, refusalOfPeer, clock } = options;
  const rules = { paths: /^\//, puts: /^\/latest\/api\/token$/, hosts, hint: HINT };
  const tokens = new SessionTokens(clock);
  const texts = textsOf(options);
  return (request, response) => {
    const refusal = refusalOfPeer(request) ?? requestRefusal(guarded(request), rules);
    if (refusal) return refuse(response, refusal);
    if (request.method === "PUT") return giveToken(tokens, request, response);
    if (!tokens.isLive(request.headers[TOKEN_HEADER])) return refuse(response, noToken(), 401);
    const { url = "" } = request;
    if (url === `${CREDENTIALS}/${ROLE}`) return void relay(socket, response, clock);
    const text = texts.get(url);
    if (text === undefined) return refuse(response, nothingThere(url), 404);
    sendText(response, text);
  };
}

/** By path. Of an instance there is what is true of the lease: no zone, no id, no account. */
function textsOf({ region }: InstanceMetadataOptions): ReadonlyMap<string, string> {
  const texts = new Map([
    [CREDENTIALS, ROLE],
    [`${CREDENTIALS}/`, ROLE],
  ]);
  if (region === null) return texts;
  texts.set("/latest/meta-data/placement/region", region);
  return texts.set("/latest/dynamic/instance-identity/document", JSON.stringify({ region }));
}

function giveToken(tokens: SessionTokens, { headers }: IncomingMessage, response: ServerResponse): void {
  const given = headers[TTL_HEADER];
  const ttl = typeof given === "string" && /^\d{1,5}$/.test(given) ? Number(given) : 0;
  if (ttl < 1 || ttl > MAX_TTL_SECONDS) return refuse(response, noTtl(), 400);
  sendText(response.setHeader(TTL_HEADER, String(ttl)), tokens.create(ttl));
}

/** Each says when it ends, signed with a key of this process: however many are asked for, none is kept. */
class SessionTokens {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  create(ttlSeconds: number): string {
    return this.#signed(`${this.#clock.now() + ttlSeconds * 1000}.${randomBytes(16).toString("base64url")}`);
  }

  isLive(token: string | string[] | undefined): boolean {
    if (typeof token !== "string") return false;
    const content = token.slice(0, Math.max(token.lastIndexOf("."), 0));
    return isSameToken(token, this.#signed(content)) && Number.parseInt(content, 10) > this.#clock.now();
  }

  #signed(content: string): string {
    return `${content}.${createHmac("sha256", this.#key).update(content).digest("base64url")}`;
  }
}

function sendText(response: ServerResponse, text: string): void {
  const length = String(Buffer.byteLength(text));
  response
    .writeHead(200, { "Content-Type": "text/plain", "Content-Length": length, "Cache-Control": "no-store" })
    .end(text);
}

function noToken(): BrokerError {
  return new BrokerError("LeaseUnknown", `the request has no ${TOKEN_HEADER}, or one that has ended`, {
    hint: `curl -X PUT -H '${TTL_HEADER}: 60' http://169.254.169.254${TOKEN_PATH}`,
  });
}

function noTtl(): BrokerError {
  return new BrokerError("UsageInvalid", `${TTL_HEADER} must be a number from 1 to ${MAX_TTL_SECONDS}`, {
    hint: `curl -X PUT -H '${TTL_HEADER}: 60' http://169.254.169.254${TOKEN_PATH}`,
  });
}

function nothingThere(path: string): BrokerError {
  return new BrokerError("UsageInvalid", `there is no ${path} here`, {
    hint: `GET ${CREDENTIALS}/${ROLE}, the region and nothing else are served`,
  });
}
