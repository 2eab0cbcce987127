import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SystemProcessTable } from "../../src/system/process-identity.js";
import { instanceHolder } from "../../src/system/single-instance.js";
import { type Outcome, TestBroker } from "../support/broker.js";
import { seededRandom } from "../support/random.js";

const AT_ONCE = 25;
/** A round is some sixty starts of Node: 10 of them in a run of its own, fewer beside other work. */
const ROUNDS = Number(process.env["CREDBROKER_TEST_ROUNDS"] ?? 1);
const SEED = Number(process.env["CREDBROKER_TEST_SEED"] ?? 1);
const CREDENTIALS = {
  ...{ Version: 1, AccessKeyId: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "not-a-key", SessionToken: "token" },
  Expiration: "2099-01-01T00:00:00Z",
};

let broker: TestBroker;

afterEach(async () => {
  await broker.ctl(["stop"]);
});

async function coldHome(): Promise<void> {
  broker = await TestBroker.create({ name: "burst" });
  const program = join(broker.home, "credentials");
  writeFileSync(program, `#!/bin/sh\necho '${JSON.stringify(CREDENTIALS)}'\n`, { mode: 0o700 });
  await broker.configure(
    `sources: { own: { type: process, credential_process: "${program}" } }\nroles: { dev: { source: own } }\n`,
  );
  expect(await broker.ctl(["init", "--yes"])).toMatchObject({ code: 0 });
  expect(await broker.ctl(["stop"])).toMatchObject({ code: 0 });
}

/** `onAnswer` is told how many have been answered. */
function burst(onAnswer: (answered: number) => unknown = () => undefined): Promise<readonly Outcome[]> {
  let answered = 0;
  const one = async (): Promise<Outcome> => {
    const outcome = await broker.ctl(["credential-process", "dev"]);
    onAnswer(++answered);
    return outcome;
  };
  return Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Every brokerd says in the log that it started, or why not. */
function startsIn(log: string): number {
  return log.match(/"msg":"(?:started|not started: [^"]*)"/g)?.length ?? 0;
}

function holder(): number | undefined {
  return instanceHolder({ stateDir: join(broker.home, "state"), processes: new SystemProcessTable() });
}

function expectKeys({ code, stdout, stderr }: Outcome): void {
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toMatchObject({ AccessKeyId: CREDENTIALS.AccessKeyId });
}

describe(`${AT_ONCE} credential-process at once, with no brokerd`, () => {
  it(`start it once and are all answered, in each of ${ROUNDS} rounds`, { timeout: ROUNDS * 120_000 }, async () => {
    await coldHome();
    for (let round = 0; round < ROUNDS; round++) {
      const before = broker.log().length;
      for (const outcome of await burst()) expectKeys(outcome);
      expect(startsIn(broker.log().slice(before))).toBe(1);
      expect(await broker.ctl(["stop"])).toMatchObject({ code: 0 });
    }
  });

  it(`do not bring it back after a stop, in each of ${ROUNDS} rounds`, { timeout: ROUNDS * 120_000 }, async () => {
    await coldHome();
    const random = seededRandom(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      // While all are being loaded, or when some have been answered: what a user could do who changes their mind.
      const after = round % 2 === 0 ? 0 : 1 + Math.floor(random() * (AT_ONCE - 1));
      let stopping: Promise<Outcome> | undefined;
      const stop = (): unknown => (stopping = broker.ctl(["stop"]));
      const all = burst((answered) => answered === after && stop());
      if (after === 0) stop();
      for (const outcome of await all) if (outcome.code !== 0) expect(outcome).toMatchObject({ code: 3, stdout: "" });
      expect(await stopping).toMatchObject({ code: 0 });
      expect(holder()).toBeUndefined();
      expect(await broker.ctl(["status"])).toMatchObject({ code: 3 });
    }
    // A later command may start it, as ever.
    expectKeys(await broker.ctl(["credential-process", "dev"]));
    expect(await broker.ctl(["stop"])).toMatchObject({ code: 0 });
    // Nor does a brokerd that one of them had started, and that was loaded only now.
    await expect(broker.start(["--unless-stopped-since", "0"])).rejects.toThrow("brokerd was stopped");
    expect(readFileSync(join(broker.home, "state", "stopped-at"), "utf8")).toMatch(/^\d+\n$/);
  });
});
