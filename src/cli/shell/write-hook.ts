import { lstat, mkdir, writeFile } from "node:fs/promises";
import type { LeaseAccess } from "../../control-api/lease-contract.js";
import { hashLeaseToken } from "../../core/lease.js";
import {
  HOOKED_SHELLS,
  type HookedShell,
  hookFile,
  isStartLine,
  leaseFileName,
  renderLeaseLine,
  renderStartLine,
  shellDirectory,
} from "../../core/shell-files.js";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import { ensurePrivateDirectory } from "../../files/private-directory.js";
import { readRegularFile } from "../../files/read-small-file.js";
import { competingFile } from "../aws-files/competing-file.js";
import type { CliContext } from "../context.js";
import { hookScript, quotedFor } from "./shell-scripts.js";

/** brokerd is asked while a shell starts: it is not waited for. */
const PATIENCE_MS = 1000;

/** Renders the hook into the file that start files read. Never starts brokerd: while that does not run, the first line stays as it was. */
export async function writeHook(shell: HookedShell, context: CliContext): Promise<void> {
  const paths = context.paths();
  const path = hookFile(paths.stateDir, shell);
  await ensurePrivateDirectory(paths.stateDir);
  await ensurePrivateDirectory(shellDirectory(paths.stateDir));
  await mkdir(`${shellDirectory(paths.stateDir)}/leases`, { recursive: true, mode: 0o700 });
  const held = await readRegularFile(path).catch(() => "");
  const preface = await prefaceFor(shell, context);
  const script = await hookScript({ shell, paths, version: context.version, preface });
  const text = `${await startLine(shell, held, context)}\n${script}`;
  if (text !== held || !(await isPrivateFile(path)))
    await writeFileAtomic(new NodeFileSystem(), path, Buffer.from(text));
}

/** Not a link, and readable by this user only. */
async function isPrivateFile(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && found.isFile() && (found.mode & 0o777) === 0o600;
}

async function startLine(shell: HookedShell, held: string, { quietClient, paths }: CliContext): Promise<string> {
  try {
    const options = { timeoutMs: PATIENCE_MS };
    const access = await quietClient.call("lease-access", { lease: { by: "default" } }, options);
    const { leaseUrl, token, region } = access;
    await writeLeaseFile(access, shellDirectory(paths().stateDir));
    return renderStartLine(shell, { url: leaseUrl, tokenHash: hashLeaseToken(token), region });
  } catch {
    const [line = ""] = held.split("\n", 1);
    return isStartLine(line) ? line : renderStartLine(shell, undefined);
  }
}

/** brokerd sees a directory that was just made a few seconds later; what it has written already is newer than ours. */
async function writeLeaseFile({ lease, token, region }: LeaseAccess, directory: string): Promise<void> {
  const { role, expiresAt, temporary } = lease;
  const line = renderLeaseLine({
    ...{ role, expiresAt, region },
    until: temporary?.until ?? null,
    then: temporary?.thenRole ?? null,
  });
  const path = `${directory}/leases/${leaseFileName(hashLeaseToken(token))}`;
  await writeFile(path, `${line}\n`, { flag: "wx", mode: 0o600 }).catch(() => undefined);
}

/** As `env` does it: a shell in which `~/.aws` would keep some program from the broker gets copies without that. */
async function prefaceFor(shell: HookedShell, context: CliContext): Promise<string> {
  const competing = await competingFile(context);
  const copies = `${context.paths().stateDir}/aws/`;
  // In a shell that has the copies already, they do not compete, and are still what a new shell needs.
  if (competing === undefined && !context.env["AWS_CONFIG_FILE"]?.startsWith(copies)) return "";
  const problem = competing?.problem;
  if (problem !== undefined) context.output.warn(`${problem}: shells with the hook get copies without it`);
  const { neutralAwsFiles } = await import("../aws-files/neutral-aws-files.js");
  const { files, defaultSettings } = await neutralAwsFiles(context);
  const region = defaultSettings["AWS_REGION"];
  const others = Object.entries(defaultSettings).filter(([name]) => !name.endsWith("_REGION"));
  const line = LINES[shell === "fish" ? "fish" : "sh"];
  const lines = [
    ...Object.entries(files).map(([name, value]) => line.always(name, quotedFor(shell, value))),
    ...others.map(([name, value]) => line.unlessSet(name, quotedFor(shell, value))),
    // The hook sets it where a role names none.
    ...(region === undefined ? [] : [line.own("__credbroker_home_region", quotedFor(shell, region))]),
  ];
  return `${lines.join("\n")}\n`;
}

type Line = (name: string, quoted: string) => string;

const LINES: Readonly<Record<"sh" | "fish", Readonly<Record<"always" | "unlessSet" | "own", Line>>>> = {
  sh: {
    always: (name, value) => `export ${name}=${value}`,
    unlessSet: (name, value) => `[[ -n \${${name}+set} ]] || export ${name}=${value}`,
    own: (name, value) => `${name}=${value}`,
  },
  fish: {
    always: (name, value) => `set -gx ${name} ${value}`,
    unlessSet: (name, value) => `set -q ${name}; or set -gx ${name} ${value}`,
    own: (name, value) => `set -g ${name} ${value}`,
  },
};

/**
 * Start files that read the hook's file never call `brokerctl hook` again: after an upgrade the first command in a shell
 * with the older hook writes the file anew, for the shells to come. `mark`: `SHELL:VERSION`, as the hook gives it. What
 * fails here fails silently: the command itself is done.
 */
export async function renewHook(mark: string, context: CliContext): Promise<void> {
  const shell = HOOKED_SHELLS.find((name) => mark.startsWith(`${name}:`));
  if (shell === undefined) return;
  try {
    const held = await readRegularFile(hookFile(context.paths().stateDir, shell)); // gone: uninstalled, or never there
    if (!held.includes(`=${shell}:${context.version} `) && !held.includes(` ${shell}:${context.version}\n`)) {
      await writeHook(shell, context);
    }
  } catch {
    // The older hook still works.
  }
}
