import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { HookedShell } from "../../src/core/shell-files.js";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { type Outcome, TestBroker } from "../support/broker.js";
import { awsOptions, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";

/** A running broker, `brokerctl` on the PATH, and real shells that have the hook. */
export class ShellRoom {
  readonly broker: TestBroker;
  readonly #aws: FakeAws;
  readonly #bin: string;

  private constructor(broker: TestBroker, aws: FakeAws) {
    this.broker = broker;
    this.#aws = aws;
    this.#bin = join(broker.home, "bin");
    mkdirSync(this.#bin, { mode: 0o700 });
    const program = join(this.#bin, "brokerctl");
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${resolve("dist/brokerctl.js")}' "$@"\n`);
    chmodSync(program, 0o700);
  }

  static async ready(): Promise<ShellRoom> {
    const aws = await startFakeAws(awsOptions());
    const env = { AWS_ENDPOINT_URL: aws.url, CREDBROKER_NO_AUTOSTART: "1" };
    const broker = await TestBroker.create({ name: "shell", config: ROLES_YAML, env });
    await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
    return new ShellRoom(broker, aws);
  }

  async close(): Promise<void> {
    await this.broker.stop();
    await this.#aws.close();
  }

  get shellDir(): string {
    return join(this.broker.home, "state", "shell");
  }

  /** Writes the hook's file, as `hook SHELL --install-line >> start file` does; answers that line. */
  async install(shell: HookedShell): Promise<string> {
    const { stdout, stderr, code } = await this.broker.ctl(["hook", shell, "--install-line"]);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** Runs `script` in a shell without start files, after `before`: by default the installed line. */
  async run(
    shell: HookedShell,
    script: string,
    { before, env = {} }: { readonly before?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Outcome> {
    const start = before ?? (await this.install(shell)).replace("status is-interactive; and ", "");
    const flags = { bash: ["--noprofile", "--norc"], zsh: ["-f"], fish: ["--no-config"] }[shell];
    return run(shell, [...flags, "-c", `${start}\n${script}`], this.environment(env));
  }

  environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { ...this.broker.env, PATH: `${this.#bin}:${process.env["PATH"] ?? ""}`, ...extra };
  }

  /** Roles of the leases that shells made for themselves. */
  async ownRoles(): Promise<readonly (string | null)[]> {
    const { leases } = await this.broker.call("lease-list", {});
    return leases.filter(({ kind }) => kind === "child").map(({ role }) => role);
  }

  async defaultRole(): Promise<string | null> {
    return (await this.broker.call("status", {})).defaultRole;
  }
}

export async function run(file: string, args: readonly string[], env: Record<string, string>): Promise<Outcome> {
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}
