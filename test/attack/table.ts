import { expect } from "vitest";
import { printRows, type Row } from "./report.js";

/** Gathers what each case came to, and prints all of it at the end, also what was not as expected. */
export class Table {
  readonly #rows: Row[] = [];

  /** Notes the case and asserts it: `got` must be `expected`, or match it. */
  check(name: string, expected: string | RegExp, got: string): void {
    this.#rows.push({ case: name, expected: expected instanceof RegExp ? expected.source : expected, got });
    if (expected instanceof RegExp) expect(got, name).toMatch(expected);
    else expect(got, name).toBe(expected);
  }

  print(): void {
    printRows(this.#rows);
  }
}
