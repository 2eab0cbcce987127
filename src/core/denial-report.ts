import type { Denial } from "./denial.js";

/** What a refusal of AWS comes from, as far as it can be seen: shared by the daemon, the contract of control and the command. */
export interface DenialReport {
  readonly denial: Denial;
  readonly functionName: string;
  readonly functionRoleArn: string;
  /** One sentence, without an end. */
  readonly summary: string;
  /** What the statements do about it that decide, or come near: one line each. */
  readonly findings: readonly string[];
  /** null: none would help, or it belongs where we cannot look. */
  readonly statement: WantedStatement | null;
  /** What narrows the session because we were told to: flags, a lease's scope, the mode, the config. */
  readonly isOurs: boolean;
  /** What to do, complete: a command, or who has to change what. */
  readonly hint: string | null;
  /** What could not be looked at, and may decide too. */
  readonly unseen: readonly string[];
}

export interface WantedStatement {
  /** Minified JSON. */
  readonly json: string;
  /** `a policy of role orders-role` */
  readonly where: string;
}
