import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { HOOKED_SHELLS, type HookedShell, hookFile, shellDirectory } from "../../src/core/shell-files.js";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { type Outcome, TestBroker } from "../support/broker.js";
import { awsOptions, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";

/** As few start files as a shell can have: what runs is what the test says. */
export const BARE: Readonly<Record<HookedShell, readonly string[]>> = {
  bash: ["--noprofile", "--norc"],
  zsh: ["-f"],
  fish: ["--no-config"],
};

/** CI has all three: there, a missing one is a failure. */
export const SHELLS_HERE = HOOKED_SHELLS.filter(
  (shell) => process.env["CI"] !== undefined || spawnSync(shell, ["-c", ":"]).status === 0,
);
for (const shell of HOOKED_SHELLS) {
  if (!SHELLS_HERE.includes(shell))
    process.stderr.write(`${shell} is not here: its hook and completion are not tested\n`);
}

type Variables = Readonly<Record<string, string>>;

/** A running broker, `brokerctl` on the PATH, and real shells that have the hook. */
export class ShellFixture {
  readonly broker: TestBroker;
  readonly #aws: FakeAws;

  private constructor(broker: TestBroker, aws: FakeAws) {
    this.broker = broker;
    this.#aws = aws;
    putBrokerctl(broker.home);
  }

  static async ready(): Promise<ShellFixture> {
    const aws = await startFakeAws(awsOptions());
    const env = { AWS_ENDPOINT_URL: aws.url, CREDBROKER_NO_AUTOSTART: "1" };
    const broker = await TestBroker.create({ name: "shell", config: ROLES_YAML, env });
    await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
    return new ShellFixture(broker, aws);
  }

  async close(): Promise<void> {
    await this.broker.stop();
    await this.#aws.close();
  }

  get shellDir(): string {
    return shellDirectory(join(this.broker.home, "state"));
  }

  hookFile(shell: HookedShell): string {
    return hookFile(join(this.broker.home, "state"), shell);
  }

  /** Writes the hook's file, as `hook SHELL --install-line >> start file` does; answers that line. */
  async install(shell: HookedShell): Promise<string> {
    const { stdout, stderr, code } = await this.broker.ctl(["hook", shell, "--install-line"]);
    if (code !== 0) throw new Error(stderr);
    return stdout.trimEnd();
  }

  /** Runs `script` in a bare shell that has read the installed hook. */
  async hooked(shell: HookedShell, script: string, env: Variables = {}): Promise<Outcome> {
    return this.run(shell, `source '${this.hookFile(shell)}'\n${script}`, env);
  }

  /** Runs `script` in a bare shell. */
  async run(shell: HookedShell, script: string, env: Variables = {}): Promise<Outcome> {
    return run(shell, [...BARE[shell], "-c", script], this.environment(env));
  }

  environment(extra: Variables = {}): Record<string, string> {
    return shellEnvironment(this.broker.home, { ...this.broker.env, ...extra });
  }

  /** Roles of the leases that shells made for themselves. */
  async ownRoles(): Promise<readonly (string | null)[]> {
    const { leases } = await this.broker.call("lease-list", {});
    return leases.filter(({ kind }) => kind === "child").map(({ role }) => role);
  }

  /** As a test begins: the default lease has `dev`, no shell has one of its own. */
  async reset(): Promise<void> {
    const { leases } = await this.broker.call("lease-list", {});
    for (const { id, kind } of leases) {
      if (kind === "child") await this.broker.call("lease-revoke", { lease: { by: "id", id } });
    }
    await this.broker.call("use", { lease: { by: "default" }, role: "dev" });
  }

  async defaultRole(): Promise<string | null> {
    return (await this.broker.call("status", {})).defaultRole;
  }
}

/** The built `brokerctl`, in a directory below `home` that shellEnvironment puts on the PATH. */
export function putBrokerctl(home: string): void {
  mkdirSync(join(home, "bin"), { mode: 0o700 });
  const program = join(home, "bin", "brokerctl");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${resolve("dist/brokerctl.js")}' "$@"\n`);
  chmodSync(program, 0o700);
}

export function shellEnvironment(home: string, extra: Variables): Record<string, string> {
  return { ...extra, PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}`, TERM: "dumb" };
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
