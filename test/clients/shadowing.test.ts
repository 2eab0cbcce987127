import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENTS, JAVASCRIPT } from "./aws-clients.js";
import { type Bench, DEV, startBench, type UserShell } from "./bench.js";
import { REGION_ONLY_PROFILE, SHADOWING_KEY_ID, writeDefaultKeys } from "./homes.js";
import { arnsIn, SUCCESS } from "./outcomes.js";

const ENV = 'eval "$(brokerctl env)"';
const KEYS = `export AWS_ACCESS_KEY_ID=${SHADOWING_KEY_ID} AWS_SECRET_ACCESS_KEY=of-no-account`;

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
  expect(await bench.broker.ctl(["use", DEV.name])).toMatchObject({ code: 0 });
});
afterAll(async () => bench.stop());

/** Plain: in the shell as `prelude` leaves it. Exec: by `brokerctl exec` from that same shell. */
async function plainAndExec(shell: UserShell, prelude: string, command: readonly string[]) {
  const plain = await shell.script(`${prelude}\nexec "$@"`, command);
  const exec = await shell.script(`${prelude}\nexec brokerctl exec -- "$@"`, command);
  return { plain, exec };
}

describe("what shadows the endpoint after `env` was evaluated, and cannot shadow `exec`", () => {
  it.concurrent.each(CLIENTS)("$name: keys in the shell", async (client) => {
    const label = `shell/${client.name}`;
    const { plain, exec } = await plainAndExec(bench.shell("empty", label), `${ENV}\n${KEYS}`, client.identity);
    expect(arnsIn(plain)).not.toContain(DEV.arn);
    expect(bench.proxy.keysOf(label)[0]).toBe(SHADOWING_KEY_ID);
    expect(exec).toEqual(SUCCESS);
    expect(arnsIn(exec)).toEqual([DEV.arn]);
  });

  it.concurrent.each(CLIENTS)("$name: keys that the user put into [default] since", async (client) => {
    const label = `since/${client.name}`;
    const shell = bench.shell("empty", label);
    expect(await shell.script("brokerctl env > variables")).toEqual(SUCCESS);
    writeDefaultKeys(shell.home.directory);
    const { plain, exec } = await plainAndExec(shell, ". ./variables", client.identity);
    expect(arnsIn(plain)).not.toContain(DEV.arn);
    expect(bench.proxy.keysOf(label)[0]).toBe(SHADOWING_KEY_ID);
    expect(exec).toEqual(SUCCESS);
    expect(arnsIn(exec)).toEqual([DEV.arn]);
  });

  it.concurrent.each(CLIENTS)("$name: the name of a profile that does not exist", async (client) => {
    const shell = bench.shell("empty", `unknown/${client.name}`);
    const prelude = `${ENV}\nexport AWS_PROFILE=missing`;
    const { plain, exec } = await plainAndExec(shell, prelude, client.identity);
    // botocore stops at an unknown profile; the JavaScript SDK goes on to the endpoint (docs/clients.md).
    if (client === JAVASCRIPT) expect(arnsIn(plain)).toEqual([DEV.arn]);
    else expect(plain).toMatchObject({ stderr: expect.stringContaining("missing") as string, stdout: "" });
    expect(exec).toEqual(SUCCESS);
    expect(arnsIn(exec)).toEqual([DEV.arn]);
  });
});

describe("what does not shadow the endpoint", () => {
  it.concurrent.each(CLIENTS)("$name: a profile with only a region, named after `env`", async (client) => {
    const shell = bench.shell("AWS_PROFILE set", `region-only/${client.name}`);
    const outcome = await shell.script(`${ENV}\nexec env AWS_PROFILE=${REGION_ONLY_PROFILE} "$@"`, client.identity);
    expect(outcome).toEqual(SUCCESS);
    expect(arnsIn(outcome)).toEqual([DEV.arn]);
  });

  it.concurrent.each(CLIENTS)(
    "$name: keys and an unknown profile that were in the shell before `env`",
    async (client) => {
      const shell = bench.shell("empty", `before/${client.name}`);
      const prelude = `${KEYS}\nexport AWS_PROFILE=missing\n${ENV}`;
      const { plain, exec } = await plainAndExec(shell, prelude, client.identity);
      for (const outcome of [plain, exec]) {
        expect(outcome).toEqual(SUCCESS);
        expect(arnsIn(outcome)).toEqual([DEV.arn]);
      }
    },
  );
});
