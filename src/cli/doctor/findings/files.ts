import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { shellQuote } from "../../../core/shell-quote.js";
import {
  ensureOwnFile,
  ensurePrivateDirectory,
  ensurePrivateFile,
  refuseSwappableHome,
} from "../../../files/private-directory.js";
import type { BrokerPaths } from "../../../system/paths.js";
import type { Finding, Offer } from "../finding.js";
import type { Shell } from "../sdk/shell.js";
import { findingOf } from "./daemon.js";

/** Owners and modes of what is ours, by the checks that brokerd itself makes. Nothing is made, and nothing changed. */
export async function ownFiles({ home, configFile, stateDir, runtimeDir }: BrokerPaths): Promise<readonly Finding[]> {
  const checks: (() => Promise<unknown>)[] = [
    ...(home === undefined ? [] : [() => Promise.resolve(home).then((path) => refuseSwappableHome(path))]),
    ...[...new Set([stateDir, runtimeDir])].filter(existsSync).map((path) => () => ensurePrivateDirectory(path)),
    ...(existsSync(configFile) ? [() => ensureOwnFile(configFile)] : []),
  ];
  const found = await Promise.all(checks.map(problemOf));
  const files = await Promise.all(filesIn(stateDir).map((path) => problemOf(() => ensurePrivateFile(path))));
  const paths = [...(home === undefined ? [] : [home]), stateDir, runtimeDir, configFile, ...filesIn(stateDir)];
  return [...found, ...files].filter((each) => each !== undefined).map((each) => withOffer(each, paths));
}

async function problemOf(check: () => Promise<unknown>): Promise<Finding | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return findingOf("own-files", error);
  }
}

function filesIn(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => join(directory, name));
  } catch {
    return []; // the directory is a finding itself
  }
}

/** Only where the hint is a `chmod` of a path that is ours. */
function withOffer(finding: Finding, paths: readonly string[]): Finding {
  const [, mode] = /^chmod (600|700) /.exec(finding.fix ?? "") ?? [];
  const path = paths.find((each) => finding.fix === `chmod ${mode ?? ""} ${shellQuote(each)}`);
  if (mode === undefined || path === undefined || lstatSync(path).uid !== process.getuid?.()) return finding;
  const offer: Offer = { do: "chmod", path, mode: Number.parseInt(mode, 8) };
  return { ...finding, offer };
}

const READABLE_BY_OTHERS = 0o044;
const WRITABLE_BY_OTHERS = 0o022;

/** The user's own AWS files, which are not ours to change. */
export function awsFileModes({ files }: Shell): readonly Finding[] {
  const directories = new Set([dirname(files.config), dirname(files.credentials)]);
  return [
    ...[...directories].flatMap((path) => writable(path)),
    ...writable(files.config),
    ...writable(files.credentials),
    ...readable(files.credentials),
  ];
}

function writable(path: string): readonly Finding[] {
  if ((modeOf(path) & WRITABLE_BY_OTHERS) === 0) return [];
  const message = `${path} can be written by other users, who could put a credential_process into it`;
  return [{ id: "aws-files-writable", severity: "error", message, fix: `chmod go-w ${shellQuote(path)}` }];
}

function readable(path: string): readonly Finding[] {
  if ((modeOf(path) & READABLE_BY_OTHERS) === 0) return [];
  const message = `${path} can be read by other users`;
  return [{ id: "aws-files-readable", severity: "warning", message, fix: `chmod go-r ${shellQuote(path)}` }];
}

/** 0: there is no such file, or it may not be looked at. */
function modeOf(path: string): number {
  try {
    return statSync(path).mode;
  } catch {
    return 0;
  }
}
