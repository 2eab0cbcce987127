import { BlockList, isIP, isIPv4 } from "node:net";
import { BrokerError } from "../core/errors.js";
import { Secret } from "../core/secret.js";

export interface Proxy {
  /** The whole URL; it may hold a user name and password. */
  readonly url: Secret;
  /** `scheme://host:port`, fit for logs. */
  readonly display: string;
  readonly isLoopback: boolean;
}

/** Which proxy stands before https and http endpoints, and the hosts that are reached without one. */
export interface Proxies {
  readonly https: Proxy | undefined;
  readonly http: Proxy | undefined;
  /** As in NO_PROXY: hosts, domains, networks, each with an optional port; `*` is everything. */
  readonly noProxy: string;
}

/** A proxy URL as users write it; without a scheme it is http. `variable` is named in the error, the value is not. */
export function proxyFromText(variable: string, text: string): Proxy {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || !isDecodable(url)) {
    throw new BrokerError(
      "ConfigInvalid",
      `environment variable ${variable} is not the URL of an http or https proxy`,
      {
        hint: `set ${variable} to a URL like http://proxy.example.com:3128, or unset it, then \`brokerctl restart\``,
      },
    );
  }
  return { url: new Secret(url.href), display: url.origin, isLoopback: isLoopback(url.hostname) };
}

/**
 * The proxy for one endpoint, if any. A loopback endpoint is reached through a proxy only where that is on loopback too:
 * another machine's loopback is not ours, and plain http must not leave this one (threat model C14).
 */
export function proxyFor(proxies: Proxies, endpoint: URL): Proxy | undefined {
  const proxy = endpoint.protocol === "https:" ? proxies.https : proxies.http;
  if (!proxy || isExempt(proxies.noProxy, endpoint)) return undefined;
  return isLoopback(endpoint.hostname) && !proxy.isLoopback ? undefined : proxy;
}

/** `hostname` as a URL has it: IPv6 in brackets. */
export function isLoopback(hostname: string): boolean {
  const host = bare(hostname);
  if (isIP(host)) return isIPv4(host) ? host.startsWith("127.") : host === "::1";
  return host === "localhost" || host.endsWith(".localhost");
}

function isDecodable(url: URL): boolean {
  try {
    decodeURIComponent(url.username + url.password);
    return true;
  } catch {
    return false;
  }
}

function isExempt(noProxy: string, endpoint: URL): boolean {
  const host = bare(endpoint.hostname);
  const port = endpoint.port || (endpoint.protocol === "https:" ? "443" : "80");
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      const [, name = entry, entryPort] = /^(.*[^:]):(\d+)$/.exec(entry) ?? [];
      return isIP(bare(entry)) === 0 && entryPort !== undefined
        ? entryPort === port && matches(name, host)
        : matches(entry, host);
    });
}

/** A domain stands for itself and what is below it, as curl, Go and the AWS CLI read it. */
function matches(entry: string, host: string): boolean {
  if (entry === "*") return true;
  const name = bare(entry);
  if (isIP(host)) return name === host || isInNetwork(name, host);
  const domain = name.replace(/^\*?\./, "");
  return host === domain || host.endsWith(`.${domain}`);
}

function isInNetwork(network: string, address: string): boolean {
  const [, base = "", prefix = ""] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(network) ?? [];
  const family = isIP(base);
  if (family === 0 || family !== isIP(address) || Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const kind = family === 4 ? "ipv4" : "ipv6";
  list.addSubnet(base, Number(prefix), kind);
  return list.check(address, kind);
}

function bare(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}
