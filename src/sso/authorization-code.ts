import type { SsoOidc, TokenOutcome } from "../aws/sso-oidc.js";
import type { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import { type ListenForCallback, newPkce, startBrowserLogin } from "./browser-answer.js";
import { type LoginAttempt, loginFailed, type RunningLogin } from "./login-attempt.js";
import type { SsoToken } from "./token-store.js";

export interface AuthorizationCodeParts {
  readonly oidc: SsoOidc;
  readonly clock: Clock;
  readonly listen: ListenForCallback;
}

/** A login to Identity Center by a browser on this machine. */
export function startAuthorizationCode(attempt: LoginAttempt, parts: AuthorizationCodeParts): Promise<RunningLogin> {
  const { session, client, source, signal } = attempt;
  const pkce = newPkce();
  return startBrowserLogin(
    {
      ...{ source, who: "Identity Center", pkce, signal },
      authorizeUrl: (redirectUri) =>
        parts.oidc.authorizeUrl(
          {
            response_type: "code",
            client_id: client.clientId,
            redirect_uri: redirectUri,
            state: pkce.state.reveal(),
            code_challenge_method: "S256",
            scopes: session.scopes.join(" "),
            code_challenge: pkce.challenge,
          },
          session.region,
        ),
      redeem: async (code, redirectUri) => {
        const token = await redeem({ code, codeVerifier: pkce.verifier, redirectUri, attempt }, parts);
        // The last command left while Identity Center answered: nothing is kept.
        if (signal.aborted) throw loginFailed(source, "was cancelled");
        await attempt.accept(token);
        return token;
      },
      // The browser may have been told that the client is unknown.
      onUnanswered: () => attempt.forgetClient(),
    },
    parts,
  );
}

interface Redemption {
  readonly code: Secret;
  readonly codeVerifier: Secret;
  readonly redirectUri: string;
  readonly attempt: LoginAttempt;
}

async function redeem(
  { code, codeVerifier, redirectUri, attempt }: Redemption,
  { oidc, clock }: AuthorizationCodeParts,
): Promise<SsoToken> {
  const { client, session, source } = attempt;
  const grant = { kind: "authorization_code", code, redirectUri, codeVerifier } as const;
  const outcome = await oidc.createToken(client, grant, session.region);
  if (outcome.outcome === "invalid_client") attempt.forgetClient();
  if (outcome.outcome !== "granted") throw loginFailed(source, `was refused: ${reasonOf(outcome)}`);
  const { accessToken, refreshToken, expiresAt } = outcome;
  return { accessToken, expiresAt, receivedAt: clock.now(), client, ...(refreshToken && { refreshToken }) };
}

function reasonOf(outcome: Exclude<TokenOutcome, { readonly outcome: "granted" }>): string {
  return "message" in outcome ? outcome.message : `Identity Center answered ${outcome.outcome}`;
}
