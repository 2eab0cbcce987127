import { createHash } from "node:crypto";
import { optionalText, type Parameters, text } from "./parameters.js";
import { isRegisteredRedirect, type Registration, type Registrations, requireGrant } from "./registrations.js";
import type { Settings } from "./settings.js";
import { SsoRefusal } from "./sso-refusal.js";
import { opaqueId, urlSecretText } from "./tokens.js";

/** RFC 7636 §4.1 and §4.2: 43 to 128 unreserved characters, and the 43 of a base64url SHA-256. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;
const CHALLENGE = /^[A-Za-z0-9\-_]{43}$/;

/** What a browser asked for and its user has not decided yet. */
export interface AuthorizationRequest {
  readonly id: string;
  readonly registration: Registration;
  readonly redirectUri: string;
  readonly state: string | undefined;
  readonly scopes: readonly string[];
  readonly challenge: string;
}

interface IssuedCode {
  readonly request: AuthorizationRequest;
  readonly user: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  isSpent: boolean;
}

export interface AuthorizationCodesOptions {
  readonly settings: Settings;
  readonly now: () => number;
  readonly registrations: Registrations;
}

/** A request that cannot be redirected: its client or redirect URI is not to be trusted (RFC 6749 §4.1.2.1). */
export class BadAuthorizationRequest extends Error {
  override readonly name = "BadAuthorizationRequest";
}

/** Authorization codes with PKCE (RFC 6749 §4.1, RFC 7636): asked for by browsers, decided by users, redeemed by clients. */
export class AuthorizationCodes {
  readonly #options: AuthorizationCodesOptions;
  readonly #requests = new Map<string, AuthorizationRequest>();
  readonly #codes = new Map<string, IssuedCode>();

  constructor(options: AuthorizationCodesOptions) {
    this.#options = options;
  }

  /** The checked request, or the URL that takes its error back to the client. */
  request(query: Parameters): AuthorizationRequest | { readonly location: string } {
    const registration = this.#options.registrations.find(optionalText(query, "client_id") ?? "", this.#options.now());
    if (!registration) throw new BadAuthorizationRequest("Invalid client");
    const redirectUri = optionalText(query, "redirect_uri") ?? "";
    if (!isRegisteredRedirect(registration, redirectUri)) throw new BadAuthorizationRequest("Invalid redirect URI");
    const state = optionalText(query, "state");
    const error = errorIn(query, registration);
    if (error !== undefined) return { location: withQuery(redirectUri, { error, state }) };
    const scopes = scopesIn(query);
    const challenge = text(query, "code_challenge");
    const request = { id: opaqueId(), registration, redirectUri, state, scopes, challenge };
    this.#requests.set(request.id, request);
    return request;
  }

  /** The URL that takes the user's decision back to the client; undefined if it was decided already. */
  decide(requestId: string, decision: "approve" | "deny", user: string): string | undefined {
    const request = this.#requests.get(requestId);
    if (!request) return undefined;
    this.#requests.delete(requestId);
    const { redirectUri, state } = request;
    if (decision === "deny") return withQuery(redirectUri, { error: "access_denied", state });
    const code = urlSecretText();
    const expiresAt = this.#options.now() + this.#options.settings.codeSeconds * 1000;
    this.#codes.set(code, { request, user, expiresAt, isSpent: false });
    return withQuery(redirectUri, { code, state });
  }

  /** Who approved, and which scopes. Any attempt of the right client spends the code, a wrong verifier too. */
  redeem(registration: Registration, body: Parameters): { readonly user: string; readonly scopes: readonly string[] } {
    const issued = this.#codes.get(text(body, "code"));
    const redirectUri = text(body, "redirectUri");
    const verifier = text(body, "codeVerifier");
    if (issued?.request.registration.clientId !== registration.clientId || issued.isSpent) throw invalidCode();
    issued.isSpent = true;
    const isRight =
      this.#options.now() < issued.expiresAt &&
      redirectUri === issued.request.redirectUri &&
      VERIFIER.test(verifier) &&
      challengeOf(verifier) === issued.request.challenge;
    if (!isRight) throw invalidCode();
    return { user: issued.user, scopes: issued.request.scopes };
  }
}

/** RFC 7636 §4.2, S256. */
export function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

function errorIn(query: Parameters, registration: Registration): string | undefined {
  if (query["response_type"] !== "code") return "unsupported_response_type";
  try {
    requireGrant(registration, "authorization_code");
  } catch {
    return "unauthorized_client";
  }
  // Identity Center takes PKCE with S256 only, and `scopes`, not `scope`.
  const challenge = query["code_challenge"];
  const isPkce = query["code_challenge_method"] === "S256" && CHALLENGE.test(String(challenge));
  if (!isPkce) return "invalid_request";
  const scopes = scopesIn(query);
  const isGranted = scopes.length > 0 && scopes.every((scope) => registration.scopes.includes(scope));
  return isGranted ? undefined : "invalid_scope";
}

function scopesIn(query: Parameters): readonly string[] {
  return (optionalText(query, "scopes") ?? "").split(" ").filter(Boolean);
}

function withQuery(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(uri);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}

function invalidCode(): SsoRefusal {
  return new SsoRefusal("InvalidGrantException", "Invalid authorization code provided");
}
