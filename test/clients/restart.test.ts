import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENTS } from "./aws-clients.js";
import { type Bench, DEV, startBench, type UserShell } from "./bench.js";
import { arnsIn, SUCCESS } from "./outcomes.js";

const CASES = CLIENTS.map((client) => ({ client, name: client.name }));
const WITH_KEPT_VARIABLES = '. ./variables && exec "$@"';

let bench: Bench;
const shells = new Map<string, UserShell>();
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
  expect(await bench.broker.ctl(["use", DEV.name])).toMatchObject({ code: 0 });
  for (const { name } of CASES) {
    const shell = bench.shell("[default] with keys", name);
    expect(await shell.script("brokerctl env > variables")).toMatchObject({ code: 0 });
    shells.set(name, shell);
  }
});
afterAll(async () => bench.stop());

function ask({ client, name }: (typeof CASES)[number]): ReturnType<UserShell["script"]> {
  return shells.get(name)!.script(WITH_KEPT_VARIABLES, client.identity);
}

describe("while the daemon does not run", () => {
  beforeAll(async () => bench.broker.stop());

  it.concurrent.each(CASES)("$name fails, and takes no other credentials", async (each) => {
    const outcome = await ask(each);
    expect(outcome.code).not.toBe(0);
    expect(outcome.signal).toBeNull();
    expect(arnsIn(outcome)).toEqual([]);
    expect(bench.proxy.callsOf(each.name)).toEqual([]);
  });
});

describe("after the daemon was started again", () => {
  beforeAll(async () => bench.broker.start());

  it.concurrent.each(CASES)("$name goes on with the variables that it had", async (each) => {
    const outcome = await ask(each);
    expect(outcome).toEqual(SUCCESS);
    expect(arnsIn(outcome)).toEqual([DEV.arn]);
  });

  it("asked AWS nothing for it: the credentials outlived the restart", () => {
    const assumed = bench.proxy.callsOf("broker").filter(({ action }) => action === "AssumeRole");
    expect(assumed).toHaveLength(1);
  });
});
