import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { NodeHttpHandler, type NodeHttpHandlerOptions } from "@smithy/node-http-handler";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import type { AwsEnvironment } from "./aws-environment.js";
import { type Proxy, proxyFor } from "./proxies.js";
import { CONNECT_LIMIT_MS } from "./time-limits.js";

/** Node gives each address of a host 250 ms by default and fails on slow networks (nodejs/node#54359). */
const ADDRESS_ATTEMPT_MS = 1000;
const SOCKETS = { keepAlive: false, maxSockets: 50, autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS } as const;

export type SdkRequest = Parameters<NodeHttpHandler["handle"]>[0];
export type SdkResponse = Awaited<ReturnType<NodeHttpHandler["handle"]>>["response"];

/** The SDK's handler warns on the console unless it is given a logger. */
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * Connections to AWS, direct or through a proxy, trusting the public authorities and those of the environment.
 * None is kept: calls are few, and a kept one that died in a sleep or a change of network fails a call that cannot
 * always be repeated (an MFA code, a new key). TLS sessions are resumed, which makes a new one cheap.
 */
export class Connections {
  readonly #environment: AwsEnvironment;
  readonly #trust: SecureContext | undefined;
  readonly #direct: NodeHttpHandler;

  constructor(environment: AwsEnvironment) {
    this.#environment = environment;
    this.#trust = trust(environment.certificates);
    this.#direct = handler({
      httpAgent: new HttpAgent(SOCKETS),
      httpsAgent: new HttpsAgent({ ...SOCKETS, ...this.#tls() }),
    });
  }

  /** Which proxy, `scheme://host:port`, stands before an endpoint. */
  proxyBefore(endpoint: URL): string | undefined {
    return proxyFor(this.#environment.proxies, endpoint)?.display;
  }

  /** One request. Aborting the signal ends it at every stage, also while a proxy is silent. */
  async send(request: SdkRequest, signal: AbortSignal): Promise<SdkResponse> {
    const proxy = proxyFor(this.#environment.proxies, endpointOf(request));
    const via = proxy ? this.#through(proxy, signal) : this.#direct;
    const { response } = await via.handle(request, { abortSignal: signal });
    return response;
  }

  /** Tunnels live for one call: only so does the signal reach a proxy that accepts and never answers. */
  #through(proxy: Proxy, signal: AbortSignal): NodeHttpHandler {
    const options = { ...SOCKETS, signal, ...this.#tls() };
    const httpsAgent = new HttpsProxyAgent(proxy.url.reveal(), options);
    // The package keeps its options for the way to the proxy; these are for the endpoint behind it.
    Object.assign(httpsAgent.options, this.#tls());
    return handler({ httpAgent: new HttpProxyAgent(proxy.url.reveal(), options), httpsAgent });
  }

  /** Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED changes nothing. */
  #tls(): { readonly rejectUnauthorized: true; readonly secureContext?: SecureContext } {
    return { rejectUnauthorized: true, ...(this.#trust ? { secureContext: this.#trust } : {}) };
  }
}

export function endpointOf(request: SdkRequest): URL {
  return new URL(`${request.protocol}//${request.hostname}${request.port === undefined ? "" : `:${request.port}`}`);
}

/** Made once: it takes 50 ms, in which no request is answered. Node's `ca` replaces its own authorities. */
function trust(certificates: readonly string[]): SecureContext | undefined {
  return certificates.length === 0 ? undefined : createSecureContext({ ca: [...rootCertificates, ...certificates] });
}

/** No socket timeout of the SDK's: the caller's deadline stands behind everything. */
function handler(agents: Required<Pick<NodeHttpHandlerOptions, "httpAgent" | "httpsAgent">>): NodeHttpHandler {
  return new NodeHttpHandler({
    ...agents,
    connectionTimeout: CONNECT_LIMIT_MS,
    socketTimeout: 0,
    logger: silent,
  });
}

function ignore(): void {
  // nothing to report
}
