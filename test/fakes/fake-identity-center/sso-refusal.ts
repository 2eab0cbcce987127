/** An HTTP answer to be. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type SsoServiceName = "oidc" | "portal" | "browser";

/** The `error` of OAuth beside each exception of the model (OIDC, 2019-06-10). */
const OAUTH_ERRORS: Readonly<Record<string, string>> = {
  AccessDeniedException: "access_denied",
  AuthorizationPendingException: "authorization_pending",
  ExpiredTokenException: "expired_token",
  InternalServerException: "server_error",
  InvalidClientException: "invalid_client",
  InvalidClientMetadataException: "invalid_client_metadata",
  InvalidGrantException: "invalid_grant",
  InvalidRedirectUriException: "invalid_redirect_uri",
  InvalidRequestException: "invalid_request",
  InvalidScopeException: "invalid_scope",
  SlowDownException: "slow_down",
  UnauthorizedClientException: "unauthorized_client",
  UnsupportedGrantTypeException: "unsupported_grant_type",
};

const STATUSES: Readonly<Record<string, number>> = {
  InternalServerException: 500,
  InvalidClientException: 401,
  UnauthorizedException: 401,
  ForbiddenException: 403,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  TooManyRequestsException: 429,
};

/** An error as Identity Center answers it: by its exception, the status follows from that. */
export class SsoRefusal extends Error {
  override readonly name = "SsoRefusal";
  readonly code: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    message: string,
    { status = STATUSES[code] ?? 400, headers = {} }: Partial<Pick<SsoRefusal, "status" | "headers">> = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

export function invalidRequest(message: string): SsoRefusal {
  return new SsoRefusal("InvalidRequestException", message);
}

export function jsonAnswer(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** OIDC speaks OAuth (RFC 6749 §5.2), the portal does not. */
export function refusalAnswer(service: SsoServiceName, { code, status, message, headers }: SsoRefusal): Answer {
  const body =
    service === "portal"
      ? { message, __type: `com.amazonaws.switchboard.portal#${code}` }
      : { error: OAUTH_ERRORS[code] ?? "invalid_request", error_description: message };
  return jsonAnswer(body, status, { "x-amzn-errortype": code, ...headers });
}

export function htmlAnswer(html: string, status = 200): Answer {
  return { status, headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" }, body: html };
}

export function redirectAnswer(location: string): Answer {
  return { status: 302, headers: { location, "cache-control": "no-store" }, body: "" };
}
