import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Outcome } from "./broker.js";
import { registrySettings } from "./packed.js";
import { runToEnd } from "./processes.js";
import { tempDir } from "./temp-dir.js";
import { inVenv } from "./venv.js";

const UID = 61_234;
const NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"];
const LIMIT_S = 280;

export interface FreshUserRun {
  readonly tarball: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
}

/** How `scripts/fresh-user` ended, and the home that it ran in. */
export interface FreshUserOutcome extends Outcome {
  readonly home: string;
}

/**
 * Runs `scripts/fresh-user TARBALL ARGS…` in an empty home with this machine's Node, the AWS CLI of `.venv` and the way to
 * npm's registry, and nothing else of ours: as root as another user, else as this one.
 */
export async function runFreshUser({ tarball, args, env, input }: FreshUserRun): Promise<FreshUserOutcome> {
  const home = tempDir("fresh-user");
  const box = boxOf(tarball);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(home, UID, UID);
  const seen = isRoot ? { home: "/home/fresh", box: "/mnt/box" } : { home, box };
  const variables = {
    ...registrySettings(),
    ...env,
    HOME: seen.home,
    PATH: isRoot ? "/mnt/bin:/mnt/node/bin:/usr/bin:/bin" : `${dirname(inVenv("aws"))}:${process.env["PATH"] ?? ""}`,
    LANG: "C.UTF-8",
  };
  // A cache of their own, as on a new machine.
  const settings = Object.entries(variables).filter(([name]) => name !== "npm_config_cache");
  const command = [
    ...settings.map(([name, value]) => `${name}=${value}`),
    join(seen.box, "scripts", "fresh-user"),
    join(seen.box, basename(tarball)),
    ...args,
  ];
  const wrapped = isRoot
    ? ["unshare", ...NAMESPACES, "sh", ...inNamespaces(home, box), ...command]
    : ["env", "-i", ...command];
  const outcome = await runToEnd(wrapped, {
    env: { PATH: process.env["PATH"] ?? "" },
    cwd: "/",
    seconds: LIMIT_S,
    input,
  });
  return { ...outcome, home };
}

/** What a stranger downloads: the tarball and the scripts, readable for all. */
function boxOf(tarball: string): string {
  const box = tempDir("box", "input");
  chmodSync(box, 0o755);
  mkdirSync(join(box, "scripts"));
  for (const name of ["fresh-user", "install", "uninstall"])
    cpSync(resolve("scripts", name), join(box, "scripts", name));
  cpSync(tarball, join(box, basename(tarball)));
  chmodSync(join(box, basename(tarball)), 0o644);
  return box;
}

function inNamespaces(home: string, box: string): readonly string[] {
  const code = "import sys, sysconfig; print(sys.base_prefix); print(sysconfig.get_path('purelib'))";
  const { stdout } = spawnSync(inVenv("python"), ["-c", code], { encoding: "utf8" });
  const [python = "", packages = ""] = stdout.trim().split("\n");
  const program = basename(realpathSync(inVenv("python")));
  const node = dirname(dirname(realpathSync(process.execPath)));
  return [resolve("test/support/fresh-user.sh"), String(UID), home, box, node, python, program, packages];
}
