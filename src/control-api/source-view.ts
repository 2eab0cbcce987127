export type SourceState = "ready" | "login_required" | "mfa_required" | "missing_key" | "locked" | "error";

export interface SourceView {
  readonly name: string;
  readonly type: string;
  readonly state: SourceState;
  readonly expiresAt: number | null;
}
