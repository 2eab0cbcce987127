import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { join, resolve } from "node:path";
import { DAEMON_NODE_FLAGS } from "../../src/system/node-flags.js";
import { TestBroker } from "../support/broker.js";
import { USER_KEY } from "../support/in-process-broker.js";
import { runRoot } from "../support/temp-dir.js";

/** Two users of the machine who are nobody else. */
const VICTIM = 61_235;
const ATTACKER = 61_236;

/** What is not installed here, or not allowed; empty: the tests can run. */
export function missing(): readonly string[] {
  if (process.getuid?.() !== 0) return ["root: sudo -E npm run test:attack"];
  if (spawnSync("setpriv", [...asUser(VICTIM), "test", "-r", resolve("dist/brokerd.js")]).status === 0) return [];
  return ["setpriv of util-linux, and a checkout that other users may read"];
}

function asUser(uid: number): readonly string[] {
  return ["--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
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
  static async start(options: { readonly config: string; readonly awsUrl: string }): Promise<Victim> {
    const { config, awsUrl } = options;
    const env = { AWS_ENDPOINT_URL: awsUrl, CREDBROKER_LOG_LEVEL: "info" };
    const broker = await TestBroker.create({ name: "attack", config, env });
    mkdirSync(join(broker.home, "state"), { mode: 0o700 });
    // The way to the home, which is nobody else's otherwise.
    for (const directory of [runRoot(), join(runRoot(), "home")]) chmodSync(directory, 0o711);
    spawnSync("chown", ["-R", `${VICTIM}:${VICTIM}`, broker.home]);
    await broker.start([], DAEMON_NODE_FLAGS, ["setpriv", ...asUser(VICTIM)]);
    await broker.call("store-create", {});
    await broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
    const { token, leaseUrl } = await broker.call("lease-access", { pinnedRole: "dev" });
    return new Victim(broker, { port: Number(new URL(leaseUrl).port), token });
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

/** Runs a program of `programs/` as the other user, to its end; gives the JSON that it prints. */
export async function asAttacker<T>(program: string, args: readonly (string | number)[]): Promise<T> {
  const script = join(import.meta.dirname, "programs", program);
  const child = spawn(process.execPath, [script, ...args.map(String)], {
    ...{ uid: ATTACKER, gid: ATTACKER, cwd: "/", env: {} },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  await once(child, "close");
  return JSON.parse(printed) as T;
}

export interface HonestTime {
  readonly asked: number;
  readonly failed: number;
  readonly longestMs: number;
}

/** Fetches credentials again and again while `attack` lasts, each time on a new connection. */
export async function besideHonestClient<T>(
  { port, token }: Victim,
  attack: Promise<T>,
): Promise<readonly [T, HonestTime]> {
  const time = { asked: 0, failed: 0, longestMs: 0 };
  const over = new AbortController();
  const ended = attack.finally(() => over.abort());
  while (!over.signal.aborted) {
    const from = performance.now();
    const status = await fetchStatus(port, `/lease/${token}`);
    time.asked++;
    if (status !== 200) time.failed++;
    time.longestMs = Math.max(time.longestMs, Math.round(performance.now() - from));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return [await ended, time];
}

function fetchStatus(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    });
    request.once("error", () => resolve(0));
  });
}
