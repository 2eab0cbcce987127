import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlClient } from "../../src/control-api/client.js";
import type { EditPlan, EntryRename } from "../../src/core/config-edit.js";
import { auditLines } from "../support/audit-lines.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { get, InProcessBroker, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";

const CORP = "  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }\n";
let broker: InProcessBroker;
let path: string;

beforeEach(async () => {
  broker = await InProcessBroker.ready({ config: ROLES_YAML.replace("roles:\n", `${CORP}roles:\n`) });
  path = join(broker.home, "config.yaml");
});

afterEach(async () => broker.close());

const text = (): string => readFileSync(path, "utf8");
const file = (): { text: string; path: string } => ({ text: text(), path });

/** As the command does it. */
async function rename(kind: EntryRename["kind"], name: string, to: string): Promise<number> {
  const plan = await broker.call("entry-rename", { ...file(), kind, name, to });
  if (plan.text !== null) writeFileSync(path, plan.text);
  return (await broker.call("entry-renamed", { kind, name, to })).leases;
}

async function identityAt(url: string): Promise<string | undefined> {
  const { body } = await get(url);
  return body["RoleArn"] ?? body["Code"];
}

describe("leases of a role that is renamed", () => {
  it("go on at their URLs, also those that fall back to it, and env finds its own", async () => {
    const ide = await broker.call("lease-create", { name: "ide", role: "dev" });
    const pinned = await broker.urlOf("dev");
    await broker.call("use", { lease: { by: "default" }, role: "dev" });
    await broker.call("use", { lease: { by: "default" }, role: "prod", forSeconds: 60 });
    const before = await identityAt(ide.leaseUrl);

    expect(await rename("role", "dev", "orders-dev")).toBe(3);

    expect([await identityAt(ide.leaseUrl), await identityAt(pinned)]).toEqual([before, before]);
    expect(await broker.urlOf("orders-dev")).toBe(pinned);
    await broker.clock.advance(61_000);
    const { defaultRole } = await broker.call("status", {});
    expect(defaultRole).toBe("orders-dev");
    await broker.stop();
    await broker.start();
    expect(await identityAt(ide.leaseUrl)).toBe(before);
    expect(text()).toContain("chained: { source_role: orders-dev,");
  });

  it("follow when the command was stopped after it had written the file", async () => {
    const url = await broker.urlOf("dev");
    const plan = await broker.call("entry-rename", { ...file(), kind: "role", name: "dev", to: "later" });
    writeFileSync(path, plan.text ?? "");
    await broker.call("status", {});
    expect(await identityAt(url)).toBe("RoleUnknown");
    expect(await rename("role", "dev", "later")).toBe(1);
    expect(await identityAt(url)).toContain(":role/dev");
  });

  it("are on record", async () => {
    await broker.urlOf("dev");
    await rename("role", "dev", "later");
    await broker.stop();
    const renames = auditLines(join(broker.home, "state")).filter(({ event }) => event === "config-renamed");
    expect(renames.map(({ detail }) => detail)).toEqual(["role dev is later now, in 1 lease too"]);
    await broker.start();
  });
});

describe("a program that would have leases follow a name of its choice", () => {
  const forged = { kind: "role", name: "dev", to: "prod" } as const;

  it("is refused while the file has the entry under its old name, or another entry under the new one", async () => {
    const url = await broker.urlOf("dev");
    const error = await brokerErrorOf(() => broker.call("entry-renamed", forged));
    expect(error).toMatchObject({ code: "Conflict", hint: "brokerctl role rename dev prod" });
    writeFileSync(path, text().replace(/^ {2}(dev|chained):.*\n/gm, ""));
    expect(await brokerErrorOf(() => broker.call("entry-renamed", forged))).toMatchObject({ code: "Conflict" });
    expect(broker.log.filter(({ fields }) => fields["role"] === "prod")).toEqual([]);
    expect(await identityAt(url)).not.toContain(":role/prod");
  });

  it("is refused where its variables hold a pinned lease", async () => {
    const { token } = await broker.call("lease-create", { name: "agent", role: "dev" });
    const socketPath = join(broker.home, "run", "control.sock");
    const client = createControlClient({
      socketPath,
      version: "0.1.0",
      caller: { pid: process.pid, leaseToken: token },
    });
    const plan = await broker.call("entry-rename", { ...file(), kind: "role", name: "dev", to: "later" });
    writeFileSync(path, plan.text ?? "");
    const asked = { kind: "role", name: "dev", to: "later" } as const;
    expect(await brokerErrorOf(() => client.call("entry-renamed", asked))).toMatchObject({ code: "LeasePinned" });
    expect((await broker.call("entry-renamed", asked)).leases).toBe(1);
  });
});

describe("a source that is renamed", () => {
  it("keeps its key, and its roles are fetched with it", async () => {
    const url = await broker.urlOf("dev");
    await rename("source", "ops-keys", "ops");
    expect(await identityAt(url)).toContain(":role/dev");
    expect((await broker.call("keys-list", {})).keys.map(({ source }) => source)).toEqual(["ops"]);
    await broker.call("refresh", { role: "dev" });
  });

  it("stays where the secret store is locked, or has a key of a former source of that name", async () => {
    const before = text();
    await broker.call("lock", {});
    expect(await brokerErrorOf(() => rename("source", "ops-keys", "ops"))).toMatchObject({ code: "StoreLocked" });
    await broker.call("unlock", {});
    writeFileSync(path, before.replace("sources:\n", "sources:\n  ops: { type: keys }\n"));
    await broker.call("keys-add", { ...USER_KEY, accessKeyId: "AKIA0000000000000009", source: "ops", replace: false });
    writeFileSync(path, before);
    await broker.call("config-reload", {});
    expect(await brokerErrorOf(() => rename("source", "ops-keys", "ops"))).toMatchObject({
      code: "Conflict",
      hint: "brokerctl keys remove ops",
    });
    expect(text()).toBe(before);
  });
});

describe("an entry that is in use", () => {
  it("is not removed while a lease has it, with the lease's name and the way out", async () => {
    const remove = (): Promise<unknown> => broker.call("entry-remove", { ...file(), kind: "role", name: "prod" });
    await broker.call("use", { lease: { by: "default" }, role: "prod" });
    expect(await brokerErrorOf(remove)).toMatchObject({ code: "Conflict", hint: "brokerctl use OTHER-ROLE --default" });
    await broker.call("use", { lease: { by: "default" }, role: "dev" });
    await broker.call("lease-create", { name: "ide", role: "prod" });
    const error = await brokerErrorOf(remove);
    expect(error.message).toContain("lease ide");
    expect(error.hint).toBe("brokerctl lease set ide OTHER-ROLE");
    await broker.call("lease-revoke", { lease: { by: "name", name: "ide" } });
    expect(await remove()).toMatchObject({ summary: ["removes role prod"] });
  });

  it("is not removed while its key is in the secret store", async () => {
    const bare = text().replace(/roles:[\s\S]*/, "");
    writeFileSync(path, bare);
    const remove = (): Promise<unknown> => broker.call("entry-remove", { ...file(), kind: "source", name: "ops-keys" });
    expect(await brokerErrorOf(remove)).toMatchObject({ code: "Conflict", hint: "brokerctl keys remove ops-keys" });
    await broker.call("keys-remove", { source: "ops-keys" });
    expect(await remove()).toMatchObject({ summary: ["removes source ops-keys"] });
  });

  it("of Identity Center is removed once it is known that there is no login to end", async () => {
    const remove = (): Promise<EditPlan> => broker.call("entry-remove", { ...file(), kind: "source", name: "corp" });
    await broker.call("lock", {});
    expect(await brokerErrorOf(remove)).toMatchObject({ code: "StoreLocked" });
    await broker.call("unlock", {});
    expect((await remove()).text).not.toContain("corp");
  });
});
