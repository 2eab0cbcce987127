import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACCOUNT, awsOptions, get, InProcessBroker, ROLES_YAML, roleArn } from "../support/in-process-broker.js";

const ROLE = roleArn("orders");
const ARN = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:orders`;
const HOUR_MS = 3_600_000;
let broker: InProcessBroker;

beforeEach(async () => {
  const { roles = [] } = awsOptions();
  const aws = {
    roles: [...roles, { arn: ROLE, trusts: [roleArn("dev"), roleArn("prod")] }],
    functions: [{ arn: ARN, roleArn: ROLE, aliases: { live: "7" } }],
  };
  broker = await InProcessBroker.ready({ aws, config: ROLES_YAML });
});

afterEach(async () => broker.close());

const NAME = "lambda:orders@dev";

async function leaseOnFunction(): Promise<string> {
  const { role } = await broker.call("lambda-role", { function: "orders", via: "dev", mode: "assume" });
  expect(role).toBe(NAME);
  await broker.call("warm", { role });
  return broker.urlOf(role);
}

const config = (): string => readFileSync(join(broker.home, "config.yaml"), "utf8");

async function configure(text: string): Promise<void> {
  writeFileSync(join(broker.home, "config.yaml"), text, { mode: 0o600 });
  await broker.reload();
}

describe("a lease on a function's role", () => {
  it("shows in status as what it is, with its region, and `use` takes it", async () => {
    await leaseOnFunction();
    const { roles, leases } = await broker.call("status", {});
    expect(roles.find(({ name }) => name === NAME)).toMatchObject({
      source: "ops-keys",
      state: "ready",
      roleArn: ROLE,
      region: "eu-west-1",
    });
    expect(leases.find(({ kind }) => kind === "pinned")).toMatchObject({ role: NAME, name: `role:${NAME}` });
    const used = await broker.call("use", { lease: { by: "default" }, role: NAME });
    expect(used.new).toMatchObject({ role: NAME, roleArn: ROLE });
  });

  it("outlives a restart of the daemon at the same URL", async () => {
    const url = await leaseOnFunction();
    await broker.stop();
    await broker.start();
    expect(await get(url)).toMatchObject({ status: 200, body: { RoleArn: ROLE } });
    await broker.clock.advance(2 * HOUR_MS);
    expect((await get(url)).status).toBe(200);
  });

  it("ends after 12 hours, or the time that is said, and lasts as long again each time it is asked for", async () => {
    const first = await leaseOnFunction();
    const end = async (): Promise<number | null | undefined> =>
      (await broker.call("lease-list", {})).leases.find(({ kind }) => kind === "pinned")?.expiresAt;
    const made = broker.clock.now();
    expect(await end()).toBe(made + 12 * HOUR_MS);
    await broker.clock.advance(2 * HOUR_MS);
    await broker.call("lease-access", { pinnedRole: NAME, forSeconds: 3600 });
    expect(await end()).toBe(made + 12 * HOUR_MS);
    expect(await broker.urlOf(NAME)).toBe(first);
    expect(await end()).toBe(broker.clock.now() + 12 * HOUR_MS);

    await broker.clock.advance(13 * HOUR_MS);
    expect(await get(first)).toMatchObject({ status: 403, body: { code: "LeaseEnded" } });
    expect(await leaseOnFunction()).not.toBe(first);
  });

  it("is one, however the function is spelled, but for an alias whose code has another role", async () => {
    const by = async (text: string): Promise<string> =>
      (await broker.call("lambda-role", { function: text, via: "dev", mode: "assume" })).role;
    const spellings = ["orders", ARN, `${ACCOUNT}:function:orders`, "orders:$LATEST", "orders:live", `${ARN}:live`];
    expect(new Set(await Promise.all(spellings.map(by)))).toEqual(new Set([NAME]));
  });

  it("follows the role that it goes by: made anew when that changes, unknown while it is gone, back when it is back", async () => {
    const url = await leaseOnFunction();
    const before = config();
    const asProd = before.replace(`dev: { source: ops-keys, role_arn: "${roleArn("dev")}" }`, (entry) =>
      entry.replace(roleArn("dev"), roleArn("prod")),
    );
    const first = await get(url);
    await configure(asProd);
    const second = await get(url);
    expect([second.status, second.body["AccessKeyId"] === first.body["AccessKeyId"]]).toEqual([200, false]);

    await configure(before.replaceAll(/^ {2}(?:dev|chained):.*\n/gm, ""));
    const gone = await get(url);
    expect(gone).toMatchObject({ status: 400, body: { code: "RoleUnknown" } });
    expect(gone.body["message"]).toContain("dev");
    await expect(broker.call("warm", { role: NAME })).rejects.toMatchObject({ code: "RoleUnknown" });

    await configure(before);
    expect((await get(url)).status).toBe(200);
  });

  it("keeps its definition as long as the lease is there, and an hour more", async () => {
    const url = await leaseOnFunction();
    const file = join(broker.home, "state", "lambda-roles.json");
    const kept = (): boolean => readFileSync(file, "utf8").includes(NAME);
    expect(existsSync(file)).toBe(true);
    await broker.clock.advance(2 * HOUR_MS);
    expect([kept(), (await get(url)).status]).toEqual([true, 200]);
    await broker.call("lease-revoke", { lease: { by: "name", name: `role:${NAME}` } });
    await broker.clock.advance(20 * HOUR_MS);
    await expect.poll(kept).toBe(false);
  });

  it("is said to be unknown where nothing is kept of it", async () => {
    const unknown = { code: "RoleUnknown", hint: expect.stringContaining("brokerctl lambda exec nosuch") as string };
    await expect(broker.call("warm", { role: "lambda:nosuch@dev" })).rejects.toMatchObject(unknown);
  });

  it("does not keep the daemon from starting when its file is broken", async () => {
    const url = await leaseOnFunction();
    await broker.stop();
    writeFileSync(join(broker.home, "state", "lambda-roles.json"), "{", { mode: 0o600 });
    await broker.start();
    expect(await get(url)).toMatchObject({ status: 400, body: { code: "RoleUnknown" } });
    expect((await get(await broker.urlOf("prod"))).status).toBe(200);
  });
});
