/**
 * What brokerd tells the shells that have our hook, and where: the shells read it with their builtins, so it is made of
 * words that mean nothing to any shell or prompt. In the directory `shell/` of the state directory:
 *
 * - `hook.SHELL`, whose first line is the default lease for new shells;
 * - `leases/NAME`, one line a lease, named by the beginning of its token's hash.
 */
export const HOOKED_SHELLS = ["bash", "zsh", "fish"] as const;
export type HookedShell = (typeof HOOKED_SHELLS)[number];

const NAME_LENGTH = 16;
const TAIL_LENGTH = 8;
/** Stands for "nothing" in a line, whose words are never empty. No role or region has this name. */
const NONE = "-";
/** Everything else that a role's name may hold (`lambda:f:$LATEST`) is shown as `?`, and never reaches a prompt. */
const UNSAFE = /[^A-Za-z0-9._/@+:=,-]/g;

export function shellDirectory(stateDir: string): string {
  return `${stateDir}/shell`;
}

export function hookFile(stateDir: string, shell: HookedShell): string {
  return `${shellDirectory(stateDir)}/hook.${shell}`;
}

export const LEASE_FILE_PATTERN = /^[0-9a-f]{16}$/;

export function leaseFileName(tokenHash: string): string {
  return tokenHash.slice(0, NAME_LENGTH);
}

/**
 * Value of CREDBROKER_LEASE: which file speaks of the lease in this shell's variables, the end of its token, by which a
 * shell sees that the variables still hold that one, and whose it is: a pid's, `exec`, `env` or `default`.
 */
export function leaseMark(lease: { readonly token: string; readonly tokenHash: string; readonly of: string }): string {
  return `${leaseFileName(lease.tokenHash)}:${lease.token.slice(-TAIL_LENGTH)}:${lease.of}`;
}

/** Role of a lease now, and what becomes of it: a shell compares the time by itself. */
export interface LeaseLine {
  readonly role: string | null;
  /** Epoch ms at which the role becomes `then`; null: never. */
  readonly until: number | null;
  /** undefined: brokerd writes it at that time. */
  readonly then: string | null | undefined;
  /** Epoch ms. */
  readonly expiresAt: number | null;
  readonly region: string | null;
}

/** `ROLE UNTIL THEN END REGION`, instants in epoch seconds, 0 for never; without a final newline. */
export function renderLeaseLine({ role, until, then, expiresAt, region }: LeaseLine): string {
  const words = [word(role), seconds(until), then === undefined ? "?" : word(then), seconds(expiresAt), word(region)];
  return words.join(" ");
}

export interface StartLine {
  /** With the token. */
  readonly url: string;
  readonly tokenHash: string;
  readonly region: string | null;
}

/** First line of `hook.SHELL`; undefined: new shells get nothing. */
export function renderStartLine(shell: HookedShell, start: StartLine | undefined): string {
  const value = start ? `${start.url} ${leaseFileName(start.tokenHash)} ${word(start.region)}` : "";
  return shell === "fish" ? `set -g __credbroker_default '${value}'` : `__credbroker_default='${value}'`;
}

/** The token in a first line; undefined: it holds none, or is none. */
export function tokenInStartLine(line: string): string | undefined {
  return /__credbroker_default[ =]'http:\/\/127\.0\.0\.1:\d+\/lease\/(brk_[A-Za-z0-9_-]{43}) [0-9a-f]+ \S+'$/.exec(
    line,
  )?.[1];
}

/** Whether a text begins with a first line of ours, empty or not. */
export function isStartLine(line: string): boolean {
  return /^(?:set -g )?__credbroker_default[ =]'[^']*'$/.test(line);
}

function word(text: string | null): string {
  return text === null || text === "" ? NONE : text.replace(UNSAFE, "?");
}

function seconds(instant: number | null): string {
  return instant === null ? "0" : String(Math.floor(instant / 1000));
}
