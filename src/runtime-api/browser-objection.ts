import type { HeaderFields } from "../core/header-fields.js";

/** As much of a request as the check looks at. */
export interface ClaimedOrigin {
  readonly fields: HeaderFields;
  readonly port: number;
}

/**
 * What shows that a request was made by a web page or came through a proxy, and not from a runtime interface client:
 * any page may send requests to loopback, and one that takes the event or answers it would spoil the invocation.
 * undefined: nothing. Sec-Fetch-Mode passes: Node's own fetch sends it.
 */
export function browserObjection({ fields, port }: ClaimedOrigin): string | undefined {
  if (!isOurHost(fields["host"] ?? [], port)) return "the Host is not ours";
  const foreign = Object.keys(fields).find((name) => FOREIGN.test(name));
  if (foreign !== undefined) return `a request with ${foreign} does not come from a runtime`;
  const sites = fields["sec-fetch-site"] ?? [];
  return sites.every((site) => site === "none") ? undefined : "a request with sec-fetch-site comes from a browser";
}

const FOREIGN = /^(?:origin|referer|cookie|forwarded|via|x-forwarded-.*|upgrade)$/;

/** DNS rebinding makes a foreign page same-origin with us, without any Origin: the Host names the page. */
function isOurHost(hosts: readonly string[], port: number): boolean {
  const [host, ...more] = hosts;
  return more.length === 0 && (host === `127.0.0.1:${port}` || host?.toLowerCase() === `localhost:${port}`);
}
