import { existsSync } from "node:fs";
import { join } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { HeldPort } from "./held-port.js";
import { readIfThere } from "./read-if-there.js";
import { ServiceNode } from "./service-node.js";
import { stablePath } from "./stable-path.js";
import type {
  Supervisor,
  SupervisorInstall,
  SupervisorInstalled,
  SupervisorOwnership,
  SupervisorPlace,
  SupervisorProblem,
  SupervisorState,
} from "./supervisor.js";
import { Systemctl } from "./systemctl.js";
import { tryConfinement } from "./systemd-trial.js";
import { CONFINED, environmentFileOf, renderUnits, type SystemdFiles, UNIT_FILES } from "./systemd-units.js";
import { ownershipOf, unitHome, type WantedFile, writeFiles } from "./unit-directory.js";
import { CONTROL_SOCKET, ENDPOINT_SOCKET, IPV6_SOCKET, SERVICE, unitDirectory } from "./unit-names.js";
import { commandOf } from "./unit-text.js";

const PRIVATE_MODE = 0o600;
const INSTALL = "brokerctl service install";
/** Without them there is no brokerd; the one on ::1 may fail. */
const NEEDED_SOCKETS = [ENDPOINT_SOCKET, CONTROL_SOCKET];
const SOCKETS = [ENDPOINT_SOCKET, IPV6_SOCKET, CONTROL_SOCKET];

/** The units of this user in `~/.config/systemd/user`, and the user manager that runs them. */
export class Systemd implements Supervisor {
  readonly name = "systemd";
  readonly files: readonly string[];
  readonly #place: SupervisorPlace;
  readonly #directory: string;
  readonly #systemctl: Systemctl;
  readonly #port: HeldPort;
  readonly #node: ServiceNode;

  constructor(place: SupervisorPlace) {
    this.#place = place;
    this.#directory = unitDirectory(place.env, place.homeDir);
    this.#systemctl = new Systemctl(place);
    this.#node = new ServiceNode(place);
    const { stateDir } = place.paths;
    this.#port = new HeldPort({ systemctl: this.#systemctl, unit: this.#path(ENDPOINT_SOCKET), stateDir });
    this.files = [...UNIT_FILES.map((file) => this.#path(file)), environmentFileOf(place), ...this.#node.files];
  }

  async ownership(): Promise<SupervisorOwnership> {
    try {
      return ownershipOf(await this.#texts(), this.#place.paths);
    } catch {
      return "foreign"; // unreadable: not ours to touch
    }
  }

  async state(): Promise<SupervisorState> {
    const ownership = await this.ownership();
    const service = await this.#service();
    const command = ownership === "ours" && service !== undefined ? commandOf(service) : [];
    const asked = await this.#activity(ownership);
    return {
      ownership,
      configFile: (service === undefined ? undefined : unitHome(service)?.configFile) ?? null,
      running: asked.running,
      holdsSockets: asked.holdsSockets,
      confined: ownership === "ours" && existsSync(this.#path(CONFINED)),
      unreadableNode: this.#node.ownerOf(command),
      command,
      problems: [...asked.problems, ...this.#programProblems(command), ...(await this.#node.problems(command))],
    };
  }

  async isReachable(): Promise<boolean> {
    return this.#systemctl.unitPath().then(
      (places) => places.includes(this.#directory),
      () => false,
    );
  }

  async install(options: SupervisorInstall): Promise<SupervisorInstalled> {
    await this.#refuseForeign();
    await this.#refuseOtherUnitPath();
    const refusal = options.unconfinedBecause.length > 0 ? options.unconfinedBecause.join(", ") : await this.#trial();
    const confined = refusal === undefined;
    const node = await this.#node.choose(options, confined);
    const files = await renderUnits(this.#place, { ...options, confined, nodePath: node.path });
    const changed = await this.#takeUp(files).catch(async (error: unknown) => {
      await this.#node.settle(commandOf((await this.#service()) ?? ""));
      throw error;
    });
    await this.#node.settle([node.path]);
    const socketsChanged = SOCKETS.some((unit) => changed.includes(this.#path(unit)));
    return {
      written: [...changed, ...(node.isNew && node.path !== undefined ? [node.path] : [])],
      socketsChanged,
      notes: [...files.notes, ...confinementNotes(refusal, options), ...node.notes, ...(await this.#lingerNote())],
    };
  }

  async uninstall(): Promise<{ readonly removed: readonly string[] }> {
    await this.#refuseForeign();
    if ((await this.ownership()) === "absent") return { removed: [] };
    await this.stop();
    // It says which units it does not know, and goes on.
    await this.#systemctl.ask("disable", ...SOCKETS);
    const texts = this.files.filter((path) => !this.#node.files.includes(path));
    const { changed } = await writeFiles(texts.map((path) => ({ path, text: null })));
    const copied = await this.#node.remove();
    await this.#systemctl.must("daemon-reload");
    await this.#systemctl.ask("reset-failed", SERVICE, ...SOCKETS);
    return { removed: [...changed, ...copied] };
  }

  async start(): Promise<void> {
    await this.#renewNode();
    await this.#port.noticeFailure();
    await this.#systemctl.ask("reset-failed", SERVICE, ...SOCKETS);
    try {
      await this.#systemctl.must("start", ...NEEDED_SOCKETS);
    } catch (error) {
      throw await this.#port.explained(error);
    }
    await this.#systemctl.ask("start", IPV6_SOCKET);
    await this.#systemctl.must("start", SERVICE);
  }

  async stop(): Promise<void> {
    await this.#systemctl.must("stop", ...(await this.#present(SOCKETS)), SERVICE);
    await this.#systemctl.ask("reset-failed", SERVICE, ...SOCKETS);
  }

  async restart(): Promise<void> {
    await this.#renewNode();
    try {
      await this.#systemctl.must("restart", SERVICE);
    } catch (error) {
      throw await this.#port.explained(error);
    }
  }

  /** Writes them and has systemd read them, or leaves all as it was. */
  async #takeUp(files: SystemdFiles): Promise<readonly string[]> {
    const { changed, putBack } = await writeFiles(this.#wanted(files));
    try {
      if (changed.length > 0) await this.#systemctl.must("daemon-reload");
      await this.#systemctl.must("enable", ...SOCKETS.filter((unit) => files.units.get(unit as never) !== null));
      return changed;
    } catch (error) {
      await putBack();
      await this.#systemctl.ask("daemon-reload");
      throw error;
    }
  }

  async #renewNode(): Promise<void> {
    const service = await this.#service();
    if (service !== undefined) await this.#node.renew(commandOf(service));
  }

  #service(): Promise<string | undefined> {
    return readIfThere(this.#path(SERVICE)).catch(() => undefined);
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }

  #texts(): Promise<(string | undefined)[]> {
    return Promise.all(UNIT_FILES.map((file) => readIfThere(this.#path(file))));
  }

  async #present(units: readonly string[]): Promise<string[]> {
    return Promise.resolve(units.filter((unit) => existsSync(this.#path(unit))));
  }

  #wanted({ units, environment }: SystemdFiles): WantedFile[] {
    return [
      { path: environmentFileOf(this.#place), text: environment, mode: PRIVATE_MODE },
      ...[...units].map(([file, text]) => ({ path: this.#path(file), text })),
    ];
  }

  async #activity(
    ownership: SupervisorOwnership,
  ): Promise<Pick<SupervisorState, "running" | "holdsSockets" | "problems">> {
    if (ownership !== "ours") return { running: false, holdsSockets: false, problems: [] };
    try {
      const units = await this.#systemctl.show([SERVICE, ...NEEDED_SOCKETS], ["ActiveState", "MainPID", "LoadState"]);
      const [service, ...sockets] = units;
      const isLost = units.find(({ LoadState }) => LoadState !== "loaded");
      const failed = units.find(({ ActiveState }) => ActiveState === "failed");
      return {
        running: service?.["MainPID"] !== "0",
        holdsSockets: sockets.every(({ ActiveState }) => ActiveState === "active"),
        problems: [
          ...(isLost
            ? [problem(`systemd does not know ${isLost["Id"] ?? "a unit"}: ${isLost["LoadState"] ?? ""}`)]
            : []),
          ...(failed ? [{ message: `${failed["Id"] ?? "a unit"} has failed`, hint: "brokerctl start" }] : []),
        ],
      };
    } catch (error) {
      const { message, hint = INSTALL } = error as BrokerError;
      return { running: false, holdsSockets: false, problems: [{ message, hint }] };
    }
  }

  #programProblems(command: readonly string[]): readonly SupervisorProblem[] {
    const [node, script] = command.filter((word) => !word.startsWith("--"));
    if (node === undefined || script === undefined) return [];
    const gone = [node, script].find((path) => !existsSync(path));
    if (gone !== undefined) return [problem(`${gone}, which the unit runs, is gone`)];
    return script === stablePath(this.#place.scriptPath).path
      ? []
      : [problem(`the unit runs another brokerd: ${script}`)];
  }

  async #refuseForeign(): Promise<void> {
    if ((await this.ownership()) !== "foreign") return;
    for (const file of UNIT_FILES) {
      const path = this.#path(file);
      const text = await readIfThere(path);
      if (text === undefined || ownershipOf([text], this.#place.paths) === "ours") continue;
      const home = unitHome(text);
      if (home === undefined) {
        throw new BrokerError("Conflict", `${path} is there and was not written by brokerctl`, {
          hint: `mv ${shellQuote(path)} ${shellQuote(`${path}.old`)}`,
        });
      }
      throw new BrokerError("Conflict", `${path} serves another home: ${home.configFile}`, {
        hint: "brokerctl service uninstall, with the environment of that home",
      });
    }
  }

  async #refuseOtherUnitPath(): Promise<void> {
    const places = await this.#systemctl.unitPath();
    if (places.includes(this.#directory)) return;
    throw new BrokerError("NotSupported", `systemd does not look for units in ${this.#directory}`, {
      hint: "XDG_CONFIG_HOME of this shell is not the user manager's: set it in ~/.config/environment.d and log in anew",
    });
  }

  /** Why the drop-in cannot be; undefined: it can. */
  #trial(): Promise<string | undefined> {
    return tryConfinement(this.#place);
  }

  /** The user manager, and brokerd with it, ends with the last session, unless it is told to linger (loginctl(1)). */
  async #lingerNote(): Promise<readonly string[]> {
    const { run, uid } = this.#place;
    const { stdout } = await run("loginctl", ["show-user", "--property=Linger", String(uid)]);
    return stdout.trim() === "Linger=yes"
      ? []
      : ["brokerd ends with your last session; to keep it: loginctl enable-linger"];
  }
}

function confinementNotes(refusal: string | undefined, { needsPath }: SupervisorInstall): string[] {
  if (refusal === undefined) return [];
  return needsPath
    ? [`not hardened, as programs that brokerd runs may need anything: ${refusal}`]
    : [`without the namespaces of the drop-in: ${refusal}`];
}

function problem(message: string): SupervisorProblem {
  return { message, hint: INSTALL };
}
