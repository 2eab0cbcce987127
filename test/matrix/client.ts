import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { LeaseForm } from "../../src/cli/access/lease-variables.js";
import type { HomeName } from "./columns.js";

/** Who signed a client's call, as AWS saw it: the broker's role, another key (the user's own), no one (`uns`), or nothing came. */
export const SIGNED_BY = ["D", "U", "uns", "–"] as const;
export type SignedBy = (typeof SIGNED_BY)[number];

/**
 * A real client of AWS: a row of the matrix.
 *
 * Its programs run with what `brokerctl env` or `exec` gives and with AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS, _S3 and _IAM, all
 * `http://127.0.0.1:PORT` without a path and with a port of this one call: behind it stands AWS, who notes which key signed.
 * A program whose client knows none of those variables takes the URL from there; it never gives the client credentials, and
 * has no settings for them but what the client's own documents say is needed. What it prints and its exit code are read for the
 * columns of messages only.
 */
export interface MatrixClient {
  /** Told apart from its other releases by `version`, but unique: "boto3", "boto3, old". */
  readonly name: string;
  /** Whose verdict of `brokerctl doctor` must hold for it (src/cli/doctor/sdk/families.ts); null: doctor says nothing of it. */
  readonly family: string | null;
  /** In `npm run test:matrix -- --light`, which `.ci/run` runs: no builds; a minute at most to make. */
  readonly light: boolean;
  /** Makes what it needs below `.matrix-clients/NAME` unless it is there; throws SetupFailure. */
  readonly prepare: () => void;
  /** After `prepare`, read from what was installed: "1.44.5". */
  readonly version: () => string;
  /** A program that makes one signed call and ends: GetCallerIdentity, or of clients of S3 the list of `BUCKET`. */
  readonly identity: () => readonly string[];
  /** One process that makes a call about every second for so many seconds with ONE client of the SDK; it may end at an error. */
  readonly loop?: (seconds: number) => readonly string[];
  /** It assumes a profile's role at AWS's own STS, whatever the variables say: what shows here is what follows where that cannot be reached. */
  readonly assumesAtAws?: true;
  /** The form of `--as` that it needs in the homes, in the loops and for `use`; without it what `env` and `exec` give. */
  readonly as?: LeaseForm;
  /** Variables of its own, that keep it quiet or offline; never of credentials. */
  readonly env?: Readonly<Record<string, string>>;
  readonly knownFailures?: readonly KnownFailure[];
  /** Starting it takes seconds, and it looks for credentials as a quicker row does: it is not run in the homes as they are. */
  readonly slow?: true;
  /** Homes in which, without `env` and `exec`, doctor's verdict is not held against it. */
  readonly notForetold?: readonly NotForetold[];
}

/** Doctor speaks of the newest releases; or what would show who signed does not come to the AWS of the matrix. */
export interface NotForetold {
  readonly homes: readonly HomeName[];
  /** A sentence without its period. */
  readonly why: string;
}

/** What the client does wrong by itself: the cell must then be so, and the note stands below the table. */
export interface KnownFailure {
  /** Ids of columns (columns.ts), `*` standing for any text: "as header", "env: default keys", "*: default keys", "rotation". */
  readonly columns: readonly string[];
  readonly gets: SignedBy | "fails";
  /** A sentence without its period: what the client does. */
  readonly why: string;
  /** What helps: a command or a setting; or that nothing does. */
  readonly workaround: string;
}

/** A client that could not run here: a row that says why. */
export interface NotRun {
  readonly name: string;
  readonly light: boolean;
  readonly notRun: string;
}

export type MatrixRow = MatrixClient | NotRun;

export function couldRun(row: MatrixRow): row is MatrixClient {
  return !("notRun" in row);
}

/** What clients of S3 find at AWS: a bucket, and an object in it. */
export const BUCKET = "matrix-bucket";
export const OBJECT = "greeting.txt";

/** Where clients are made and kept. */
export const MADE = resolve(".matrix-clients");

/** Of a client that was made; it missing is a failure of `prepare`. */
export function made(path: string): string {
  const place = resolve(MADE, path);
  if (!existsSync(place)) throw new Error(`${place} is missing: remove ${MADE}, then \`npm run test:matrix\``);
  return place;
}

/** A program of the matrix's own, of one of its clients. */
export function matrixProgram(name: string): string {
  return resolve("test/matrix/programs", name);
}
