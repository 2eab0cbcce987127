import { optionalText, optionalTexts, type Parameters, text } from "./parameters.js";
import type { Settings } from "./settings.js";
import { invalidRequest, SsoRefusal } from "./sso-refusal.js";
import { opaqueId, secretText } from "./tokens.js";

export const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const CODE_GRANT = "authorization_code";
const REFRESH_GRANT = "refresh_token";
const GRANTS = [CODE_GRANT, DEVICE_GRANT, REFRESH_GRANT];

/** A registered client (RFC 7591). */
export interface Registration {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clientName: string;
  /** Empty for the registrations of legacy profiles: their sessions have no refresh token. */
  readonly scopes: readonly string[];
  readonly grantTypes: readonly string[];
  readonly redirectUris: readonly string[];
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export class Registrations {
  readonly #byId = new Map<string, Registration>();
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  register(body: Parameters, now: number): Registration {
    if (text(body, "clientType") !== "public") {
      throw new SsoRefusal("InvalidClientMetadataException", "Invalid client type provided");
    }
    const registration: Registration = {
      clientId: opaqueId(),
      clientSecret: secretText("eyJraWQi", 600),
      clientName: text(body, "clientName"),
      scopes: this.#scopes(body),
      grantTypes: grantTypes(body),
      redirectUris: optionalTexts(body, "redirectUris") ?? [],
      expiresAt: Math.floor(now / 1000 + this.#settings.registrationSeconds) * 1000,
    };
    this.#checkCodeFlow(registration, body);
    this.#byId.set(registration.clientId, registration);
    return registration;
  }

  /** The registration behind id and secret while it lives. */
  authenticate(body: Parameters, now: number): Registration {
    const registration = this.#byId.get(text(body, "clientId"));
    if (registration?.clientSecret !== text(body, "clientSecret")) {
      throw new SsoRefusal("InvalidClientException", "Invalid client credentials provided");
    }
    if (now >= registration.expiresAt)
      throw new SsoRefusal("InvalidClientException", "Client registration has expired");
    return registration;
  }

  /** For the browser, which has no secret. */
  find(clientId: string, now: number): Registration | undefined {
    const registration = this.#byId.get(clientId);
    return registration && now < registration.expiresAt ? registration : undefined;
  }

  /** As if all had been deleted. */
  forgetAll(): void {
    this.#byId.clear();
  }

  #scopes(body: Parameters): readonly string[] {
    const scopes = optionalTexts(body, "scopes") ?? [];
    const unknown = scopes.find((scope) => !this.#settings.scopes.includes(scope));
    if (unknown !== undefined) throw new SsoRefusal("InvalidScopeException", `Invalid scope requested: ${unknown}`);
    return scopes;
  }

  #checkCodeFlow({ grantTypes: grants, redirectUris }: Registration, body: Parameters): void {
    const refused = redirectUris.find((uri) => !isRegistrableRedirect(uri));
    if (refused !== undefined) {
      throw new SsoRefusal("InvalidRedirectUriException", `Invalid redirect URI: ${refused}`);
    }
    if (!grants.includes(CODE_GRANT)) return;
    if (redirectUris.length === 0) throw new SsoRefusal("InvalidRedirectUriException", "No redirect URI provided");
    const issuer = optionalText(body, "issuerUrl");
    if (issuer === undefined) throw invalidRequest("Missing required parameter: issuerUrl");
    if (!isSameStartUrl(issuer, this.#settings.startUrl)) throw invalidRequest("Invalid issuer URL provided");
  }
}

/** Refuses a client that did not register for a grant. */
export function requireGrant({ grantTypes: grants }: Registration, grant: string): void {
  if (grants.includes(grant)) return;
  throw new SsoRefusal("UnauthorizedClientException", `Client is not authorized to use grant type ${grant}`);
}

export function isSameStartUrl(found: string, expected: string): boolean {
  const bare = (url: string): string => url.replace(/[/#]+$/, "");
  return bare(found) === bare(expected);
}

/** Clients that name no grants are those of the device flow, older than the parameter. */
function grantTypes(body: Parameters): readonly string[] {
  const grants = optionalTexts(body, "grantTypes") ?? [DEVICE_GRANT, REFRESH_GRANT];
  const unknown = grants.find((grant) => !GRANTS.includes(grant));
  if (unknown === undefined) return grants;
  throw new SsoRefusal("UnsupportedGrantTypeException", `Unsupported grant type: ${unknown}`);
}

/** A loopback address without a port, which the client chooses later (RFC 8252 §7.3), or https. */
function isRegistrableRedirect(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const uri = new URL(text);
  if (uri.hash || uri.username || uri.password) return false;
  return uri.protocol === "https:" || (isLoopback(uri) && uri.port === "");
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && (hostname === "127.0.0.1" || hostname === "[::1]");
}

/** Equal to a registered one to the letter, but for the port of a loopback address. */
export function isRegisteredRedirect({ redirectUris }: Registration, text: string): boolean {
  if (!URL.canParse(text)) return false;
  const uri = new URL(text);
  if (!isLoopback(uri)) return redirectUris.includes(text);
  const withoutPort = text.replace(/^(http:\/\/(?:127\.0\.0\.1|\[::1\])):\d{1,5}(?=\/|$)/, "$1");
  return redirectUris.includes(withoutPort);
}
