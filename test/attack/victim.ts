import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { DAEMON_NODE_FLAGS } from "../../src/system/node-flags.js";
import { TestBroker } from "../support/broker.js";
import { USER_KEY } from "../support/in-process-broker.js";
import { runRoot } from "../support/temp-dir.js";

/** Two users of the machine who are no other account. */
export const VICTIM = 61_235;
const ATTACKER = 61_236;

/** What is not installed here, or not allowed; empty: the tests can run. */
export function missing(): readonly string[] {
  if (process.getuid?.() !== 0) return ["root: sudo -E npm run test:attack"];
  if (spawnSync("setpriv", [...asUser(VICTIM), "test", "-r", resolve("dist/brokerd.js")]).status === 0) return [];
  return ["setpriv of util-linux, and a checkout that other users may read"];
}

/** For setpriv. */
export function asUser(uid: number): readonly string[] {
  return ["--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
}

/** The same suite with all answers given by the endpoint's app, none from memory before it. */
const isByTheApp = process.env["CREDBROKER_TEST_BY_THE_APP"] === "1";
const BY_THE_APP = join(import.meta.dirname, "programs", "brokerd-by-the-app.ts");

export interface VictimOptions {
  readonly config: string;
  readonly awsUrl: string;
}

/** A real brokerd under a user of its own, with a role and a token for it. */
export class Victim {
  readonly broker: TestBroker;
  readonly port: number;
  readonly token: string;

  private constructor(broker: TestBroker, { port, token }: { readonly port: number; readonly token: string }) {
    this.broker = broker;
    this.port = port;
    this.token = token;
  }

  /** `config` has the source `ops-keys` and the role `dev`. */
  static async start(options: VictimOptions): Promise<Victim> {
    const { config, awsUrl } = options;
    const env = { AWS_ENDPOINT_URL: awsUrl, CREDBROKER_LOG_LEVEL: "info" };
    const broker = await TestBroker.create({ name: "attack", config, env });
    if (isByTheApp) broker.entry = BY_THE_APP;
    mkdirSync(join(broker.home, "state"), { mode: 0o700 });
    // The way to the home, which is no other user's otherwise.
    for (const directory of [runRoot(), join(runRoot(), "home")]) chmodSync(directory, 0o711);
    spawnSync("chown", ["-R", `${VICTIM}:${VICTIM}`, broker.home]);
    await startAsVictim(broker);
    await broker.call("store-create", {});
    await broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
    const { token, leaseUrl } = await broker.call("lease-access", { pinnedRole: "dev" });
    return new Victim(broker, { port: Number(new URL(leaseUrl).port), token });
  }

  /** Killed, as by a power cut; its port is free then. */
  kill(): Promise<void> {
    return this.broker.stop("SIGKILL");
  }

  /** Again, in the same home. */
  restart(start: StartOptions = {}): Promise<void> {
    return startAsVictim(this.broker, start);
  }

  /** The most memory that it has held, MB. */
  peakMegabytes(): number {
    const status = readFileSync(`/proc/${this.broker.pid ?? 0}/status`, "latin1");
    return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
  }

  /** The user that its process runs as. */
  uid(): number {
    return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${this.broker.pid ?? 0}/status`, "latin1"))?.[1]);
  }

  isAlive(): boolean {
    return this.broker.process?.exitCode === null && !this.broker.log().includes("crashed");
  }

  stop(): Promise<void> {
    return this.broker.stop("SIGKILL");
  }
}

interface StartOptions {
  /** In place of the Node that runs the tests. */
  readonly nodePath?: string;
  /** Before it, in the shell that becomes brokerd. */
  readonly shell?: string;
}

function startAsVictim(broker: TestBroker, { nodePath, shell = "true" }: StartOptions = {}): Promise<void> {
  const node = nodePath === undefined ? "" : `shift; set -- '${nodePath}' "$@"; `;
  const throughShell = ["sh", "-c", `${shell}; ${node}exec "$@"`, "sh"];
  const nodeFlags = isByTheApp ? [...DAEMON_NODE_FLAGS, "--import", import.meta.resolve("tsx")] : DAEMON_NODE_FLAGS;
  return broker.start([], nodeFlags, ["setpriv", ...asUser(VICTIM), ...throughShell]);
}

/** The users of these tests: who runs brokerd, another, and root. */
export const USERS = { own: VICTIM, other: ATTACKER, root: 0 } as const;
export type User = keyof typeof USERS;

export interface Running<T> {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves when it says on stderr that it is ready. */
  readonly ready: Promise<void>;
  /** The JSON that it prints last. */
  readonly printed: Promise<T>;
}

/** Starts a program of `programs/` as a user; it ends with its stdin, or by itself. */
export function startAs<T>(user: User, program: string, args: readonly (string | number)[] = []): Running<T> {
  const script = join(import.meta.dirname, "programs", program);
  const command = [...asUser(USERS[user]), process.execPath, script, ...args.map(String)];
  const child = spawn("setpriv", command, { cwd: "/", env: {}, stdio: ["pipe", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdin.on("error", () => undefined);
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said.err += text;
      if (said.err.includes("ready")) resolve();
    });
    child.once("close", () => reject(new Error(`${program} ended: ${said.err}`)));
  });
  ready.catch(() => undefined);
  const printed = once(child, "close").then(() => lastJson(program, said) as T);
  printed.catch(() => undefined);
  return { child, ready, printed };
}

function lastJson(program: string, { out, err }: { readonly out: string; readonly err: string }): unknown {
  try {
    return JSON.parse(out.trim().split("\n").at(-1) ?? "");
  } catch {
    throw new Error(`${program} printed no JSON: ${err.slice(0, 1000)}`);
  }
}

/** Runs a program of `programs/` as a user, to its end; gives the JSON that it prints. */
export function runAs<T>(
  user: User,
  program: string,
  args: readonly (string | number)[] = [],
  input?: unknown,
): Promise<T> {
  const { child, printed } = startAs<T>(user, program, args);
  child.stdin.end(input === undefined ? "" : JSON.stringify(input));
  return printed;
}

export interface RawRequest {
  readonly port: number;
  readonly address?: string;
  /** One character a byte. */
  readonly bytes: string;
  /** What the client does at once. */
  readonly then?: "half-close" | "reset" | "close";
  /** Sent on the same connection, after the answer. */
  readonly again?: string;
  readonly waitMs?: number;
}

export interface RawAnswer {
  /** 0: none. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** Each status on the connection. */
  readonly answers: readonly number[];
  readonly closedAfterMs: number;
}

/** Sends each on a connection of its own, as a user. */
export function ask(user: User, requests: readonly RawRequest[]): Promise<readonly RawAnswer[]> {
  return runAs(user, "raw-requests.mjs", [], requests);
}

export interface HonestTime {
  readonly asked: number;
  readonly failed: number;
  readonly longestMs: number;
}

/** Fetches credentials again and again while `attack` lasts, each time on a new connection, as brokerd's user. */
export async function besideHonestClient<T>(
  { port, token }: Victim,
  attack: Promise<T>,
): Promise<readonly [T, HonestTime]> {
  const { child, printed } = startAs<HonestTime>("own", "honest-client.mjs", [port, `/lease/${token}`]);
  const result = await attack.finally(() => child.stdin.end());
  return [result, await printed];
}
