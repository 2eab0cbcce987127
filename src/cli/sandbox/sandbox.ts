import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { findProgram } from "../../system/find-program.js";
import { environmentOfChild } from "../access/child-environment.js";
import type { ChildWords } from "../access/run-child.js";
import type { NeutralAwsFiles } from "../aws-files/copies-stamp.js";
import type { Outcome } from "../command.js";
import type { CliContext, Environment } from "../context.js";
import { checkAbstractSockets, LANDLOCK_WORD, landlockLauncher } from "./abstract-sockets.js";
import { bwrapArguments } from "./bwrap-arguments.js";
import { CONFINED_VARIABLE, confinedEnvironment } from "./environment.js";
import { lendFiles } from "./lend-files.js";
import { LENT_DIRECTORY } from "./places.js";
import { isWithin, type SandboxPlan } from "./plan.js";
import { planSandbox } from "./plan-sandbox.js";
import { type Confined, runConfined } from "./run-confined.js";
import { seatbeltProfile } from "./seatbelt-profile.js";
import { seccompFilter } from "./seccomp-filter.js";
import { bwrapMissing } from "./why-bwrap-fails.js";

export interface ConfineWish {
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** Names of variables that CMD keeps beside those of the list. */
  readonly keptVariables: readonly string[];
  readonly program: string;
}

type Variables = Readonly<Record<string, string>>;

/** Made before there is a lease: what is missing shows first. */
export interface Sandbox {
  run(command: ConfinedCommand): Promise<Outcome>;
}

interface ConfinedCommand extends ChildWords {
  /** Its variables. */
  readonly lease: Variables;
  /** Of `~/.aws`. */
  readonly copies: NeutralAwsFiles;
  readonly handOverTo?: ((pid: number) => Promise<void>) | undefined;
}

/** Rejects where this machine cannot confine, or would lend more than was meant. */
export async function prepareSandbox(wish: ConfineWish, context: CliContext): Promise<Sandbox> {
  const { env, homeDir, files, paths, cwd } = context;
  const { platform } = process;
  const isMac = platform === "darwin";
  const found = await planSandbox(wish, { platform, env, homeDir, files, paths: paths(), workingDirectory: cwd() });
  const confine = isMac ? seatbelt() : await bubblewrap(found, context);
  // Where there are no mounts, a directory of its own.
  const made = isMac ? [await mkdtemp(join(tmpdir(), "credbroker-"))] : [];
  const plan = isMac ? { ...found, scratch: made } : found;
  tellChangeablePrograms(plan, context);
  const base = { ...confinedEnvironment(env, wish.keptVariables), ...marks(plan, isMac) };
  return {
    run: async ({ file, args, lease, copies, handOverTo }) => {
      const lent = lendFiles(lease, paths(), !isMac);
      const lentCopies = lendFiles(copies.files, paths(), !isMac);
      const readable = [...plan.readable, ...lent.shown, ...lentCopies.shown];
      const sockets = lent.shown.map(({ path }) => path);
      const confined = confine({ ...plan, readable, sockets }, [file, ...args]);
      const child = environmentOfChild(base, lent.variables, { ...copies, files: lentCopies.variables });
      try {
        return await runConfined({ ...confined, env: child, handOverTo }, context);
      } finally {
        for (const directory of made) await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

/** brokerd is out of reach inside: our programs there say so and start no other. */
function marks({ workingDirectory, scratch }: SandboxPlan, isMac: boolean): Variables {
  return {
    [CONFINED_VARIABLE]: isMac ? "sandbox-exec" : "bwrap",
    CREDBROKER_NO_AUTOSTART: "1",
    PWD: workingDirectory,
    TMPDIR: scratch[0] ?? "/tmp",
  };
}

type Confine = (plan: SandboxPlan, command: readonly string[]) => Pick<Confined, "file" | "args" | "filter">;

async function bubblewrap(plan: SandboxPlan, context: CliContext): Promise<Confine> {
  const filter = seccompFilter(process.arch);
  if (process.platform !== "linux" || filter === undefined) throw notHere();
  const file = await findBwrap(plan, context.env);
  const launcher = landlockLauncher(context.files.brokerctl);
  if (launcher === undefined) checkAbstractSockets(context);
  const inside = `${LENT_DIRECTORY}/brokerctl`;
  const starter = launcher === undefined ? STARTER : [inside, LANDLOCK_WORD];
  return (whole, command) => {
    const readable = launcher === undefined ? whole.readable : [...whole.readable, { path: launcher, as: inside }];
    return { file, filter, args: bwrapArguments({ ...whole, readable }, [...starter, ...command]) };
  };
}

/** Ends with 126 or 127 where CMD cannot be run, as the launcher does. */
const STARTER = ["/bin/sh", "-c", 'exec "$@"', "sh"];

function notHere(): BrokerError {
  return new BrokerError("NotSupported", `--confine is for Linux on x86-64 and arm64, and for macOS`, {
    hint: "brokerctl exec ROLE -- CMD",
  });
}

const MORE_PATH = ["/usr/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

/** Never one that a confined command could have put there. */
async function findBwrap({ writable }: SandboxPlan, env: Environment): Promise<string> {
  const places = [...(env["PATH"] ?? "").split(delimiter), ...MORE_PATH].filter((path) => isAbsolute(path));
  const safe = places.filter((path) => !writable.some((place) => isWithin(resolve(path), place)));
  const found = await findProgram({
    program: "bwrap",
    searchPath: safe.join(delimiter),
    uid: process.getuid?.() ?? -1,
  });
  if ("path" in found) return found.path;
  if (found.problem.startsWith("there is no")) throw bwrapMissing();
  throw new BrokerError("SandboxUnavailable", found.problem, { hint: found.hint });
}

function seatbelt(): Confine {
  return (plan, command) => ({
    file: "/usr/bin/sandbox-exec",
    filter: undefined,
    args: ["-p", seatbeltProfile(plan), ...STARTER, ...command],
  });
}

/** What runs outside, later, by a name of PATH. */
function tellChangeablePrograms({ writable }: SandboxPlan, { env, output, interactive }: CliContext): void {
  if (!interactive) return;
  const paths = (env["PATH"] ?? "").split(delimiter).filter((path) => isAbsolute(path));
  const found = paths.find((path) => writable.some((place) => isWithin(resolve(path), place)));
  if (found !== undefined) output.warn(`PATH has ${found}, which CMD can write to: you would run what it puts there`);
}
