import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import type { KeychainChild } from "../../src/secrets/ask-keychain-child.js";
import { tempDir } from "../support/temp-dir.js";
import { FakePrompter } from "./fake-prompter.js";

const NEEDED = ["dbus-run-session", "dbus-daemon", "dbus-send", "gnome-keyring-daemon"];
const LOGIN_PASSWORD = "login password of the test";

/** What of the Secret Service is not installed here; empty: the tests can run. */
export function missingPrograms(): readonly string[] {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return NEEDED.filter((program) => !directories.some((directory) => existsSync(join(directory, program))));
}

export interface SessionOptions {
  /** False: the bus knows no Secret Service and can start none. */
  readonly services?: boolean;
}

/** A login session of its own: home, runtime directory, D-Bus, and gnome-keyring when it is started. */
export class KeychainSession {
  readonly environment: Readonly<Record<string, string>>;
  readonly #bus: ChildProcess;
  readonly #busSocket: string;
  #prompter: FakePrompter | undefined;

  private constructor(bus: ChildProcess, busSocket: string, environment: Readonly<Record<string, string>>) {
    this.#bus = bus;
    this.#busSocket = busSocket;
    this.environment = environment;
  }

  static async start({ services = true }: SessionOptions = {}): Promise<KeychainSession> {
    const root = tempDir("session");
    const [home, runtime] = [join(root, "home"), join(root, "run")];
    for (const directory of [home, runtime]) mkdirSync(directory, { mode: 0o700 });
    const busSocket = join(runtime, "bus");
    const config = join(root, "bus.conf");
    writeFileSync(config, busConfig(busSocket, services));
    const environment = { PATH: process.env["PATH"] ?? "", HOME: home, XDG_RUNTIME_DIR: runtime };

    // The bus ends when its stdin does, also where this process is killed: nothing stays behind.
    const bus = spawn("dbus-run-session", [`--config-file=${config}`, "--", "sh", "-c", "echo ready; exec cat"], {
      env: environment,
      stdio: ["pipe", "pipe", "ignore"],
    });
    await once(bus.stdout, "data");
    const address = `unix:path=${busSocket}`;
    return new KeychainSession(bus, busSocket, { ...environment, DBUS_SESSION_BUS_ADDRESS: address });
  }

  /** The built child, in this session. */
  child(environment: Readonly<Record<string, string>> = this.environment): KeychainChild {
    return { nodePath: process.execPath, scriptPath: resolve("dist/keychain-child.js"), environment };
  }

  /** gnome-keyring as after a login: its keyring is made where it was not, and unlocked. */
  async startKeyring(): Promise<void> {
    const keyring = spawn("gnome-keyring-daemon", ["--foreground", "--unlock", "--components=secrets"], {
      env: this.environment,
      stdio: ["pipe", "ignore", "ignore"],
    });
    keyring.stdin.end(LOGIN_PASSWORD);
    await vi.waitUntil(async () => (await this.#keyringPid()) === keyring.pid, { timeout: 60_000, interval: 20 });
  }

  /** As when the user locks it: what is in it stays, a password is needed. */
  async lockKeyring(): Promise<void> {
    const login = "/org/freedesktop/secrets/collection/login";
    await this.#send("org.freedesktop.secrets", "/org/freedesktop/secrets", [
      "org.freedesktop.Secret.Service.Lock",
      `array:objpath:${login}`,
    ]);
  }

  async signalKeyring(signal: NodeJS.Signals): Promise<void> {
    const pid = await this.#keyringPid();
    if (pid === undefined) throw new Error("no gnome-keyring runs");
    process.kill(pid, signal);
    if (signal === "SIGKILL") await vi.waitUntil(() => !isAlive(pid), { timeout: 60_000, interval: 10 });
  }

  /** From now on prompts are shown to a user who never answers; without it they are refused: there is no display. */
  async leavePromptsOpen(): Promise<FakePrompter> {
    this.#prompter = await FakePrompter.start(this.#busSocket);
    await vi.waitUntil(() => this.#ownerOf("org.gnome.keyring.SystemPrompter"), { timeout: 60_000, interval: 20 });
    return this.#prompter;
  }

  /** Ends everything of this session, and fails where something stays. */
  async stop(): Promise<void> {
    this.#prompter?.stop();
    this.#bus.stdin?.end();
    if (this.#bus.exitCode === null) await once(this.#bus, "exit");
    await vi.waitUntil(() => this.processes().length === 0, { timeout: 60_000, interval: 20 });
  }

  /** Command lines of what runs in this session. */
  processes(): readonly string[] {
    const mark = `XDG_RUNTIME_DIR=${this.environment["XDG_RUNTIME_DIR"] ?? ""}\0`;
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && readProc(name, "environ").includes(mark))
      .map((pid) => readProc(pid, "cmdline").replaceAll("\0", " ").trim());
  }

  async #keyringPid(): Promise<number | undefined> {
    return this.#ownerOf("org.freedesktop.secrets");
  }

  async #ownerOf(name: string): Promise<number | undefined> {
    const question = ["org.freedesktop.DBus.GetConnectionUnixProcessID", `string:${name}`];
    const answer = await this.#send("org.freedesktop.DBus", "/", question).catch(() => "");
    const pid = /uint32 (\d+)/.exec(answer)?.[1];
    return pid === undefined ? undefined : Number(pid);
  }

  async #send(destination: string, path: string, call: readonly string[]): Promise<string> {
    const args = ["--session", "--print-reply", "--reply-timeout=5000", `--dest=${destination}`, path, ...call];
    return (await promisify(execFile)("dbus-send", args, { env: this.environment })).stdout;
  }
}

function busConfig(socket: string, services: boolean): string {
  return `<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  ${services ? "<standard_session_servicedirs/>" : ""}
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
`;
}

function readProc(pid: string, what: "environ" | "cmdline"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "latin1");
  } catch {
    return ""; // gone, or not ours
  }
}

function isAlive(pid: number): boolean {
  return readProc(String(pid), "cmdline") !== "";
}
