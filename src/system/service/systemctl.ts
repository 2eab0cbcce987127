import { BrokerError } from "../../core/errors.js";
import { oneLine } from "./run-tool.js";
import type { RunTool, SupervisorPlace, ToolRun } from "./supervisor.js";

/** brokerd itself is killed after 5 s, by systemd after 10. */
const JOB_LIMIT_MS = 30_000;
const WITHOUT = "brokerctl start works without it";

/** `systemctl --user`, its failures classified. */
export class Systemctl {
  readonly #run: RunTool;
  readonly #place: Pick<SupervisorPlace, "env" | "uid">;

  constructor(place: Pick<SupervisorPlace, "env" | "uid" | "run">) {
    this.#run = place.run;
    this.#place = place;
  }

  /** Whatever comes of it. */
  ask(...args: readonly string[]): Promise<ToolRun> {
    return this.#run("systemctl", ["--user", ...args], { limitMs: JOB_LIMIT_MS });
  }

  /** stdout; `NotSupported` when there is no user manager to speak to, else `InternalError` with its words. */
  async must(...args: readonly string[]): Promise<string> {
    const answer = await this.ask(...args);
    if (answer.code === 0) return answer.stdout;
    throw this.#unreachable(answer) ?? failure(args, answer);
  }

  /** Properties of units, one record each in the order asked. */
  async show(units: readonly string[], properties: readonly string[]): Promise<readonly Record<string, string>[]> {
    const text = await this.must("show", "--no-pager", `--property=${["Id", ...properties].join(",")}`, "--", ...units);
    return text.trim().split(/\n\n+/).map(recordOf);
  }

  /** Rejects as `must` does where no user manager answers; resolves with where it looks for units. */
  async unitPath(): Promise<readonly string[]> {
    const text = await this.must("show", "--no-pager", "--property=UnitPath");
    return text
      .trim()
      .replace(/^UnitPath=/, "")
      .split(" ");
  }

  #unreachable({ code, stderr }: ToolRun): BrokerError | undefined {
    if (code === null) return notSupported(`systemd cannot be asked: ${oneLine(stderr)}`, WITHOUT);
    if (stderr.includes("not been booted with systemd")) {
      return notSupported("this machine was not started by systemd", WITHOUT);
    }
    if (!/Failed to connect to (?:user scope )?bus|Failed to get D-Bus connection/i.test(stderr)) return undefined;
    const { env, uid } = this.#place;
    if (!env["XDG_RUNTIME_DIR"]) {
      return notSupported(
        `no systemd user manager runs for you: XDG_RUNTIME_DIR is not set, and there is no /run/user/${uid}`,
        `log in anew (su and sudo open no session), or loginctl enable-linger; ${WITHOUT}`,
      );
    }
    return notSupported(
      `no systemd user manager answers in ${env["XDG_RUNTIME_DIR"]}: ${oneLine(stderr)}`,
      `systemctl status user@${uid}.service; ${WITHOUT}`,
    );
  }
}

function recordOf(block: string): Record<string, string> {
  const pairs = block.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

function failure(args: readonly string[], { code, stderr, stdout }: ToolRun): BrokerError {
  const said = oneLine(stderr) || oneLine(stdout) || `exit code ${code ?? "none"}`;
  return new BrokerError("InternalError", `systemctl --user ${args.join(" ")} failed: ${said}`, {
    hint: "systemctl --user status brokerd.socket brokerd.service",
  });
}

function notSupported(message: string, hint: string): BrokerError {
  return new BrokerError("NotSupported", message, { hint });
}
