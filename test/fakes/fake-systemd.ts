import type { RunTool } from "../../src/system/service/supervisor.js";

interface Answer {
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

const SOCKETS = ["brokerd.socket", "brokerd-ipv6.socket", "brokerd-control.socket"];

/** systemctl, systemd-run and loginctl of one user, as systemd 252 was seen to answer in test/systemd. */
export class FakeSystemd {
  /** What was asked, each as one line. */
  readonly asked: string[] = [];
  readonly active = new Set<string>();
  readonly failed = new Set<string>();
  /** How a trial of the drop-in ends. */
  trial: Answer = { code: 0 };
  lingers = false;
  /** What a Node says of its version, by its path; any other says v1. */
  readonly versions = new Map<string, Answer>();
  /** What systemctl says where there is no user manager; undefined: there is one. */
  unreachable: string | undefined;
  /** The verbs that fail, with their words. */
  readonly refusing = new Map<string, string>();
  /** A socket that cannot be bound. */
  isPortTaken = false;
  readonly #unitPath: string;

  constructor(unitPath: string) {
    this.#unitPath = unitPath;
  }

  /** What systemctl was asked to do, in order. */
  verbs(): readonly string[] {
    return this.asked.flatMap((line) => /^systemctl --user (\S+)/.exec(line)?.[1] ?? []);
  }

  run: RunTool = async (file, args) => {
    this.asked.push([file, ...args].join(" "));
    // A program takes its time: who does not wait for it goes on without what it does.
    await new Promise((resolve) => setImmediate(resolve));
    const { code, stdout = "", stderr = "" } = this.#answer(file, args);
    return { code, stdout, stderr };
  };

  #answer(file: string, args: readonly string[]): Answer {
    if (file === "systemd-run") return this.trial;
    if (file === "loginctl") return { code: 0, stdout: `Linger=${this.lingers ? "yes" : "no"}\n` };
    if (args[0] === "--version") return this.versions.get(file) ?? { code: 0, stdout: "v1\n" };
    if (this.unreachable !== undefined) return { code: 1, stderr: this.unreachable };
    const [, verb = "", ...rest] = args;
    const refusal = this.refusing.get(verb);
    if (refusal !== undefined) return { code: 1, stderr: refusal };
    if (verb === "show") return this.#show(rest);
    const units = rest.filter((word) => !word.startsWith("-"));
    if (verb === "start" || verb === "restart") return this.#start(units);
    if (verb === "stop") for (const unit of units) this.active.delete(unit);
    if (verb === "reset-failed") for (const unit of units) this.failed.delete(unit);
    return { code: 0 };
  }

  #show(args: readonly string[]): Answer {
    if (args.includes("--property=UnitPath"))
      return { code: 0, stdout: `UnitPath=${this.#unitPath} /etc/systemd/user\n` };
    const units = args.slice(args.indexOf("--") + 1);
    return { code: 0, stdout: units.map((unit) => this.#describe(unit)).join("\n") };
  }

  #describe(unit: string): string {
    const isActive = this.active.has(unit);
    const hasFailed = this.failed.has(unit);
    const state = isActive ? "active" : hasFailed ? "failed" : "inactive";
    const result = hasFailed ? "resources" : "success";
    return `Id=${unit}\nActiveState=${state}\nMainPID=${isActive ? 4711 : 0}\nLoadState=loaded\nResult=${result}\n`;
  }

  #start(units: readonly string[]): Answer {
    if (this.isPortTaken && units.includes("brokerd.socket")) {
      this.failed.add("brokerd.socket");
      return { code: 1, stderr: 'Job failed. See "journalctl -xe" for details.' };
    }
    for (const unit of units) this.active.add(unit);
    // Sockets= and Requires=
    if (units.includes("brokerd.service")) for (const socket of SOCKETS) this.active.add(socket);
    return { code: 0 };
  }
}
