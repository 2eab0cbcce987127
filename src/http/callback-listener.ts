import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { headerFields } from "../core/header-fields.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { createLimitedServer, SERVER_LIMITS } from "./limited-server.js";

export interface CallbackListening {
  readonly path: string;
  /** Asked for each GET of exactly this path with our Host. */
  readonly decide: (parameters: URLSearchParams) => Promise<{ readonly status: number; readonly html: string }>;
}

/** Enough for a browser with several windows and a program that scans ports. */
const MAX_CONNECTIONS = 32;

/**
 * Listens for the browser that comes back from a login: on 127.0.0.1 only, any free port, until it is closed. What is not
 * a GET of the path under the address that was registered never reaches `decide` (RFC 8252 §7.3, §8.3).
 */
export async function listenForCallback(
  { path, decide }: CallbackListening,
  options: { readonly clock: Clock; readonly logger: Logger },
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const limits = { ...SERVER_LIMITS, maxConnections: MAX_CONNECTIONS, bodies: false };
  const { server, close } = createLimitedServer(answer, { ...options, limits });
  let port = 0;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    // One answer a connection: nothing else is to be had here.
    response.setHeader("Connection", "close");
    const refusal = refusalOf(request, { path, port });
    if (refusal) {
      response.writeHead(refusal.status, TEXT).end(`${refusal.message}\n`);
      return;
    }
    const { searchParams } = new URL(request.url ?? "", "http://127.0.0.1");
    decide(searchParams).then(
      ({ status, html }) => response.writeHead(status, PAGE).end(html),
      () => response.writeHead(500, TEXT).end("the login failed: see your terminal\n"),
    );
  }

  try {
    const listening = once(server, "listening");
    server.listen({ host: "127.0.0.1", port: 0 });
    await listening;
  } catch (cause) {
    const message = `cannot listen on 127.0.0.1 for the browser: ${reasonOf(cause)}`;
    throw new BrokerError("Conflict", message, { hint: "brokerctl login --device", cause });
  }
  port = (server.address() as AddressInfo).port;
  return { port, close };
}

/** No script runs in the page, nothing is loaded, no page may frame it, and the code in its URL goes nowhere. */
const SAFE = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
const PAGE = { ...SAFE, "Content-Type": "text/html; charset=utf-8" };
const TEXT = { ...SAFE, "Content-Type": "text/plain; charset=utf-8" };

function refusalOf(
  { method, url = "", rawHeaders }: IncomingMessage,
  { path, port }: { readonly path: string; readonly port: number },
): { readonly status: number; readonly message: string } | undefined {
  // The registered address, with our port: a page that rebinds its name to 127.0.0.1 names itself here.
  const hosts = headerFields(rawHeaders)["host"] ?? [];
  if (hosts.length !== 1 || hosts[0] !== `127.0.0.1:${port}`) return { status: 403, message: "the Host is not ours" };
  if (method !== "GET") return { status: 405, message: "only GET is answered" };
  if (url !== path && !url.startsWith(`${path}?`)) return { status: 404, message: "nothing is here" };
  return undefined;
}
