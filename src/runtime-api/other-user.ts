import { readFileSync } from "node:fs";

/** The two ends of a loopback connection, as the server sees it. */
export interface Connection {
  /** IPv4. */
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localPort?: number | undefined;
}

export interface OtherUserOptions {
  /** What /proc/self/net/tcp and tcp6 say. */
  readonly table?: string;
  readonly uid?: number | undefined;
}

/**
 * Whether the program at the other end is certainly another user's, or gone already. Root is not kept out: it can
 * read the event anyhow, and programs in containers run as it. Where the system does not tell (anywhere but on Linux): no.
 */
export function isOtherUser(
  connection: Connection,
  { table = connectionTable(), uid = process.getuid?.() }: OtherUserOptions = {},
): boolean {
  const row = rowOf(connection, table);
  return row !== undefined && uid !== undefined && !isLiveAndOf(row, ["0", String(uid)]);
}

/** The client's row, from its state on. The address counts too: 127.0.0.2 may have a connection from the same port. */
function rowOf({ remoteAddress, remotePort, localPort }: Connection, table: string): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) return undefined;
  const from = `(?:${V4_MAPPED})?${littleEndian(remoteAddress)}:${hex(remotePort)}`;
  return new RegExp(`^ *\\d+: ${from} [0-9A-F]{8,32}:${hex(localPort)} (.*)$`, "m").exec(table)?.[1];
}

const V4_MAPPED = "0000000000000000FFFF0000";

/** As the kernel prints addresses on the machines that there are. */
function littleEndian(address: string): string {
  const bytes = address.split(".").map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, "0"));
  return bytes.toReversed().join("");
}

const ESTABLISHED = "01";

/** proc(5), after the addresses: st tx:rx tr:when retrnsmt uid timeout inode. Of closing sockets the uid says nothing. */
function isLiveAndOf(row: string, uids: readonly string[]): boolean {
  const [state, , , , uid = "", , inode] = row.trim().split(/\s+/);
  return state === ESTABLISHED && inode !== "0" && uids.includes(uid);
}

function connectionTable(): string {
  return ["tcp", "tcp6"].map((name) => readOrNothing(`/proc/self/net/${name}`)).join("\n");
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
