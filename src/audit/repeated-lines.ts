import type { AuditFacts } from "../core/audit-line.js";
import type { Cancel, Clock } from "../system/clock.js";

export interface RepeatedLinesOptions {
  readonly clock: Clock;
  readonly append: (facts: AuditFacts) => void;
}

const MINUTE_MS = 60_000;
/** Programs of one lease that are told apart within a minute: a program could change its directory for each request. */
const MAX_PROGRAMS = 16;
/** What is told apart at all: as many leases as there can be. */
const MAX_WINDOWS = 4000;

/** A minute in which the same happens again and again. */
interface Window {
  readonly openedAt: number;
  /** What follows the first line; undefined: nothing yet. */
  more: AuditFacts | undefined;
}

/**
 * Fetches of one program on one lease, and refusals of one user, code and lease, within a minute: the first is a line at
 * once, those that follow are one more at the minute's end, with their count. So the counts of all lines add up to what was.
 */
export class RepeatedLines {
  readonly #options: RepeatedLinesOptions;
  /** By what they have in common, in the order in which they were opened. */
  readonly #windows = new Map<string, Window>();
  #cancelTimer: Cancel | undefined;

  constructor(options: RepeatedLinesOptions) {
    this.#options = options;
  }

  add(facts: AuditFacts): void {
    if (this.#repeats(facts, keyOf(facts))) return;
    const told = this.#bounded(facts);
    const key = keyOf(told);
    if (told !== facts && this.#repeats(told, key)) return;
    this.#windows.set(key, { openedAt: this.#options.clock.now(), more: undefined });
    this.#plan();
    this.#options.append(told);
  }

  /** Whether it belongs to a minute that is open. */
  #repeats(facts: AuditFacts, key: string): boolean {
    const window = this.#windows.get(key);
    if (window) window.more = window.more ? merged(window.more, facts) : facts;
    return window !== undefined;
  }

  /** Also by the sweep: a clock that was set back must not keep a minute open. */
  closeDue(): void {
    const now = this.#options.clock.now();
    for (const [key, { openedAt }] of this.#windows) {
      if (Math.abs(now - openedAt) >= MINUTE_MS) this.#close(key);
    }
    this.#plan();
  }

  closeAll(): void {
    for (const key of this.#windows.keys()) this.#close(key);
    this.#plan();
  }

  #close(key: string): void {
    const more = this.#windows.get(key)?.more;
    this.#windows.delete(key);
    if (more) this.#options.append(more);
  }

  /** For the window that was opened first. */
  #plan(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const [first] = this.#windows.values();
    if (!first) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.after(first.openedAt + MINUTE_MS - clock.now(), () => this.closeDue());
  }

  /** Beyond the limits who it was is not told apart; that it was is. */
  #bounded(facts: AuditFacts): AuditFacts {
    if (this.#windows.size >= MAX_WINDOWS) return { ...anonymous(facts), lease: null, role: null };
    const isCrowded = facts.event === "fetch" && this.#programsOf(facts) >= MAX_PROGRAMS;
    return isCrowded ? anonymous(facts) : facts;
  }

  #programsOf(facts: AuditFacts): number {
    const beginning = leaseKeyOf(facts);
    let count = 0;
    for (const key of this.#windows.keys()) if (key.startsWith(beginning)) count++;
    return count;
  }
}

/** A refusal's role and program are the asker's choice: told apart by them, one program could fill the log. */
function keyOf(facts: AuditFacts): string {
  const { event, outcome, role, program, cwd, caller_lease: caller } = facts;
  const isServed = event === "fetch" && outcome !== "refused" && outcome !== "failed";
  return leaseKeyOf(facts) + JSON.stringify(isServed ? [role, program, cwd] : [caller]);
}

function leaseKeyOf({ event, outcome, code, lease, uid }: AuditFacts): string {
  return JSON.stringify([event, outcome, code, lease, uid]);
}

function anonymous(facts: AuditFacts): AuditFacts {
  return { ...facts, pid: null, program: null, cwd: null };
}

/** The later time and end; what differs between the two is not known of both. */
function merged(earlier: AuditFacts, later: AuditFacts): AuditFacts {
  const same = <K extends "role" | "pid" | "program" | "cwd">(field: K): AuditFacts[K] | null =>
    earlier[field] === later[field] ? later[field] : null;
  return {
    ...later,
    ...{ role: same("role"), pid: same("pid"), program: same("program"), cwd: same("cwd") },
    count: earlier.count + later.count,
  };
}
