import { endianness } from "node:os";

/** One row of /proc/net/tcp or tcp6: a socket as the kernel tells of it. */
export interface SocketRow {
  /** Both ends, its own first, as the kernel prints them: `0100007F:D431 0100007F:8AE2`. */
  readonly ends: string;
  /** Two hexadecimal digits: `01` established, `0A` listening. */
  readonly state: string;
  /** Of who made the socket. Of one that its program has closed it is 0, always: see `inode`. */
  readonly uid: number;
  /** 0: no program has it any more, and `uid` says nothing. */
  readonly inode: number;
}

export const ESTABLISHED = "01";
export const LISTENING = "0A";

/** The rows whose ends are wanted. One pass, and an object for these only: a table may have ten thousand. */
export function rowsOf(table: string, wanted: (ends: string) => boolean): readonly SocketRow[] {
  const rows: SocketRow[] = [];
  let at = endOfLine(table, 0) + 1;
  while (at < table.length) {
    const end = endOfLine(table, at);
    // `   0: 0100007F:D431 0100007F:8AE2 01 …`; addresses have 8 digits, or 32.
    const from = table.indexOf(": ", at) + 2;
    const until = table.indexOf(" ", table.indexOf(" ", from) + 1);
    const ends = table.slice(from, until);
    if (until > from && until < end && wanted(ends)) rows.push(rowFrom(ends, table.slice(until + 1, end)));
    at = end + 1;
  }
  return rows;
}

function endOfLine(table: string, from: number): number {
  const end = table.indexOf("\n", from);
  return end === -1 ? table.length : end;
}

/** proc(5), after the addresses: st tx:rx tr:when retrnsmt uid timeout inode. */
function rowFrom(ends: string, rest: string): SocketRow {
  const [state = "", , , , uid, , inode] = rest.trim().split(/\s+/);
  return { ends, state, uid: Number(uid), inode: Number(inode) };
}

export interface SocketEnd {
  /** Any of IPv4, mapped or not; of IPv6 `::1` and `::`. */
  readonly address: string;
  readonly port: number;
}

/** How the tables spell a socket's two ends: in tcp, and in tcp6, where an address of IPv4 is mapped. */
export function spellingsOf(own: SocketEnd, other: SocketEnd): readonly string[] {
  const others = spellingsOfEnd(other);
  return spellingsOfEnd(own).map((spelled, index) => `${spelled} ${others[index] ?? ""}`);
}

export function spellingsOfEnd({ address, port }: SocketEnd): readonly string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  if (!address.includes(".")) return [`${words(0, 0, 0, address === "::" ? 0 : 1)}:${hexPort}`];
  const four = fourWord(address);
  return [`${words(four)}:${hexPort}`, `${words(0, 0, 0xff_ff, four)}:${hexPort}`];
}

function fourWord(address: string): number {
  const bytes = address.slice(address.lastIndexOf(":") + 1).split(".");
  return bytes.reduce((value, byte) => value * 256 + Number(byte), 0);
}

/** The kernel prints each 32-bit word of an address as a number of the machine's own byte order. */
function words(...values: readonly number[]): string {
  return values.map((value) => inOwnOrder(value.toString(16).toUpperCase().padStart(8, "0"))).join("");
}

function inOwnOrder(digits: string): string {
  return endianness() === "BE" ? digits : (digits.match(/../g) ?? []).toReversed().join("");
}
