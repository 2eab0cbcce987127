import { BrokerError, toBrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { type FileSystem, NodeFileSystem } from "../../files/atomic-file.js";
import { createFileIfAbsent, replaceFileIfUnchanged } from "../../files/replace-file.js";
import type { CliContext } from "../context.js";
import type { KeyEdit } from "./key-edits.js";

/** Behind the name of the file that was copied; the rest tells when. */
export const BACKUP_SUFFIX = ".credbroker-backup-";

/** Cuts keys that are in the secret store out of the user's files. Resolves with the files' paths. */
export async function removeKeyLines(edits: readonly KeyEdit[], { output }: CliContext): Promise<readonly string[]> {
  for (const { file, next } of edits) {
    await replaceFileIfUnchanged({ path: file.path, expected: file.text, next });
    output.say(`removed from ${file.path}: the keys that are in the secret store now`);
  }
  return edits.map(({ file }) => file.path);
}

/**
 * The same with lines that ask us in their place. At every moment a profile has its key or a line that works: AWS gave credentials for
 * each role before anything is touched, a copy of each file is durable before it changes, and a file changes as a whole.
 */
export async function replaceKeyLines(
  { edits, roles, fs = new NodeFileSystem() }: Replacing,
  context: CliContext,
): Promise<readonly string[]> {
  if (edits.length === 0) return [];
  await proveRoles(roles, edits, context);
  const { output } = context;
  const backups: string[] = [];
  for (const { file, next } of edits) {
    const backup = file.path + BACKUP_SUFFIX + stamp(context);
    await createFileIfAbsent({ path: backup, text: file.text }, fs);
    output.say(`${backup} is ${file.path} as it was, with the keys in it (0600)`);
    await replaceFileIfUnchanged({ path: file.path, expected: file.text, next }, fs).catch(async (error: unknown) => {
      // Edited since: it is as it was. After any other failure that cannot be told, and the copy is needed.
      if (toBrokerError(error).code === "Conflict") await fs.remove(backup);
      throw error;
    });
    output.say(`written to ${file.path}: its keys are in the secret store, and it asks brokerctl`);
    const [copy, place] = [shellQuote(backup), shellQuote(file.path)];
    output.hint(`to undo: cp ${copy} ${place}    # once all works: rm ${copy}`);
    backups.push(backup);
  }
  return backups;
}

export interface Replacing {
  readonly edits: readonly KeyEdit[];
  /** That the lines ask for. */
  readonly roles: readonly string[];
  readonly fs?: FileSystem;
}

/** One role after the other: a code of an MFA device works once. */
async function proveRoles(roles: readonly string[], edits: readonly KeyEdit[], context: CliContext): Promise<void> {
  for (const role of roles) {
    try {
      await context.client.call("warm", { role });
    } catch (thrown) {
      const { code, message, hint } = toBrokerError(thrown);
      const paths = edits.map(({ file }) => file.path).join(" and ");
      throw new BrokerError(code, `the keys stay in ${paths}, because role ${role} cannot be had: ${message}`, {
        hint: hint ?? "brokerctl status",
        cause: thrown,
      });
    }
  }
}

/** `20261129T045433Z` */
function stamp({ clock }: CliContext): string {
  return new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, "");
}
