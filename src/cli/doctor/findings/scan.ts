import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { reasonOf } from "../../../core/errno.js";
import { BrokerError } from "../../../core/errors.js";
import { shellQuote } from "../../../core/shell-quote.js";
import { READ_AT_ONCE } from "../../../files/read-small-file.js";
import { type Finding, redacted } from "../finding.js";
import { LONG_TERM_KEY_ID } from "./long-term-keys.js";

/** What projects keep configuration in, and people put keys into. */
const NAMES =
  /^(?:\.env(?:\..*|rc)?|.*\.env|serverless[\w.-]*\.(?:ya?ml|json|ts|js)|(?:template|sam[\w.-]*)\.(?:ya?ml|json|toml))$/;
/** Other people's code, and what has no text. */
const LEFT_OUT: readonly string[] = ["node_modules", ".git", ".venv", "vendor", "dist", "target"];
const MAX_ENTRIES = 20_000;
const MAX_DEPTH = 12;
const MAX_BYTES = 1024 * 1024;
const READ_NO_LINK = READ_AT_ONCE | constants.O_NOFOLLOW;

/** Long-term keys in the files of projects below a directory. They are read for this only, and used for nothing. */
export function scan(directory: string): readonly Finding[] {
  const root = rootOf(directory);
  const walk: Walk = { root, left: MAX_ENTRIES, isCut: false, findings: [] };
  visit(root, 0, walk);
  if (!walk.isCut) return walk.findings;
  const message = `not all of ${root} was looked at: at most ${MAX_ENTRIES} entries, ${MAX_DEPTH} directories deep`;
  return [...walk.findings, { id: "scan-cut", severity: "note", message, fix: "brokerctl doctor --scan DIR" }];
}

interface Walk {
  readonly root: string;
  left: number;
  isCut: boolean;
  readonly findings: Finding[];
}

function rootOf(directory: string): string {
  try {
    const root = realpathSync(directory);
    readdirSync(root);
    return root;
  } catch (cause) {
    throw new BrokerError("UsageInvalid", `--scan: cannot read ${directory}: ${reasonOf(cause)}`, {
      hint: `ls -ld ${shellQuote(directory)}`,
      cause,
    });
  }
}

/**
 * What is a link is passed over, also one that has taken a directory's place since it was listed. Between that look and the
 * listing one could still come in: then file names elsewhere are looked at, and no file that is itself a link.
 */
function visit(directory: string, depth: number, walk: Walk): void {
  if (depth > MAX_DEPTH) walk.isCut = true;
  if (walk.isCut || !isInside(directory, walk.root)) return;
  for (const entry of entriesOf(directory)) {
    if (walk.left-- <= 0) {
      walk.isCut = true;
      return;
    }
    const path = join(directory, entry.name);
    if (entry.isDirectory() && !LEFT_OUT.includes(entry.name)) visit(path, depth + 1, walk);
    else if (entry.isFile() && NAMES.test(entry.name)) walk.findings.push(...keysIn(path, textOf(path)));
  }
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return []; // not ours to read
  }
}

function isInside(directory: string, root: string): boolean {
  try {
    const real = realpathSync(directory);
    return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep);
  } catch {
    return false;
  }
}

function textOf(path: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, READ_NO_LINK);
    const stats = fstatSync(descriptor);
    return stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(descriptor, "utf8") : "";
  } catch {
    return "";
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function keysIn(path: string, text: string): readonly Finding[] {
  return text.split("\n").flatMap((line, index) =>
    (line.match(LONG_TERM_KEY_ID) ?? []).map((id): Finding => {
      const message = `the long-term key ${redacted(id)} stands in ${path}, line ${index + 1}`;
      return {
        id: "long-term-key-in-project",
        severity: "warning",
        message,
        fix: `brokerctl keys add key-${id.slice(-4)}`,
      };
    }),
  );
}
