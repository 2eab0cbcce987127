import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replaceFileIfUnchanged } from "../../src/files/replace-file.js";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { TestBroker } from "../support/broker.js";
import { canarySecretKey } from "../support/canaries.js";
import { awsOptions, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";
import { seededRandom } from "../support/random.js";

const WRITES = 200;
/** Writes between two kills; the last one is under way when the kill comes. */
const MOST_BETWEEN_KILLS = 40;

let aws: FakeAws;
let broker: TestBroker;

beforeEach(async () => {
  aws = await startFakeAws(awsOptions());
  broker = await TestBroker.create({ name: "kill", config: ROLES_YAML, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
});

afterEach(async () => {
  await broker.stop("SIGKILL");
  await aws.close();
});

/** What a user was told is done. */
interface Acknowledged {
  keySuffix: string;
  /** Lease by name, with its token. */
  readonly leases: Map<string, string>;
  readonly configRoles: Set<string>;
}

function keySuffixOf(number: number): string {
  return String(number).padStart(4, "0");
}

function afterMs(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** One write of one of the three kinds; it counts as acknowledged once its promise resolved. */
async function write(number: number, acknowledged: Acknowledged): Promise<void> {
  const kind = number % 3;
  if (kind === 0) {
    const keySuffix = keySuffixOf(number);
    const key = { accessKeyId: `AKIA000000000000${keySuffix}`, secretAccessKey: canarySecretKey(keySuffix) };
    await broker.call("keys-add", { source: "ops-keys", ...key, replace: true });
    acknowledged.keySuffix = keySuffix;
  } else if (kind === 1) {
    const name = `lease-${number}`;
    const { token } = await broker.call("lease-create", { name, role: "dev" });
    acknowledged.leases.set(name, token);
  } else {
    const name = `role-${number}`;
    const text = readFileSync(broker.configFile, "utf8");
    const fields = { source: "ops-keys", role_arn: "arn:aws:iam::111111111111:role/dev" };
    const plan = await broker.call("role-add", { text, path: broker.configFile, name, fields });
    await replaceFileIfUnchanged({ path: broker.configFile, expected: text, next: plan.text! });
    acknowledged.configRoles.add(name);
    await broker.call("config-reload", {});
  }
}

/** A key whose write was under way when the kill came may be there or not. */
async function expectAllThere(
  { keySuffix, leases, configRoles }: Acknowledged,
  keyUnderWay: string | undefined,
): Promise<void> {
  const status = await broker.call("status", {});
  expect(status.daemon.state).toBe("ready");
  expect(status.daemon.warnings.join()).not.toContain("broken");
  const { keys } = await broker.call("keys-list", {});
  expect([keySuffix, keyUnderWay]).toContain(keys[0]?.accessKeyIdSuffix);
  expect(status.roles.map(({ name }) => name)).toEqual(expect.arrayContaining([...configRoles]));
  for (const [name, token] of leases) {
    const access = await broker.call("lease-access", { lease: { by: "name", name } });
    expect(access.token).toBe(token);
  }
}

describe("kill -9 at random points of 200 writes", () => {
  it("loses no acknowledged secret, lease or config edit", { timeout: 300_000 }, async () => {
    const random = seededRandom(20_261_121);
    const acknowledged: Acknowledged = { keySuffix: "0001", leases: new Map(), configRoles: new Set() };
    for (let next = 0; next < WRITES; ) {
      const last = Math.min(WRITES - 1, next + Math.floor(random() * MOST_BETWEEN_KILLS));
      let tookMs = 0;
      for (; next < last; next++) {
        const from = performance.now();
        await write(next, acknowledged);
        tookMs = performance.now() - from;
      }
      // A little over the time that the write before took: some are acknowledged before the kill, most are cut.
      const killed = afterMs(random() * 1.2 * tookMs).then(() => broker.stop("SIGKILL"));
      const isAcknowledged = await write(next, acknowledged).then(
        () => true,
        () => false,
      );
      await killed;
      await broker.start();
      await expectAllThere(acknowledged, isAcknowledged ? undefined : keySuffixOf(next));
      next++;
    }
    expect(acknowledged.leases.size + acknowledged.configRoles.size).toBeGreaterThan(WRITES / 3);
  });
});
