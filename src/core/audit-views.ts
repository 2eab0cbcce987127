/** What the audit log tells over control; instants are epoch milliseconds. */

/** The program that fetched last with a lease: `last_used_by` of `--json`. */
export interface LastUser {
  readonly pid: number | null;
  /** `aws (python3.11)` */
  readonly program: string | null;
  readonly cwd: string | null;
}

/** A program that was served credentials which AWS still takes. All `null`: it was not looked up, or has many processes. */
export interface Holder extends LastUser {
  readonly lease: string;
  readonly leaseName: string | null;
  readonly role: string;
  readonly uid: number | null;
  readonly lastServedAt: number;
  /** When AWS ends what was served, the latest of it. */
  readonly until: number;
}

/** What a lease or a process was last refused, at the endpoint or by a command, and what its asker was told. */
export interface LastRefusal extends LastUser {
  readonly code: string;
  /** null: of a log that was written before messages were on record. */
  readonly message: string | null;
  readonly hint: string | null;
  readonly at: number;
  readonly lease: string | null;
  readonly leaseName: string | null;
  readonly role: string | null;
  /** When the same lease or process was served credentials first after that; null: it was not. */
  readonly servedSince: number | null;
}

/** The two logs: what was done, and what was not. */
export const AUDIT_LOGS = ["audit", "refusals"] as const;
export type AuditLogName = (typeof AUDIT_LOGS)[number];

/** Something in a log that is not as brokerd wrote it, and where. */
export interface ChainFinding {
  /** `audit.jsonl.2` */
  readonly file: string;
  /** In that file, from 1; 0: of the file as a whole. */
  readonly line: number;
  readonly what: string;
}

export interface ChainReport {
  readonly lines: number;
  /** Numbers of the first and the last line; null: there is none. */
  readonly first: number | null;
  readonly last: number | null;
  readonly findings: readonly ChainFinding[];
  /** What the log itself explains: a write that was cut, lines that the disk did not take. */
  readonly notes: readonly ChainFinding[];
  /** The number of the last line that is sealed; null: none is, or it is not known now. */
  readonly sealedTo: number | null;
}

export interface AuditReport {
  readonly logs: Readonly<Record<AuditLogName, ChainReport>>;
  readonly sealedAt: number | null;
  /** Why the seal cannot be read now; null: it was, or there is none yet. */
  readonly sealProblem: string | null;
}
