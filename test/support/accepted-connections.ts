import { readFileSync } from "node:fs";

const ESTABLISHED = "01";
/** A connection that the kernel has made and the program has not taken yet. */
const NOBODYS = "0";

/**
 * How many connections to this port of 127.0.0.1 the program that listens there has taken, by the kernel's own table
 * (Linux): a client that is connected may still wait in the queue, where a closing listener resets it.
 */
export function acceptedConnections(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, address, , state, , , , , , inode]) => address === local && state === ESTABLISHED && inode !== NOBODYS)
    .length;
}
