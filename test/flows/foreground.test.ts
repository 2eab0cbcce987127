import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { TestBroker } from "../support/broker.js";

let daemon: ChildProcess | undefined;

afterEach(() => {
  daemon?.kill("SIGKILL");
  daemon = undefined;
});

/** brokerd as a person or a unit starts it: its log on stderr. */
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

  it("ends with 2 and says why when there is no config", async () => {
    const broker = await TestBroker.create({ name: "foreground" });
    const { stderr } = inForeground(broker);

    expect(await once(daemon!, "close")).toEqual([2, null]);
    expect(stderr()).toContain(broker.configFile);
    expect(stderr()).toContain("brokerctl init");
  });
});
