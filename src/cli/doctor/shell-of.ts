import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { READ_AT_ONCE } from "../../files/read-small-file.js";
import { awsFiles } from "../aws-files/aws-files.js";
import type { CliContext } from "../context.js";
import { type Shell, said } from "./sdk/shell.js";

/** More than any file that an SDK reads for credentials. */
const MAX_BYTES = 1024 * 1024;

/** The shell that brokerctl was started from, each file read once. */
export function shellOf(context: CliContext): Shell {
  const { env, homeDir, clock } = context;
  const read = new Map<string, string | undefined>();
  return {
    ...{ env, home: said(env, "HOME") ?? homeDir, files: awsFiles(context), now: clock.now() },
    text: (path) => {
      if (!read.has(path)) read.set(path, textOf(path));
      return read.get(path);
    },
  };
}

function textOf(path: string): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, READ_AT_ONCE);
    const stats = fstatSync(descriptor);
    return stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(descriptor, "utf8") : undefined;
  } catch {
    return undefined; // an SDK cannot read it either
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
