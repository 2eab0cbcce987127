import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import { type Clock, SystemClock } from "../clock.js";
import { DAEMON_NODE_FLAGS } from "../node-flags.js";
import { LAUNCHD_LABEL, type LaunchAgent, readLaunchAgent, renderLaunchAgent } from "./launchd-plist.js";
import { readIfThere } from "./read-if-there.js";
import { oneLine } from "./run-tool.js";
import { type StablePath, stablePath } from "./stable-path.js";
import type {
  Supervisor,
  SupervisorInstall,
  SupervisorInstalled,
  SupervisorOwnership,
  SupervisorPlace,
  SupervisorProblem,
  SupervisorState,
  ToolRun,
} from "./supervisor.js";
import { serviceEnvironment } from "./systemd-environment.js";

const LAUNCHCTL = "/bin/launchctl";
/** brokerd itself is killed after 5 s; launchd's own limit is 20 s. */
const END_LIMIT_MS = 25_000;
const POLL_MS = 100;

/** One LaunchAgent, `~/Library/LaunchAgents/credbroker.brokerd.plist`, in the domain of the user's login session. */
export class Launchd implements Supervisor {
  readonly name = "launchd";
  readonly files: readonly string[];
  readonly #place: SupervisorPlace;
  readonly #clock: Clock;
  readonly #file: string;
  readonly #domain: string;

  constructor(place: SupervisorPlace, clock: Clock = new SystemClock()) {
    this.#place = place;
    this.#clock = clock;
    this.#file = join(place.homeDir, "Library", "LaunchAgents", `${LAUNCHD_LABEL}.plist`);
    this.files = [this.#file];
    this.#domain = `gui/${place.uid}`;
  }

  async ownership(): Promise<SupervisorOwnership> {
    const text = await readIfThere(this.#file).catch(() => ""); // unreadable: not ours to touch
    return text === undefined ? "absent" : this.#ownershipOf(readLaunchAgent(text));
  }

  async state(): Promise<SupervisorState> {
    const ownership = await this.ownership();
    const agent = readLaunchAgent((await readIfThere(this.#file).catch(() => undefined)) ?? "");
    const printed = await this.#launchctl("print", this.#target);
    const home = agent?.environment["CREDBROKER_HOME"];
    return {
      ownership,
      configFile: home === undefined ? null : join(home, "config.yaml"),
      running: ownership === "ours" && isRunning(printed),
      holdsSockets: false,
      confined: false,
      unreadableNode: null,
      command: agent?.command ?? [],
      problems: ownership === "ours" && agent ? this.#problemsOf(agent, printed) : [],
    };
  }

  async install({ needsPath }: SupervisorInstall): Promise<SupervisorInstalled> {
    await this.#refuseForeign();
    const { agent, notes } = this.#wanted(needsPath);
    const next = renderLaunchAgent(agent);
    const before = await readIfThere(this.#file);
    if (before === next) return { written: [], notes };
    await this.#assertReachable();
    await mkdir(dirname(this.#file), { recursive: true });
    await writeFileAtomic(new NodeFileSystem(), this.#file, Buffer.from(next));
    try {
      // What launchd holds is the former text: the next start hands it the new one.
      await this.#bootOut();
    } catch (error) {
      await this.#putBack(before);
      throw error;
    }
    return { written: [this.#file], notes };
  }

  async uninstall(): Promise<{ readonly removed: readonly string[] }> {
    await this.#refuseForeign();
    await this.#bootOut();
    if ((await readIfThere(this.#file)) === undefined) return { removed: [] };
    await rm(this.#file);
    return { removed: [this.#file] };
  }

  async start(): Promise<void> {
    if (await this.#isLoaded()) await this.#must("kickstart", this.#target);
    else await this.#bootIn();
  }

  async stop(): Promise<void> {
    await this.#bootOut();
  }

  async restart(): Promise<void> {
    if (await this.#isLoaded()) await this.#must("kickstart", "-k", this.#target);
    else await this.#bootIn();
  }

  get #target(): string {
    return `${this.#domain}/${LAUNCHD_LABEL}`;
  }

  #ownershipOf(agent: LaunchAgent | undefined): SupervisorOwnership {
    return agent?.environment["CREDBROKER_HOME"] === dirname(this.#place.paths.configFile) ? "ours" : "foreign";
  }

  async #refuseForeign(): Promise<void> {
    if ((await this.ownership()) !== "foreign") return;
    const home = readLaunchAgent((await readIfThere(this.#file)) ?? "")?.environment["CREDBROKER_HOME"];
    if (home === undefined) {
      throw new BrokerError("Conflict", `${this.#file} is there and was not written by brokerctl`, {
        hint: `mv ${shellQuote(this.#file)} ${shellQuote(`${this.#file}.old`)}`,
      });
    }
    throw new BrokerError("Conflict", `${this.#file} serves another home: ${home}`, {
      hint: `CREDBROKER_HOME=${shellQuote(home)} brokerctl service uninstall`,
    });
  }

  #wanted(needsPath: boolean): { readonly agent: LaunchAgent; readonly notes: readonly string[] } {
    const { nodePath, scriptPath, paths } = this.#place;
    const [node, script] = [stablePath(nodePath), stablePath(scriptPath)];
    const { carried } = serviceEnvironment(this.#place, { needsPath });
    return {
      agent: {
        command: [node.path, ...DAEMON_NODE_FLAGS, script.path, "--log-file", paths.logFile],
        environment: { CREDBROKER_HOME: dirname(paths.configFile), ...carried },
        standardErrorPath: join(paths.stateDir, "brokerd.stderr"),
      },
      notes: notesOn(Object.keys(carried), [node, script]),
    };
  }

  #problemsOf({ command }: LaunchAgent, printed: ToolRun): readonly SupervisorProblem[] {
    const [node = "", script = ""] = command.filter((word) => !word.startsWith("--"));
    const gone = [node, script].find((path) => !existsSync(path));
    const fix = "brokerctl service install";
    return [
      ...(gone === undefined ? [] : [{ message: `${gone}, which it runs, is gone`, hint: fix }]),
      ...(gone === undefined && script !== stablePath(this.#place.scriptPath).path
        ? [{ message: `it runs another installation: ${script}`, hint: fix }]
        : []),
      ...(printed.code === null ? [{ message: `launchd cannot be asked: ${printed.stderr}`, hint: fix }] : []),
    ];
  }

  async #assertReachable(): Promise<void> {
    const { code, stderr } = await this.#launchctl("print", this.#domain);
    if (code === 0) return;
    throw new BrokerError("NotSupported", `launchd has no login session of yours: ${oneLine(stderr)}`, {
      hint: "log in at the screen, then brokerctl service install; brokerctl start works without it",
    });
  }

  async #putBack(before: string | undefined): Promise<void> {
    if (before === undefined) await rm(this.#file, { force: true });
    else await writeFileAtomic(new NodeFileSystem(), this.#file, Buffer.from(before));
  }

  async #isLoaded(): Promise<boolean> {
    return (await this.#launchctl("print", this.#target)).code === 0;
  }

  /** RunAtLoad starts it. Right after a bootout launchd answers "5: Input/output error" for a while. */
  async #bootIn(): Promise<void> {
    const deadline = this.#clock.now() + END_LIMIT_MS;
    for (;;) {
      const run = await this.#launchctl("bootstrap", this.#domain, this.#file);
      if (run.code === 0) return;
      if (run.code !== 5 || this.#clock.now() >= deadline) throw failure(["bootstrap", this.#domain], run);
      await this.#clock.sleep(POLL_MS);
    }
  }

  /** Ends brokerd and forgets the agent until the next login or `bootstrap`; waits until it is gone. */
  async #bootOut(): Promise<void> {
    if (!(await this.#isLoaded())) return;
    const run = await this.#launchctl("bootout", this.#target);
    const deadline = this.#clock.now() + END_LIMIT_MS;
    while (await this.#isLoaded()) {
      if (this.#clock.now() >= deadline) throw failure(["bootout", this.#target], run);
      await this.#clock.sleep(POLL_MS);
    }
  }

  async #must(...args: readonly string[]): Promise<void> {
    const run = await this.#launchctl(...args);
    if (run.code !== 0) throw failure(args, run);
  }

  #launchctl(...args: readonly string[]): Promise<ToolRun> {
    return this.#place.run(LAUNCHCTL, args);
  }
}

function isRunning({ code, stdout }: ToolRun): boolean {
  return code === 0 && /^\s*state = running$/m.test(stdout);
}

function notesOn(carried: readonly string[], programs: readonly StablePath[]): readonly string[] {
  const passing = programs.flatMap(({ path, endsWith }) => (endsWith === undefined ? [] : [{ path, endsWith }]));
  return [
    ...(carried.length === 0 ? [] : [`carried over from this shell: ${carried.join(" ")}`]),
    ...passing.map(
      ({ path, endsWith }) => `it runs ${path}, which goes with ${endsWith}: brokerctl service install again then`,
    ),
  ];
}

function failure(args: readonly string[], { code, stderr }: ToolRun): BrokerError {
  const how = code === null ? oneLine(stderr) : `${oneLine(stderr) || "no reason given"} (code ${code})`;
  return new BrokerError("InternalError", `launchctl ${args.join(" ")} failed: ${how}`, {
    hint: "brokerctl service status",
  });
}
