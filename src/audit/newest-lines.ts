import { open } from "node:fs/promises";
import { type AuditLine, parseAuditLine } from "../core/audit-line.js";
import { hasErrno } from "../core/errno.js";
import { numberedFiles } from "../files/numbered-files.js";
import { READ_AT_ONCE, readRegularFile } from "../files/read-small-file.js";

/** Of one log: about a thousand lines. Clients of the endpoint wait while lines are parsed. */
const MAX_BYTES = 512 * 1024;

/** Of the file that is written now, those that hold `text`; none where it cannot be read. */
export async function linesHolding(path: string, text = ""): Promise<readonly AuditLine[]> {
  const lines = (await readRegularFile(path).catch(() => "")).split("\n");
  return lines.flatMap((line) => (line.includes(text) ? (parseAuditLine(line) ?? []) : []));
}

/** The newest lines of a log, over its rotated files, the oldest first: at most `most`, and no more than the last bytes hold. */
export async function newestLines(path: string, most: number): Promise<readonly AuditLine[]> {
  let lines: readonly AuditLine[] = [];
  let left = MAX_BYTES;
  for (const file of (await numberedFiles(path)).toReversed()) {
    if (lines.length >= most || left <= 0) break;
    const text = await endOf(file, left);
    left -= text.length;
    lines = [...text.split("\n").flatMap((line) => parseAuditLine(line) ?? []), ...lines];
  }
  return lines.slice(-most);
}

/** The first line of it may be a part of one: it is no JSON, and passed over. */
async function endOf(path: string, bytes: number): Promise<string> {
  try {
    const file = await open(path, READ_AT_ONCE);
    try {
      const { size } = await file.stat();
      const length = Math.min(size, bytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return "";
    throw error;
  }
}
