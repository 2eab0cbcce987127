import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { Outcome } from "../support/broker.js";
import { runToEnd, start } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";
import { asUser, VICTIM, type Victim } from "./victim.js";

const PROGRAMS = join(import.meta.dirname, "programs");
const RUNTIME = `/run/user/${VICTIM}`;
/** On a terminal of its own, and with a key of the session's: what the command before it inherits. */
const SHM_KEY = 0x0c_4e_db_40;

/** Both are secrets of the user's that no confined program may read; not AWS's, so that no one is worse off by them. */
export const SECRET = "the-users-own-secret";
const KEY = "credbroker-attack";

/** What is missing to confine anything; empty: the tests can run. */
export function missingToConfine(): readonly string[] {
  const programs = ["bwrap", "python3", "script", "unshare", "git"];
  const absent = programs.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  const isBuilt = existsSync(resolve(`bin/native/linux-${process.arch}/brokerctl`));
  return [...absent, ...(isBuilt ? [] : ["the launcher: npm run build:native"])];
}

interface HouseholdRun {
  /** Default: the project. */
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What runs the command, by root, on a machine that is another one. */
  readonly below?: readonly string[];
}

/** Machines, for `below`. */
export const WITHOUT_BWRAP = ["unshare", "-m", "sh", "-c", 'mount --bind /dev/null /usr/bin/bwrap && exec "$@"', "sh"];
export const WITHOUT_USER_NAMESPACES = ["python3", join(PROGRAMS, "without-user-namespaces.py")];

/** A user with a home, a project and what else is around on a machine; its brokerd is the victim's. */
export class Household {
  readonly home = tempDir("household", "input");
  readonly project = join(this.home, "code/orders");
  readonly sockets: Readonly<Record<string, string>>;
  readonly #abstract = `credbroker-attack-${process.pid}`;
  readonly #victim: Victim;
  readonly #outside: ChildProcess;
  readonly #others: ChildProcess[] = [];

  private constructor(victim: Victim) {
    this.#victim = victim;
    this.sockets = {
      "the control socket": join(victim.broker.home, "run/control.sock"),
      "D-Bus": `${RUNTIME}/bus`,
      "systemd-run": `${RUNTIME}/systemd/private`,
      Docker: `${RUNTIME}/docker.sock`,
      "an ssh agent": `${this.home}/.ssh/agent`,
      "gpg's agent": `${this.home}/.gnupg/S.gpg-agent`,
      tmux: `/tmp/tmux-${VICTIM}/default`,
      X11: `/tmp/.X11-unix-${VICTIM}/X97`,
    };
    this.#furnish();
    this.#outside = this.#startOutside();
  }

  static async create(victim: Victim): Promise<Household> {
    const household = new Household(victim);
    await new Promise<void>((ready, failed) => {
      let said = "";
      household.#outside.stderr?.on("data", (text: Buffer) => {
        said += text.toString();
        if (said.includes("ready")) ready();
      });
      household.#outside.once("exit", () => failed(new Error(said)));
    });
    return household;
  }

  /** A program of the user's that runs with a lease; gives its pid. */
  async startWithLease(name: string): Promise<number> {
    const { token } = await this.#victim.broker.call("lease-access", { lease: { by: "name", name } });
    const state = join(this.#victim.broker.home, "state/tokens");
    mkdirSync(state, { recursive: true, mode: 0o700 });
    writeFileSync(join(state, name), token);
    spawnSync("chown", ["-R", `${VICTIM}:${VICTIM}`, state]);
    const command = [...asUser(VICTIM), "sleep", "3600"];
    const child = spawn("setpriv", command, {
      env: { ...this.env, AWS_CONTAINER_AUTHORIZATION_TOKEN: token },
      stdio: "ignore",
    });
    this.#others.push(child);
    return child.pid ?? 0;
  }

  /** As it was before a program wrote to it. */
  restoreHome(): void {
    writeFileSync(join(this.home, ".bashrc"), "");
    rmSync(join(this.home, "bin/aws"), { force: true });
  }

  close(): void {
    for (const child of [this.#outside, ...this.#others]) child.kill("SIGKILL");
    for (const path of [RUNTIME, `/tmp/tmux-${VICTIM}`, `/tmp/.X11-unix-${VICTIM}`])
      rmSync(path, { recursive: true, force: true });
  }

  /** The user's variables. */
  get env(): Record<string, string> {
    const { env } = this.#victim.broker;
    return {
      ...{ ...env, PATH: `${this.home}/bin:/usr/bin:/bin`, HOME: this.home, XDG_RUNTIME_DIR: RUNTIME, TERM: "xterm" },
      ...{ GITHUB_TOKEN: SECRET, DBUS_SESSION_BUS_ADDRESS: `unix:path=${RUNTIME}/bus` },
    };
  }

  /** Runs a command as the user, in the project, to its end. */
  run(command: readonly string[], options: HouseholdRun = {}): Promise<Outcome> {
    const { cwd = this.project, env = {}, input = "", below = [] } = options;
    const whole = [...below, "setpriv", ...asUser(VICTIM), ...command];
    return runToEnd(whole, { cwd, env: { ...this.env, ...env }, input });
  }

  /** Starts a command as the user, in the project. */
  start(command: readonly string[]): ChildProcess {
    return start(["setpriv", ...asUser(VICTIM), ...command], { cwd: this.project, env: this.env });
  }

  /** The same of brokerctl. */
  startCtl(argv: readonly string[]): ChildProcess {
    return this.start([process.execPath, resolve("dist/brokerctl.js"), ...argv]);
  }

  /** Runs brokerctl as the user, in the project, to its end. */
  ctl(argv: readonly string[], options: HouseholdRun = {}): Promise<Outcome> {
    return this.run([process.execPath, resolve("dist/brokerctl.js"), ...argv], options);
  }

  /** What each way out came to for a program that `exec` runs with these flags, on a terminal. */
  async waysOut(flags: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const result = join(this.project, `result-${flags.length}.json`);
    const exec = [process.execPath, resolve("dist/brokerctl.js"), "exec", "dev", ...flags, "--"];
    const line = [...exec, "python3", "ways-out.py", "given.json"].join(" ");
    const withKey = ["python3", join(PROGRAMS, "with-session-key.py"), KEY, SECRET];
    const { code, stdout, stderr } = await this.run([...withKey, "script", "-qec", `${line} >${result}`, "/dev/null"]);
    try {
      return JSON.parse(readFileSync(result, "utf8")) as Record<string, string>;
    } catch {
      throw new Error(`no result (${code}): ${stdout} ${stderr}`);
    }
  }

  #furnish(): void {
    const { home, project } = this;
    // The way to the home, which is no other user's otherwise.
    chmodSync(join(home, ".."), 0o711);
    for (const directory of ["bin", ".aws", ".ssh", ".gnupg", "code/orders/.git/hooks"]) {
      mkdirSync(join(home, directory), { recursive: true });
    }
    for (const file of [".aws/credentials", ".ssh/id_ed25519", ".npmrc"])
      writeFileSync(join(home, file), `# ${SECRET}\n`);
    for (const file of [".bashrc", ".profile", "code/orders/.git/config"]) writeFileSync(join(home, file), "");
    copyFileSync(join(PROGRAMS, "ways-out.py"), join(project, "ways-out.py"));
    rmSync(RUNTIME, { recursive: true, force: true });
    mkdirSync(RUNTIME, { recursive: true, mode: 0o700 });
    chmodSync(join(RUNTIME, ".."), 0o755);
    chownSync(RUNTIME, VICTIM, VICTIM);
    spawnSync("chown", ["-R", `${VICTIM}:${VICTIM}`, home]);
    const setuid = join(project, "id-of-root");
    copyFileSync("/usr/bin/id", setuid);
    chmodSync(setuid, 0o4755);
  }

  #startOutside(): ChildProcess {
    // brokerd has its own.
    const sockets = Object.entries(this.sockets).filter(([name]) => name !== "the control socket");
    const what = JSON.stringify({
      sockets: Object.fromEntries(sockets),
      abstract: this.#abstract,
      shm: SHM_KEY,
    });
    const child = spawn("setpriv", [...asUser(VICTIM), "python3", join(PROGRAMS, "outside.py"), what], {
      cwd: this.home,
      env: { ...this.env, OUTSIDE: SECRET },
      stdio: ["pipe", "ignore", "pipe"],
    });
    const given = {
      ...{ outside: child.pid, secret: SECRET, home: this.home, project: this.project, sockets: this.sockets },
      ...{ abstract: this.#abstract, key: KEY, shm: SHM_KEY, setuid: join(this.project, "id-of-root") },
    };
    writeFileSync(join(this.project, "given.json"), JSON.stringify(given));
    return child;
  }
}
