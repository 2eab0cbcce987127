import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Row } from "../attack/report.js";
import { runRoot } from "../support/temp-dir.js";

/** What must not happen once, whatever fails. */
export const NEVER = {
  leaked: "a credential reached whom it should not",
  lost: "an acknowledged change was lost",
  withheld: "a valid credential was withheld",
  silent: "the daemon died without saying why",
} as const;
export type Never = keyof typeof NEVER;

/** Controls of the threat model that a run under faults can prove. */
export const CONTROLS = {
  C2: "a token that is wrong, revoked or of another lease gets nothing",
  C3: "only loopback names as Host",
  C4: "browser and proxy headers are refused",
  C6: "control only in a private directory",
  C8: "inspector off, clean environment",
  C10: "state is sealed: damage is found, nothing damaged is believed or written over",
  C11: "no secret in logs, errors or status",
  C12: "files are replaced as a whole, 0600, and refused where others could write them",
  C13: "the config is strict",
  C14: "only AWS is believed, and only over TLS that verifies",
  C15: "limits: no client and no upstream holds up another",
  C16: "ended, revoked and locked leases get nothing",
} as const;
export type Control = keyof typeof CONTROLS;

export interface Case extends Row {
  /** Whether what was got is what was expected. */
  readonly holds: boolean;
  readonly proves?: readonly Control[];
}

type Entry =
  | ({ readonly kind: "case" } & Case)
  | { readonly kind: "never"; readonly never: Never; readonly looked: number; readonly happened: readonly string[] };

/** Rows of every file of the suite: the files run in processes of their own. */
function entriesFile(): string {
  return join(runRoot(), "faults.jsonl");
}

/** What one test came to. Everything is written down before anything fails. */
export class Verdict {
  readonly #looked: Record<Never, number> = { leaked: 0, lost: 0, withheld: 0, silent: 0 };
  readonly #happened: Record<Never, string[]> = { leaked: [], lost: [], withheld: [], silent: [] };

  /** It could have happened; `what` says that it did, and how. */
  look(never: Never, what?: string): void {
    this.#looked[never]++;
    if (what !== undefined) this.#happened[never].push(what);
  }

  /** The row of the table; fails the test where it does not hold, or where one of the four happened. */
  conclude(row: Case): void {
    append({ kind: "case", ...row });
    const happened = Object.entries(this.#happened).flatMap(([never, whats]) =>
      whats.map((what) => `${never}: ${what}`),
    );
    for (const never of Object.keys(NEVER) as Never[]) {
      append({ kind: "never", never, looked: this.#looked[never], happened: this.#happened[never] });
      this.#looked[never] = 0;
      this.#happened[never] = [];
    }
    expect(happened.slice(0, 20)).toEqual([]);
    expect(row.holds, `${row.case}: expected ${row.expected}; got ${row.got}`).toBe(true);
  }
}

function append(entry: Entry): void {
  appendFileSync(entriesFile(), `${JSON.stringify(entry)}\n`);
}

export interface Summary {
  readonly cases: readonly Case[];
  readonly never: Readonly<Record<Never, { readonly looked: number; readonly happened: readonly string[] }>>;
}

export function forgetEntries(): void {
  rmSync(entriesFile(), { force: true });
}

export function summary(): Summary {
  const text = existsSync(entriesFile()) ? readFileSync(entriesFile(), "utf8") : "";
  const entries = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry);
  const of = (never: Never): Summary["never"][Never] => {
    const those = entries.flatMap((entry) => (entry.kind === "never" && entry.never === never ? [entry] : []));
    return {
      looked: those.reduce((sum, { looked }) => sum + looked, 0),
      happened: those.flatMap(({ happened }) => happened),
    };
  };
  return {
    cases: entries.flatMap((entry) => (entry.kind === "case" ? [entry] : [])),
    never: { leaked: of("leaked"), lost: of("lost"), withheld: of("withheld"), silent: of("silent") },
  };
}
