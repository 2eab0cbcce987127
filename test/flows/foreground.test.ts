import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { TestBroker } from "../support/broker.js";

let daemon: ChildProcess | undefined;

afterEach(() => {
  daemon?.kill("SIGKILL");
  daemon = undefined;
});

/** brokerd as a user or a unit starts it: its log on stderr. */
function inForeground(broker: TestBroker, args: readonly string[] = []): { readonly stderr: () => string } {
  let stderr = "";
  const child = spawn(process.execPath, [resolve("dist/brokerd.js"), ...args], {
    env: broker.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  daemon = child;
  return { stderr: () => stderr };
}

describe("brokerd in the foreground", () => {
  it.each([[[]], [["--supervised"]]])("answers and stops when it is started with %j", async (args) => {
    const broker = await TestBroker.create({ name: "foreground", config: "" });
    const { stderr } = inForeground(broker, args);
    const ended = once(daemon!, "exit");

    await Promise.race([
      broker.answering(),
      ended.then(() => {
        throw new Error(stderr());
      }),
    ]);
    daemon?.kill("SIGTERM");

    expect(await ended).toEqual([0, null]);
    expect(stderr()).toContain('"started"');
  });

  it("that cannot even log takes its time to end where a service manager would start it again at once", async () => {
    const broker = await TestBroker.create({ name: "foreground", config: "" });
    const state = join(broker.home, "state");
    mkdirSync(state, { recursive: true });
    chmodSync(state, 0o755);
    const activated = `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=endpoint exec "$0" "$@"`;
    const command = [process.execPath, resolve("dist/brokerd.js"), "--log-file", join(state, "brokerd.log")];
    const since = performance.now();
    daemon = spawn("sh", ["-c", activated, ...command], { env: broker.env, stdio: ["ignore", "ignore", "pipe"] });
    const [said] = (await once(daemon.stderr!, "data")) as [Buffer];
    expect(said.toString()).toContain(`${state} is open to others`);
    expect(await once(daemon, "exit")).toEqual([2, null]);
    expect(performance.now() - since).toBeGreaterThan(4000);
  });

  it("ends with 2 and says why when there is no config", async () => {
    const broker = await TestBroker.create({ name: "foreground" });
    const { stderr } = inForeground(broker);

    expect(await once(daemon!, "close")).toEqual([2, null]);
    expect(stderr()).toContain(broker.configFile);
    expect(stderr()).toContain("brokerctl init");
  });

  it("ends with 2 and names every problem where single entries of the config are bad", async () => {
    const config = "sources: { k: { type: keys, regoin: x } }\nroles: { dev: { source: kk } }\n";
    const broker = await TestBroker.create({ name: "foreground", config });
    const { stderr } = inForeground(broker);

    expect(await once(daemon!, "close")).toEqual([2, null]);
    expect(stderr()).toContain("sources.k.regoin: unknown key");
    expect(stderr()).toContain("roles.dev.source: unknown source");
  });
});
