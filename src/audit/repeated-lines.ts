import type { AuditFacts } from "../core/audit-line.js";
import type { Cancel, Clock } from "../system/clock.js";

export interface RepeatedLinesOptions {
  readonly clock: Clock;
  readonly append: (facts: AuditFacts) => void;
  /** Of what was only counted at first (`again`): the first and the last one. */
  readonly onCounted: (first: AuditFacts, last: AuditFacts) => void;
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
  isOpen: boolean;
}

/** Facts that come again and again, with another time: all that has to be kept of them is their number. */
export interface Repetition {
  readonly facts: AuditFacts;
  /** As the line has them. */
  readonly told: AuditFacts;
  readonly window: Window;
  /** Since they were last made into facts. */
  count: number;
  firstAt: number;
  lastAt: number;
  /** Of the last one, among all that were counted. */
  order: number;
}

/**
 * Fetches of one program on one lease, and refusals of one user, code and lease, within a minute: the first is a line at
 * once, those that follow are one more at the minute's end, with their count. So the counts of all lines add up to what was.
 */
export class RepeatedLines {
  readonly #options: RepeatedLinesOptions;
  /** By what they have in common, in the order in which they were opened. */
  readonly #windows = new Map<string, Window>();
  readonly #counted = new Set<Repetition>();
  #order = 0;
  #cancelTimer: Cancel | undefined;

  constructor(options: RepeatedLinesOptions) {
    this.#options = options;
  }

  /** The result is for `again`. */
  add(facts: AuditFacts): Repetition {
    this.settle();
    const told = this.#windows.has(keyOf(facts)) ? facts : this.#bounded(facts);
    return { facts, told, window: this.#added(told, keyOf(told)), count: 0, firstAt: 0, lastAt: 0, order: 0 };
  }

  /** One more of the same facts, by counting alone; false: their minute is over. */
  again(repetition: Repetition, now: number): boolean {
    if (!repetition.window.isOpen) return false;
    if (repetition.count === 0) {
      repetition.firstAt = now;
      this.#counted.add(repetition);
    }
    repetition.count++;
    repetition.lastAt = now;
    repetition.order = ++this.#order;
    return true;
  }

  /** Makes facts of what was counted. */
  settle(): void {
    if (this.#counted.size === 0) return;
    const inOrder = [...this.#counted].sort((a, b) => a.order - b.order);
    this.#counted.clear();
    for (const repetition of inOrder) {
      const { facts, told, window, count, firstAt, lastAt } = repetition;
      repetition.count = 0;
      addTo(window, { ...told, time: timeOf(lastAt), count });
      this.#options.onCounted({ ...facts, time: timeOf(firstAt) }, { ...facts, time: timeOf(lastAt), count });
    }
  }

  /** The minute to which it belongs: one that is open, or a new one, of which it is the first line. */
  #added(facts: AuditFacts, key: string): Window {
    const open = this.#windows.get(key);
    if (open) {
      addTo(open, facts);
      return open;
    }
    const window: Window = { openedAt: this.#options.clock.now(), more: undefined, isOpen: true };
    this.#windows.set(key, window);
    this.#plan();
    this.#options.append(facts);
    return window;
  }

  /** Also by the sweep: a clock that was set back must not keep a minute open. */
  closeDue(): void {
    this.settle();
    const now = this.#options.clock.now();
    for (const [key, { openedAt }] of this.#windows) {
      if (Math.abs(now - openedAt) >= MINUTE_MS) this.#close(key);
    }
    this.#plan();
  }

  closeAll(): void {
    this.settle();
    for (const key of this.#windows.keys()) this.#close(key);
    this.#plan();
  }

  #close(key: string): void {
    const window = this.#windows.get(key);
    if (!window) return;
    window.isOpen = false;
    this.#windows.delete(key);
    if (window.more) this.#options.append(window.more);
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
  const { event, outcome, role, scope = null, program, cwd, caller_lease: caller } = facts;
  const isServed = event === "fetch" && outcome !== "refused" && outcome !== "failed";
  return leaseKeyOf(facts) + JSON.stringify(isServed ? [role, scope, program, cwd] : [caller]);
}

function leaseKeyOf({ event, outcome, code, lease, uid }: AuditFacts): string {
  return JSON.stringify([event, outcome, code, lease, uid]);
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}

function addTo(window: Window, facts: AuditFacts): void {
  window.more = window.more ? merged(window.more, facts) : facts;
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
