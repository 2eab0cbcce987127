import type { AuditLine } from "../../core/audit-line.js";

/** One set of credentials of a role, or one login, as far as the record tells: epoch milliseconds. */
export interface PastSet {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export const HISTORY_MS = 24 * 3_600_000;
const MAX_SETS = 4000;

/**
 * What the record tells of the past day: of each role the sets of credentials that were served, by their ends at AWS; of each source
 * when a person logged in. It is kept apart from the lines themselves, of which a busy day has too many.
 */
export class History {
  readonly #roles = new Map<string, PastSet>();
  readonly #logins = new Map<string, number>();

  add(lines: readonly AuditLine[]): void {
    for (const line of lines) this.#addLine(line);
  }

  /** By role: one pass for all of them. */
  byRole(now: number): ReadonlyMap<string, readonly PastSet[]> {
    const found = new Map<string, PastSet[]>();
    for (const [key, set] of this.#roles) {
      const sets = found.get(set.name);
      if (set.to < now - HISTORY_MS) this.#roles.delete(key);
      else if (sets) sets.push(set);
      else found.set(set.name, [set]);
    }
    for (const sets of found.values()) sets.sort((a, b) => a.from - b.from);
    return found;
  }

  /** When a person logged in to the source last; undefined: not in the record that was read. */
  loginAt(source: string): number | undefined {
    return this.#logins.get(source);
  }

  #addLine(line: AuditLine): void {
    const { event, outcome, role, source, time, until } = line;
    const at = Date.parse(time);
    if (event === "login" && outcome === "done" && source !== undefined) {
      this.#logins.set(source, Math.max(at, this.#logins.get(source) ?? 0));
    }
    const isServed = event === "fetch" && outcome === "served";
    if (isServed && role !== null && until !== undefined) this.#addSet({ name: role, from: at, to: Date.parse(until) });
  }

  #addSet(set: PastSet): void {
    const key = `${set.to} ${set.name}`;
    const known = this.#roles.get(key);
    if (known && known.from <= set.from) return;
    this.#roles.set(key, set);
    // The first is the one that was told first.
    const [oldest] = this.#roles.keys();
    if (this.#roles.size > MAX_SETS && oldest !== undefined) this.#roles.delete(oldest);
  }
}
