/** What logins send over the wire: a part of the contract (see contract.ts). */

/** Whether a source can sign now, or what it waits for. */
export type SourceState = "ready" | "login_required" | "mfa_required" | "missing_key" | "locked" | "error";

/** A source as `status` and `login` show it. */
export interface SourceView {
  readonly name: string;
  readonly type: string;
  readonly state: SourceState;
  readonly expiresAt: number | null;
}

/** In a browser on this machine (authorization code), or in any browser (device authorization). */
export type LoginFlow = "browser" | "device";

export interface LoginOperations {
  /** Which sources can be logged in to, and what each needs now. */
  "login-choices": [
    Record<string, never>,
    {
      readonly sources: readonly (SourceView & {
        /** console: a login to the AWS console. */
        readonly needs: "mfa_code" | "sso" | "console" | null;
        readonly mfaSerial: string | null;
        /** A program prints the code: `login-mfa` needs none. */
        readonly mfaProcess: boolean;
      })[];
    },
  ];
  /**
   * Starts a login to Identity Center or the console, or joins the one that is under way for the same session: then `flow` is that
   * one's. Call `login-wait` within 15 s. The token stays with the daemon.
   */
  "login-start": [
    { readonly source: string; readonly flow: LoginFlow },
    {
      readonly loginId: string;
      readonly flow: LoginFlow;
      readonly joined: boolean;
      /** What the user opens in a browser. */
      readonly url: string;
      /** What the page there shows too; null where nothing needs comparing. */
      readonly userCode: string | null;
      readonly expiresAt: number;
      /** Approved before: there is nothing to show, `login-wait` answers at once. */
      readonly isDone: boolean;
      /** The page shows a code at its end, for `login-code`. */
      readonly takesCode?: boolean;
    },
  ];
  /** The code that the page of a login shows. Rejects with UsageInvalid where it is not of this login, which goes on. */
  "login-code": [{ readonly loginId: string; readonly code: string }, Record<string, never>];
  /** Waits until the user has logged in; when the last waiting connection closes, the login ends. */
  "login-wait": [{ readonly loginId: string }, { readonly source: string; readonly expiresAt: number }];
  /** Token or MFA session and the credentials that came from it are forgotten. `problem`: why AWS did not end the session. */
  logout: [
    { readonly source: string },
    { readonly wasLoggedIn: boolean; readonly sources: readonly string[]; readonly problem: string | null },
  ];
  /** `keys` source with MFA: one GetSessionToken with this code, or with the one that the source's mfa_process prints. */
  "login-mfa": [
    { readonly source: string; readonly code?: string },
    { readonly source: string; readonly expiresAt: number },
  ];
}
