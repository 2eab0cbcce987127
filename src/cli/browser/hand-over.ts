import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import type { Secret } from "../../core/secret.js";
import type { PeerIdentity } from "../../system/peer-identity.js";

/** A page on loopback that leads one browser, once, to where it must not be seen going. */
export interface HandOver {
  /** For the browser's command line, which every user of the machine can read: good for one request, of our own user where the system tells. */
  readonly url: string;
  /** Resolves when a browser has been sent on. */
  readonly taken: Promise<void>;
  /** How many programs of another user asked for it. */
  readonly refused: () => number;
  close(): Promise<void>;
}

const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  Connection: "close",
};
const REQUEST_LIMIT_MS = 5000;
const MAX_CONNECTIONS = 16;

/** Serves a redirection to `target` at a path of 256 random bits, on 127.0.0.1, a free port, until it was taken or is closed. */
export async function handOver(target: Secret, peers: PeerIdentity): Promise<HandOver> {
  const path = `/${randomBytes(32).toString("base64url")}`;
  const server = createServer({ requestTimeout: REQUEST_LIMIT_MS, headersTimeout: REQUEST_LIMIT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    const listening = once(server, "listening");
    server.listen({ host: "127.0.0.1", port: 0 });
    await listening;
  } catch (cause) {
    const message = `cannot listen on 127.0.0.1 for the browser: ${reasonOf(cause)}`;
    throw new BrokerError("Conflict", message, { hint: "brokerctl console ROLE --print", cause });
  }
  const { port } = server.address() as AddressInfo;
  let isTaken = false;
  let refused = 0;
  const taken = new Promise<void>((resolve) => {
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      void decide(request).then((isGiven) => {
        if (!isGiven) return response.writeHead(404, HEADERS).end();
        response.once("close", resolve);
        return response.writeHead(302, { ...HEADERS, Location: target.reveal() }).end();
      });
    });
  });

  /** The page is spent before the answer leaves: of two that ask at once one gets it. */
  async function decide({ method, url = "", headers, socket }: IncomingMessage): Promise<boolean> {
    if (method !== "GET" || headers.host !== `127.0.0.1:${port}` || !isSame(url, path)) return false;
    const { kind } = await peers.of(socket);
    if (kind === "other") refused++;
    if (isTaken || (kind !== "own" && kind !== "not-checked")) return false;
    isTaken = true;
    return true;
  }

  return {
    url: `http://127.0.0.1:${port}${path}`,
    taken,
    refused: () => refused,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** In constant time. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(sha256(given), sha256(expected));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
