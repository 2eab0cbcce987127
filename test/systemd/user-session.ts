import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Outcome } from "../support/broker.js";
import { runToEnd } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

const UID = 4242;
const SCRIPT = join(import.meta.dirname, "user-session.sh");
const NEEDED = [
  "unshare",
  "nsenter",
  "setpriv",
  "systemctl",
  "systemd-run",
  "systemd-analyze",
  "dbus-daemon",
  "gnome-keyring-daemon",
];
/** Of Debian's dbus-user-session: the bus that the user manager starts. */
const BUS_UNIT = "/usr/lib/systemd/user/dbus.socket";

/** What is not installed here, or not allowed; empty: the tests can run. */
export function missing(): readonly string[] {
  const programs = NEEDED.filter((program) => spawnSync("which", [program]).status !== 0);
  const files = ["/lib/systemd/systemd", BUS_UNIT, resolve("dist/brokerd.js")].filter((file) => !existsSync(file));
  return [...programs, ...files, ...(process.getuid?.() === 0 ? [] : ["root: sudo -E npm run test:systemd"])];
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Variables of the session that this program does not get. */
  readonly without?: readonly string[];
  readonly input?: string;
}

/** A user with a real `systemd --user`; the network is this machine's. */
export class UserSession {
  readonly home: string;
  readonly uid = UID;
  readonly env: Readonly<Record<string, string>>;
  readonly #child: ChildProcess;
  readonly #inner: number;
  readonly #group: string;

  private constructor(home: string, child: ChildProcess, group: string) {
    this.home = home;
    this.#child = child;
    this.#group = group;
    this.#inner = innerPid(child.pid ?? 0);
    this.env = {
      HOME: "/home/tester",
      USER: "tester",
      PATH: "/mnt/bin:/usr/bin:/bin",
      XDG_RUNTIME_DIR: `/run/user/${UID}`,
    };
  }

  /** Without namespaces: nothing that the user manager starts may make any. */
  static async start({ namespaces = true } = {}): Promise<UserSession> {
    const home = tempDir("systemd");
    chownSync(home, UID, UID);
    const group = `credbroker-test-${process.pid}-${Math.random().toString(36).slice(2)}`;
    const modules = realpathSync("node_modules");
    const unshared = ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"];
    const script = [
      "sh",
      SCRIPT,
      String(UID),
      home,
      resolve("."),
      modules,
      process.execPath,
      group,
      namespaces ? "yes" : "no",
    ];
    const child = spawn("unshare", [...unshared, ...script], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    await new Promise<void>((ready, failed) => {
      const hear = (chunk: Buffer): void => {
        said += chunk.toString();
        if (/^ready$/m.test(said)) ready();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("close", (code) =>
        failed(new Error(`no systemd --user here (exit code ${code ?? "none"}):\n${said}`)),
      );
    });
    return new UserSession(home, child, group);
  }

  /** Any program, as the user in the session. */
  run(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const given = Object.entries({ ...this.env, ...options.env }).filter(([name]) => !options.without?.includes(name));
    const env = given.map(([name, value]) => `${name}=${value}`);
    const asUser = ["setpriv", "--reuid", String(UID), "--regid", String(UID), "--clear-groups", "env", "-i", ...env];
    return runToEnd([...this.#enter(), ...asUser, ...command], {
      env: { PATH: process.env["PATH"] ?? "" },
      cwd: "/",
      ...(options.input !== undefined && { input: options.input }),
    });
  }

  ctl(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return this.run(["node", "/mnt/credbroker/dist/brokerctl.js", ...args], options);
  }

  /** Any program, as root in the session's view of the file system. */
  asRoot(command: readonly string[]): Promise<Outcome> {
    return runToEnd([...this.#enter(), ...command], { env: { PATH: process.env["PATH"] ?? "" }, cwd: "/" });
  }

  #enter(): readonly string[] {
    return ["nsenter", "--target", String(this.#inner), "--mount", "--pid", "--"];
  }

  systemctl(...args: readonly string[]): Promise<Outcome> {
    return this.run(["systemctl", "--user", ...args]);
  }

  /** A property of a unit. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.systemctl("show", "--value", `--property=${name}`, unit)).stdout.trim();
  }

  write(path: string, text: string): void {
    const file = join(this.home, path);
    const made = mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    for (let directory = dirname(file); made && directory.length >= made.length; directory = dirname(directory)) {
      chownSync(directory, UID, UID);
    }
    writeFileSync(file, text, { mode: 0o600 });
    chownSync(file, UID, UID);
  }

  log(): string {
    const file = join(this.home, ".local/state/credbroker/brokerd.log");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolveEnd) => this.#child.once("close", resolveEnd));
    this.#child.kill("SIGKILL");
    await ended;
    const root = existsSync("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
    spawnSync("find", [join(root, this.#group), "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
  }
}

/** unshare forks: the first process of the namespaces is its child. */
function innerPid(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}
