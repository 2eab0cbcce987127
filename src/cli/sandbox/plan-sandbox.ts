import { lstat, readlink, realpath } from "node:fs/promises";
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { BrokerPaths } from "../../system/paths.js";
import type { Environment } from "../context.js";
import { HOME_PLACES, HOME_SCRATCH_PLACES, MAC_SYSTEM_PLACES, SCRATCH_PLACES, SYSTEM_PLACES } from "./places.js";
import { isWithin, type SandboxPlan, type Shown } from "./plan.js";
import { isNeverShown, refusePlace } from "./refuse-place.js";
import { targetOf } from "./target-of.js";

export interface SandboxWish {
  /** As typed after `--writable` and `--readable`. */
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** The program to run, as typed. */
  readonly program: string;
}

export interface SandboxMachine {
  readonly platform: NodeJS.Platform;
  readonly env: Environment;
  readonly homeDir: string;
  readonly workingDirectory: string;
  readonly paths: BrokerPaths;
  /** What runs us: programs inside may run it, too. */
  readonly files: { readonly node: string; readonly brokerctl: string };
}

/** Looks at what there is, and refuses what would lend more than was meant. */
export async function planSandbox(wish: SandboxWish, machine: SandboxMachine): Promise<SandboxPlan> {
  const home = await realpath(machine.homeDir).catch(() => machine.homeDir);
  const workingDirectory = await realpath(machine.workingDirectory);
  const ours = await oursOf(machine, home);
  refusePlace(workingDirectory, { home, ours, what: "the working directory" });
  const writable = [workingDirectory];
  for (const typed of wish.writable) {
    const path = await named(typed, "--writable", writable);
    refusePlace(path, { home, ours, what: "--writable" });
    writable.push(path);
  }
  const readable: Shown[] = [];
  for (const typed of wish.readable) {
    const path = await named(typed, "--readable", writable);
    refusePlace(path, { home, ours, what: "--readable" });
    readable.push({ path, as: path });
  }
  const system = await systemOf(machine.platform);
  const shown = [...system.readable.map(({ as }) => as), ...system.links.map(({ path }) => path), ...writable];
  const isNew = ({ as }: Shown): boolean => !shown.some((place) => isWithin(as, place));
  const isHarmless = ({ path, as }: Shown): boolean =>
    !touchesAny(path, ours) &&
    !touchesAny(as, ours) &&
    !isWithin(home, path) &&
    !isWithin(home, as) &&
    !isNeverShown(path);
  const names = [
    ...HOME_PLACES.map((name) => join(home, name)),
    ...(await programsOf(wish.program, machine, writable)),
  ];
  const found = await shownAs(names, writable);
  const more = found.filter((place) => isNew(place) && isHarmless(place));
  const git = await gitOf(writable);
  return {
    ...{ home, workingDirectory, links: system.links, ...git, sockets: [] },
    readable: unique([...system.readable, ...more, ...readable.filter(isNew)]),
    writable: outermost(writable),
    scratch: [...SCRATCH_PLACES, ...HOME_SCRATCH_PLACES.map((name) => join(home, name))],
  };
}

/** Where the broker's own files lie, and other credentials for AWS: never shown, not even by name. */
async function oursOf({ paths, env }: SandboxMachine, home: string): Promise<readonly string[]> {
  const runtime = env["XDG_RUNTIME_DIR"];
  const all = [paths.stateDir, paths.runtimeDir, dirname(paths.configFile), join(home, ".aws")];
  if (runtime !== undefined && isAbsolute(runtime)) all.push(runtime);
  return Promise.all(all.map(async (path) => realpath(path).catch(() => path)));
}

function touchesAny(path: string, places: readonly string[]): boolean {
  return places.some((place) => isWithin(path, place) || isWithin(place, path));
}

/** A link that lies where the command may write may have been made by what was confined there before. */
async function named(typed: string, flag: string, writable: readonly string[]): Promise<string> {
  const path = resolve(writable[0] ?? "/", typed);
  const real = await realpath(path).catch((cause: unknown) => {
    throw new BrokerError("UsageInvalid", `${flag}: there is no ${path}`, {
      hint: `mkdir -p ${shellQuote(path)}`,
      cause,
    });
  });
  if ((await targetOf(path, writable)) === undefined) {
    throw new BrokerError("UsageInvalid", `${flag}: ${path} leads out of the working directory, to ${real}`, {
      hint: `brokerctl exec ROLE --confine ${flag} ${shellQuote(real)} -- CMD`,
    });
  }
  return real;
}

interface SystemPlaces {
  readonly readable: readonly Shown[];
  readonly links: SandboxPlan["links"];
}

async function systemOf(platform: NodeJS.Platform): Promise<SystemPlaces> {
  const readable: Shown[] = [];
  const links: { path: string; target: string }[] = [];
  for (const path of platform === "darwin" ? MAC_SYSTEM_PLACES : SYSTEM_PLACES) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSymbolicLink()) links.push({ path, target: await readlink(path) });
    else if (found) readable.push({ path, as: path });
  }
  // Where it is a link to what systemd-resolved writes: names are found by it.
  const names = await realpath("/etc/resolv.conf").catch(() => undefined);
  if (names !== undefined && isWithin(names, "/run")) readable.push({ path: names, as: names });
  return { readable, links };
}

/** The directories of PATH, the program itself where a link there leads to it, and what runs us. */
async function programsOf(
  program: string,
  { env, files, workingDirectory }: SandboxMachine,
  writable: readonly string[],
): Promise<readonly string[]> {
  const directories = (env["PATH"] ?? "").split(delimiter).filter((path) => isAbsolute(path));
  const candidates = program.includes("/")
    ? [resolve(workingDirectory, program)]
    : directories.map((path) => join(path, program));
  const found = await Promise.all(candidates.map(async (path) => targetOf(path, writable)));
  const first = found.find((path) => path !== undefined);
  const own = [files.node, dirname(dirname(files.brokerctl))];
  return [...directories.map((path) => resolve(path)), ...(first === undefined ? [] : [first]), ...own];
}

async function shownAs(paths: readonly string[], writable: readonly string[]): Promise<readonly Shown[]> {
  const all = await Promise.all(paths.map(async (as) => ({ as, path: await targetOf(as, writable) })));
  return all.flatMap(({ as, path }) => (path === undefined ? [] : [{ as, path }]));
}

/** A mount within another one could be led elsewhere between our look and the mount, by a command that runs there just now. */
function outermost(places: readonly string[]): readonly string[] {
  const all = [...new Set(places)];
  return all.filter((path) => !all.some((other) => other !== path && isWithin(path, other)));
}

function unique(places: readonly Shown[]): readonly Shown[] {
  return [...new Map(places.map((place) => [place.as, place])).values()];
}

/**
 * Hooks and settings of a repository run programs outside, for the user who has git do something there next. `.git` itself is pinned: else it could be moved,
 * and another one put in its place. Where the user names `.git` as writable, all of it is.
 */
async function gitOf(writable: readonly string[]): Promise<Pick<SandboxPlan, "pinned" | "kept">> {
  const pinned: string[] = [];
  const kept: string[] = [];
  for (const directory of writable.filter((path) => basename(path) !== ".git").map((path) => join(path, ".git"))) {
    const isDirectory = (await lstat(directory).catch(() => undefined))?.isDirectory() === true;
    if (!isDirectory || writable.includes(directory)) continue;
    pinned.push(directory);
    for (const path of [join(directory, "hooks"), join(directory, "config")]) {
      const found = await lstat(path).catch(() => undefined);
      if (found?.isDirectory() || found?.isFile()) kept.push(path);
    }
  }
  return { pinned, kept };
}
