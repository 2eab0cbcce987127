import type { IncomingMessage } from "node:http";
import type { BrowserAction } from "./browser-pages.js";
import type { OidcAction } from "./oidc.js";
import type { Parameters } from "./parameters.js";
import type { PortalAction } from "./portal.js";
import { invalidRequest, SsoRefusal, type SsoServiceName } from "./sso-refusal.js";

export type Route =
  | { readonly service: "oidc"; readonly action: OidcAction }
  | { readonly service: "portal"; readonly action: PortalAction }
  | { readonly service: "browser"; readonly action: BrowserAction };

/** Paths of the models (2019-06-10), and of the pages: all differ, so the host need not tell them apart. */
const ROUTES: Readonly<Record<string, Route>> = {
  "POST /client/register": { service: "oidc", action: "RegisterClient" },
  "POST /device_authorization": { service: "oidc", action: "StartDeviceAuthorization" },
  "POST /token": { service: "oidc", action: "CreateToken" },
  "GET /authorize": { service: "browser", action: "Authorize" },
  "POST /authorize": { service: "browser", action: "DecideAuthorization" },
  "GET /device": { service: "browser", action: "VerifyDevice" },
  "POST /device": { service: "browser", action: "DecideDevice" },
  "GET /federation/credentials": { service: "portal", action: "GetRoleCredentials" },
  "GET /assignment/accounts": { service: "portal", action: "ListAccounts" },
  "GET /assignment/roles": { service: "portal", action: "ListAccountRoles" },
  "POST /logout": { service: "portal", action: "Logout" },
};

/** A request, read to its end. */
export interface SsoRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Parameters;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Of an AWS host name; absent where the fake was reached by its own address. */
export interface AwsHost {
  readonly service: "oidc" | "portal";
  readonly region: string;
}

export async function readSsoRequest(incoming: IncomingMessage): Promise<SsoRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const [path = "/", query = ""] = (incoming.url ?? "/").split("?");
  return {
    method: incoming.method ?? "",
    path,
    query: Object.fromEntries(new URLSearchParams(query)),
    headers: Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
    body: Buffer.concat(chunks).toString(),
  };
}

/** Refuses a path that is not of the host's service, and the hosts of another region. */
export function routeOf({ method, path, headers }: SsoRequest, region: string): Route {
  const route = ROUTES[`${method} ${path}`];
  const host = awsHost(headers["host"]);
  const isOfHost = host === undefined || host.service === (route?.service === "portal" ? "portal" : "oidc");
  if (!route || !isOfHost) throw new SsoRefusal("UnknownOperationException", `no operation at ${method} ${path}`);
  if (host && host.region !== region) throw wrongRegion(route.service);
  return route;
}

export function awsHost(host: string | undefined): AwsHost | undefined {
  const [, name, region] =
    /^(oidc|portal\.sso)\.([a-z]+(?:-[a-z]+)+-\d+)\.amazonaws\.com(?::443)?$/.exec(host ?? "") ?? [];
  return region === undefined ? undefined : { service: name === "oidc" ? "oidc" : "portal", region };
}

/** JSON for OIDC, a form for pages, the query elsewhere. */
export function parametersOf({ service }: Route, { method, query, body, headers }: SsoRequest): Parameters {
  if (method === "GET" || service === "portal") return query;
  if (service === "browser") return Object.fromEntries(new URLSearchParams(body));
  if (!headers["content-type"]?.startsWith("application/json")) throw invalidRequest("Invalid content type provided");
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null) return { ...parsed };
  } catch {
    // as below
  }
  throw invalidRequest("Invalid JSON provided");
}

/** Elsewhere neither the organization nor its tokens are known. */
function wrongRegion(service: SsoServiceName): SsoRefusal {
  if (service === "portal") return new SsoRefusal("UnauthorizedException", "Session token not found or invalid");
  return invalidRequest("Invalid region provided");
}
