import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { TestBroker } from "../support/broker.js";
import { ROLES_YAML } from "../support/in-process-broker.js";

const AT_ONCE = 12;
/** A round is a dozen starts of Node: 20 of them in CI's own run, fewer beside other work. */
const ROUNDS = Number(process.env["CREDBROKER_TEST_ROUNDS"] ?? 2);

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

const started: Started[] = [];

afterEach(() => {
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
});

function startOne(env: Readonly<Record<string, string>>): Started {
  const child = spawn(process.execPath, [resolve("dist/brokerd.js")], { env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stderr }));
  return { child, ended };
}

describe(`${AT_ONCE} daemons started at once`, () => {
  it(`are one, and the others name it, in each of ${ROUNDS} rounds`, { timeout: ROUNDS * 60_000 }, async () => {
    const broker = await TestBroker.create({ name: "instances", config: ROLES_YAML });
    for (let round = 0; round < ROUNDS; round++) {
      const all = Array.from({ length: AT_ONCE }, () => startOne(broker.env));
      started.push(...all);
      await broker.answering();
      const { pid } = (await broker.call("status", {})).daemon;
      const winner = all.find(({ child }) => child.pid === pid);
      expect(winner).toBeDefined();

      const others = await Promise.all(all.filter((one) => one !== winner).map(({ ended }) => ended));
      expect(others.map(({ code }) => code)).toEqual(Array.from({ length: AT_ONCE - 1 }, () => 1));
      for (const { stderr } of others) expect(stderr).toContain(`process ${pid}`);
      expect((await broker.call("status", {})).daemon.pid).toBe(pid);
      expect(winner?.child.exitCode).toBeNull();

      // What a crash leaves behind is as good a start as what an orderly end does.
      winner?.child.kill(round % 2 === 0 ? "SIGKILL" : "SIGTERM");
      await winner?.ended;
      started.length = 0;
    }
  });
});
