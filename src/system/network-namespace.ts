import { readlinkSync } from "node:fs";

/** The inode of this process's network namespace, by which one machine tells them apart; null: there is none to be told (macOS). */
export function networkNamespace(proc = "/proc"): string | null {
  return namespaceAt(`${proc}/self/ns/net`);
}

/** Of a link of `/proc/PID/ns`, as `net:[4026531840]`; null: not there, or not ours to read. */
export function namespaceAt(link: string): string | null {
  try {
    return /^\w+:\[(\d{1,20})\]$/.exec(readlinkSync(link))?.[1] ?? null;
  } catch {
    return null;
  }
}
