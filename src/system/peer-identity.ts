import { closeSync, openSync, readSync } from "node:fs";
import { CLIENT_PATIENCE_MS } from "../core/client-patience.js";
import type { Clock } from "./clock.js";
import { ESTABLISHED, rowsOf, type SocketRow, spellingsOf } from "./connection-table.js";
import { whyPeersAreUnknown } from "./peer-check.js";

/** The program's end of a connection. */
export interface Peer {
  /** The user who made the socket. */
  readonly uid: number;
  /** Of the socket, by which its process can be found as long as it is open. */
  readonly inode: number;
}

export type PeerVerdict =
  /** A program of our own user. */
  | { readonly kind: "own"; readonly peer: Peer }
  /** Certainly another user's. */
  | { readonly kind: "other"; readonly peer: Peer }
  /** The program has closed its half and still reads: refused, because only a whole connection is certain. */
  | { readonly kind: "half-closed" }
  /** The program has closed the connection, and no one tells any more whose it was. */
  | { readonly kind: "gone" }
  /** Not known yet; asking again may tell. */
  | { readonly kind: "late" }
  /** The system does not tell (`notChecked`). */
  | { readonly kind: "not-checked" };

/** What is asked of an accepted TCP connection; a `net.Socket` has it all. */
export interface AcceptedConnection {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly destroyed: boolean;
}

/** Tells whose program is at the other end of a loopback connection. */
export interface PeerIdentity {
  /** Why no connection is checked on this machine; undefined: each is. */
  readonly notChecked: string | undefined;
  /** Never rejects, and never takes longer than a client has patience (`CLIENT_PATIENCE_MS`). Asked once for a connection, it is known. */
  of(connection: AcceptedConnection): Promise<PeerVerdict>;
  /** What `of` has answered for it, or answers for all; undefined: it is not known yet. */
  known(connection: AcceptedConnection): PeerVerdict | undefined;
}

export type TableName = "tcp" | "tcp6";

export interface ProcPeersOptions {
  readonly clock: Clock;
  readonly uid?: number | undefined;
  /** The text of /proc/self/net/NAME. */
  readonly readTable?: (name: TableName) => string;
  readonly notChecked?: string | undefined;
}

/** Scans that may follow each other at once; one more becomes possible each `SCAN_INTERVAL_MS`, 100 a second: a fifth of a core where the table is small. */
const SCANS_AT_ONCE = 10;
const SCAN_INTERVAL_MS = 10;
/**
 * Of a large table: a millisecond for so many characters, several times what they cost, and at most so long: a client's patience
 * is 900 ms. By the table's size and not by a clock, as the machine may be busy with something else.
 */
const CHARACTERS_PER_MS = 20_000;
const MAX_PAUSE_MS = 200;

const NOT_CHECKED: PeerVerdict = { kind: "not-checked" };

interface Waiting {
  readonly connection: AcceptedConnection;
  readonly spellings: readonly string[];
  readonly answer: (verdict: PeerVerdict) => void;
}

/**
 * Linux: the rows of /proc/self/net/tcp and tcp6. A scan costs 2 ms, and 20 ms with 10,000 connections, most of it the
 * kernel's; so those who wait share one, and there are at most 100 a second. Never one that began before the connection was
 * there: its row could be an earlier connection's. While an accepted connection is open, no other has its ends.
 *
 * It is read in one go, though nothing else runs meanwhile: the kernel gives 4 KiB at a time, and with a turn of the event
 * loop for each of them another user's flood of requests held a scan up for longer than a client waits.
 */
export class ProcPeers implements PeerIdentity {
  readonly notChecked: string | undefined;
  readonly #clock: Clock;
  readonly #uid: number | undefined;
  readonly #readTable: (name: TableName) => string;
  readonly #asked = new WeakMap<AcceptedConnection, Promise<PeerVerdict>>();
  readonly #verdicts = new WeakMap<AcceptedConnection, PeerVerdict>();
  readonly #waiting = new Set<Waiting>();
  #isPlanned = false;
  /** Epoch ms. Each scan moves it on by `SCAN_INTERVAL_MS`; it may lie ahead of now by `SCANS_AT_ONCE` of them. */
  #spentUntil = 0;

  constructor({ clock, uid = process.getuid?.(), readTable = readProcTable, ...options }: ProcPeersOptions) {
    this.#clock = clock;
    this.#uid = uid;
    this.#readTable = readTable;
    this.notChecked = "notChecked" in options ? options.notChecked : whyPeersAreUnknown();
  }

  of(connection: AcceptedConnection): Promise<PeerVerdict> {
    if (this.notChecked !== undefined) return Promise.resolve(NOT_CHECKED);
    const asked = this.#asked.get(connection) ?? this.#look(connection);
    this.#asked.set(connection, asked);
    return asked;
  }

  known(connection: AcceptedConnection): PeerVerdict | undefined {
    return this.notChecked === undefined ? this.#verdicts.get(connection) : NOT_CHECKED;
  }

  #look(connection: AcceptedConnection): Promise<PeerVerdict> {
    const spellings = clientEnds(connection);
    if (spellings === undefined) return Promise.resolve({ kind: "gone" }); // reset before it was accepted
    return new Promise((resolve) => {
      const waiting: Waiting = {
        connection,
        spellings,
        answer: (verdict) => {
          cancel();
          this.#waiting.delete(waiting);
          if (verdict.kind === "late") this.#asked.delete(connection);
          else this.#verdicts.set(connection, verdict);
          resolve(verdict);
        },
      };
      const cancel = this.#clock.after(CLIENT_PATIENCE_MS, () => waiting.answer({ kind: "late" }));
      this.#waiting.add(waiting);
      this.#plan();
    });
  }

  /** Not at once: all whose requests came in the same turn of the event loop are in one scan. */
  #plan(): void {
    if (this.#isPlanned || this.#waiting.size === 0) return;
    this.#isPlanned = true;
    const pauseMs = this.#pauseMs();
    if (pauseMs > 0) this.#clock.after(pauseMs, () => this.#scan());
    else setImmediate(() => this.#scan());
  }

  /** How long the next scan has to wait. No timer while there is no client that waits for one. */
  #pauseMs(): number {
    const aheadMs = this.#spentUntil - this.#clock.now();
    const most = SCANS_AT_ONCE * SCAN_INTERVAL_MS;
    if (aheadMs <= most + MAX_PAUSE_MS) return aheadMs + SCAN_INTERVAL_MS - most;
    this.#spentUntil = 0; // the clock was set back
    return 0;
  }

  #scan(): void {
    let characters = 0;
    try {
      characters = this.#answerAll([...this.#waiting]);
    } catch {
      // What cannot be read now (no descriptors left, say) is read again until their time is over: not known is not ours.
    }
    const pauseMs = Math.min(Math.max(SCAN_INTERVAL_MS, characters / CHARACTERS_PER_MS), MAX_PAUSE_MS);
    this.#spentUntil = Math.max(this.#spentUntil, this.#clock.now()) + pauseMs;
    this.#isPlanned = false;
    this.#plan();
  }

  /** tcp6 only for those whom tcp does not have. Gives how much was read. */
  #answerAll(asked: readonly Waiting[]): number {
    let missing = asked;
    let characters = 0;
    for (const name of ["tcp", "tcp6"] as const) {
      if (missing.length === 0) break;
      const table = this.#readTable(name);
      characters += table.length;
      missing = this.#answerFrom(table, missing);
    }
    // A table is read in pieces, between which rows move: who is missing from one is looked for in the next.
    for (const { connection, answer } of missing) if (connection.destroyed) answer({ kind: "gone" });
    return characters;
  }

  /** Gives those that the table does not have. */
  #answerFrom(table: string, asked: readonly Waiting[]): readonly Waiting[] {
    const found = new Map<string, SocketRow[]>(asked.flatMap(({ spellings }) => spellings).map((ends) => [ends, []]));
    for (const row of rowsOf(table, (ends) => found.has(ends))) found.get(row.ends)?.push(row);
    return asked.filter(({ spellings, answer }) => {
      const rows = spellings.flatMap((ends) => found.get(ends) ?? []);
      if (rows.length > 0) answer(verdictOf(rows, this.#uid));
      return rows.length === 0;
    });
  }
}

/** The client's row is the one whose own end is the remote end here. */
function clientEnds(connection: AcceptedConnection): readonly string[] | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = connection;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  if (localAddress === undefined || localPort === undefined) return undefined;
  const client = { address: remoteAddress, port: remotePort };
  return spellingsOf(client, { address: localAddress, port: localPort });
}

/** Of a closing socket the kernel says uid 0, always: only a live one's counts. Root is a user as any other. */
function verdictOf(rows: readonly SocketRow[], ownUid: number | undefined): PeerVerdict {
  const open = rows.find(({ state, inode }) => state === ESTABLISHED && inode !== 0);
  const { uid, inode } = open ?? rows.find((row) => row.inode !== 0) ?? { uid: 0, inode: 0 };
  if (inode === 0) return { kind: "gone" };
  if (uid !== ownUid) return { kind: "other", peer: { uid, inode } };
  return open ? { kind: "own", peer: { uid, inode } } : { kind: "half-closed" };
}

const PIECE_BYTES = 64 * 1024;

function readProcTable(name: TableName): string {
  const file = openSync(`/proc/self/net/${name}`, "r");
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const pieces: string[] = [];
    for (;;) {
      const bytes = readSync(file, piece);
      if (bytes === 0) return pieces.join("");
      pieces.push(piece.toString("latin1", 0, bytes));
    }
  } finally {
    closeSync(file);
  }
}
