import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type AuditLine, auditLinesOf, hashAuditLine, NO_LINE_BEFORE, parseAuditLine } from "../core/audit-line.js";
import type { ChainFinding, ChainReport } from "../core/audit-views.js";
import { hasErrno } from "../core/errno.js";
import { numberedFiles } from "../files/numbered-files.js";
import type { ChainHead } from "./chain-file.js";

/** What the files are held against. */
export interface KnownEnds {
  /** As brokerd wrote it last; undefined: it has not read the log yet. */
  readonly head: ChainHead | undefined;
  /** As it was sealed; undefined: that cannot be known now. */
  readonly sealed: ChainHead | undefined;
}

/** More are only counted: one changed file can break every line. */
const MAX_FINDINGS = 50;
/** A turn of the event loop for clients between so many lines. */
const LINES_A_TURN = 500;

/** Reads a log from its oldest line to its newest, and says where it is not as it was written. */
export async function verifyChain(path: string, known: KnownEnds): Promise<ChainReport> {
  const walk = new Walk(known);
  for (const file of await numberedFiles(path)) {
    const data = await readFile(file).catch((error: unknown) => {
      if (hasErrno(error, "ENOENT")) return undefined;
      throw error;
    });
    if (data) await walk.file(basename(file), data);
  }
  return walk.end(basename(path));
}

interface Place {
  readonly file: string;
  readonly line: number;
}

class Walk {
  readonly #known: KnownEnds;
  readonly #findings: ChainFinding[] = [];
  readonly #notes: ChainFinding[] = [];
  #count = 0;
  #first: AuditLine | undefined;
  #last: AuditLine | undefined;
  #place: Place = { file: "", line: 0 };
  /** Of the line before, whatever it is. */
  #hashBefore: string | undefined;
  /** A line that is none, until the next one explains it. */
  #unexplained: Place | undefined;
  #rotatedTo = 1;
  #sealedHash: string | undefined;

  constructor(known: KnownEnds) {
    this.#known = known;
  }

  async file(file: string, data: Buffer): Promise<void> {
    for (const [index, bytes] of auditLinesOf(data).lines.entries()) {
      if (index % LINES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      this.#place = { file, line: index + 1 };
      this.#line(bytes);
    }
  }

  end(file: string): ChainReport {
    if (this.#unexplained) this.#find("is not a line of this log", this.#unexplained);
    const last = this.#last?.n ?? 0;
    this.#checkHead(file, last);
    this.#checkSeal(file, last);
    this.#checkFirst();
    return {
      lines: this.#count,
      first: this.#first?.n ?? null,
      last: this.#last?.n ?? null,
      findings: this.#findings,
      notes: this.#notes,
      sealedTo: this.#known.sealed?.n ?? null,
    };
  }

  #line(bytes: Buffer): void {
    const line = parseAuditLine(bytes.toString());
    this.#settleUnexplained(line);
    if (line) this.#checkPlace(line);
    else this.#unexplained = this.#place;
    this.#hashBefore = hashAuditLine(bytes);
    if (line) this.#take(line, this.#hashBefore);
  }

  /** A line that is none was cut by a kill, if the next one says so; anything else is a finding. */
  #settleUnexplained(next: AuditLine | undefined): void {
    if (!this.#unexplained) return;
    const isExplained = next?.event === "gap" && next.code === "NotWhole" && next.prev === this.#hashBefore;
    if (!isExplained) this.#find("is not a line of this log", this.#unexplained);
    this.#unexplained = undefined;
  }

  #checkPlace({ n, prev }: AuditLine): void {
    const before = this.#hashBefore ?? (n === 1 ? NO_LINE_BEFORE : prev);
    const expected = (this.#last?.n ?? n - 1) + 1;
    if (n !== expected) this.#find(numbering(n, expected));
    else if (prev !== before) this.#find(`the line before it, number ${n - 1}, was changed, or this one was`);
  }

  #take(line: AuditLine, hash: string): void {
    this.#count++;
    this.#first ??= line;
    this.#last = line;
    if (line.n === this.#known.sealed?.n) this.#sealedHash ??= hash;
    if (line.event === "rotated") this.#rotatedTo = Math.max(this.#rotatedTo, line.first ?? 1);
    if (line.event === "gap") this.#explain(line);
  }

  /** What the log tells of itself: no tampering where it is a full disk or a kill, and something to look at where it is not. */
  #explain({ code, count, detail }: AuditLine): void {
    const told = `the log tells a gap (${code ?? "no code"}): ${detail ?? ""}${count > 1 ? `, ${count} lines` : ""}`;
    if (code === "NotWhole" || code === "LinesDropped") this.#notes.push({ ...this.#place, what: told });
    else this.#find(told);
  }

  #checkHead(file: string, last: number): void {
    const { head } = this.#known;
    if (!head) return;
    if (last < head.n)
      this.#find(`lines ${last + 1} to ${head.n}, which brokerd wrote, are not there`, { file, line: 0 });
    else if (last > head.n) this.#find(`brokerd did not write what comes after line number ${head.n}`);
    else if (this.#hashBefore !== undefined && this.#hashBefore !== head.hash) {
      this.#find("the last line is not as brokerd wrote it");
    }
  }

  #checkSeal(file: string, last: number): void {
    const { sealed } = this.#known;
    if (!sealed || sealed.n === 0 || (this.#first !== undefined && sealed.n < this.#first.n)) return;
    if (last < sealed.n) this.#find(`${sealed.n} lines were sealed, and the log ends with ${last}`, { file, line: 0 });
    else if (this.#sealedHash !== sealed.hash) {
      this.#find(`line number ${sealed.n} is not the one that was sealed`, { file, line: 0 });
    }
  }

  #checkFirst(): void {
    const first = this.#first?.n;
    if (first === undefined || first === this.#rotatedTo) return;
    // A crash between dropping the oldest file and the line that tells it: the next file's first line follows.
    if (first > this.#rotatedTo) {
      const what = `lines ${this.#rotatedTo} to ${first - 1} are not there, and were not dropped by rotation`;
      this.#find(what, { file: this.#place.file, line: 1 });
    }
  }

  #find(what: string, place: Place = this.#place): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push({ ...place, what });
  }
}

function numbering(n: number, expected: number): string {
  if (n < expected) return `it has the number ${n} after ${expected - 1}: a line was put in again, or moved`;
  return n === expected + 1
    ? `the line before it, number ${expected}, is not there`
    : `the lines before it, numbers ${expected} to ${n - 1}, are not there`;
}

/** Whether the line with this number and hash is in the log. One that rotation dropped meanwhile counts as there. */
export async function holdsLine(path: string, { n, hash }: ChainHead): Promise<boolean> {
  if (n === 0) return true;
  const files = await numberedFiles(path);
  for (const file of files.toReversed()) {
    const { lines } = auditLinesOf(await readFile(file));
    const first = firstNumberIn(lines);
    // A seal follows its line within seconds: the line is near the end.
    if (first !== undefined && first <= n) return lines.findLast((line) => hashAuditLine(line) === hash) !== undefined;
  }
  return files.length > 1;
}

function firstNumberIn(lines: readonly Buffer[]): number | undefined {
  for (const line of lines) {
    const number = parseAuditLine(line.toString())?.n;
    if (number !== undefined) return number;
  }
  return undefined;
}
