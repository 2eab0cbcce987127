import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { couldRun, type KnownFailure, type MatrixClient, type MatrixRow } from "./client.js";
import { type BareColumn, type Column, names, type SigningColumn } from "./columns.js";
import type { FetchRate, Rotation } from "./loops.js";
import type { Messages } from "./messages.js";

/** What a run saw of one client. */
export interface MeasuredRow {
  readonly name: string;
  readonly version: string;
  /** UTC, YYYY-MM-DD. */
  readonly date: string;
  readonly signed: Readonly<Record<SigningColumn, string> & Partial<Record<BareColumn, string>>>;
  /** null: each of its processes makes one call. */
  readonly rotation: Rotation | null;
  readonly rates: readonly FetchRate[];
  /** Who signed for a new process after `brokerctl use`. */
  readonly use: string;
  readonly messages: Messages;
  /** Shells in which doctor's verdict was held against who signed; null: it says nothing of this client. */
  readonly compared: number | null;
  readonly differences: readonly string[];
}

/** A hundred programs at once, by `credential_process`. */
export interface MeasuredBurst {
  readonly date: string;
  readonly programs: number;
  readonly failures: number;
  readonly upstreamCalls: number;
}

export interface Measured {
  readonly rows: readonly MeasuredRow[];
  readonly burst: MeasuredBurst | null;
}

/** What earlier runs saw, so that a run of some rows leaves the others in the table. */
const FILE = resolve("test/matrix/measured.json");

export function readMeasured(): Measured {
  return JSON.parse(readFileSync(FILE, "utf8")) as Measured;
}

/** The rows of this run in place of their earlier ones, in the order of `order`; a client that is not known any more goes. */
export function merge(earlier: Measured, now: Measured, order: readonly MatrixRow[]): Measured {
  const byName = new Map([...earlier.rows, ...now.rows].map((row) => [row.name, row]));
  const rows = order.filter(couldRun).flatMap(({ name }) => byName.get(name) ?? []);
  return { rows, burst: now.burst ?? earlier.burst };
}

export function writeMeasured(measured: Measured): void {
  writeFileSync(FILE, `${JSON.stringify(measured, null, 2)}\n`);
}

/** Cells that are neither as they must be nor as the client's own mistakes explain: sentences. */
export function unexpectedIn(row: MeasuredRow, client: MatrixClient): readonly string[] {
  const { signed, use, rotation, messages, differences } = row;
  const cells = Object.entries(signed).filter(([column]) => !column.startsWith("bare")) as [SigningColumn, string][];
  const wrong = [...cells, ["use", use] as const].flatMap(([column, cell]) => {
    const expected = expectedIn(client, column);
    return cell === expected ? [] : [`${column}: ${cell} and not ${expected}`];
  });
  const leaks = Object.entries(messages).filter(([, { signed: by }]) => by !== "–" && by !== "uns");
  return [
    ...wrong,
    ...(rotation ? rotationFaults(rotation, client) : []),
    ...leaks.map(([why, { signed: by }]) => `${why}: signed by ${by}`),
    ...differences.map((difference) => `doctor: ${difference}`),
  ].map((text) => `${client.name}: ${text}`);
}

export function expectedIn(client: MatrixClient, column: SigningColumn | "use"): string {
  return knownFailure(client, column)?.gets ?? "D";
}

export function knownFailure({ knownFailures = [] }: MatrixClient, column: Column): KnownFailure | undefined {
  return knownFailures.find(({ columns }) => columns.some((pattern) => names(pattern, column)));
}

/** Three keys must have ended in its hands, and no call may have failed for it. */
const MIN_ENDED = 3;

export function isRotationRight({ ended, expired, others, failed }: Rotation): boolean {
  return ended >= MIN_ENDED && expired + others + failed === 0;
}

function rotationFaults(rotation: Rotation, client: MatrixClient): readonly string[] {
  const isKnown = knownFailure(client, "rotation") !== undefined;
  if (isRotationRight(rotation) !== isKnown) return [];
  return [`rotation: ${isKnown ? "right, although it is known to fail" : JSON.stringify(rotation)}`];
}
