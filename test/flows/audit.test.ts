import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlClient } from "../../src/control-api/client.js";
import type { AuditLine } from "../../src/core/audit-line.js";
import { auditLines, refusalCounts } from "../support/audit-lines.js";
import { get, InProcessBroker } from "../support/in-process-broker.js";

const DEFAULT = { by: "default" } as const;

let broker: InProcessBroker;
beforeEach(async () => {
  broker = await InProcessBroker.ready();
});
afterEach(async () => broker.close());

const stateDir = (): string => join(broker.home, "state");

/** What is on record when everything is written. */
async function lines(log: "audit" | "refusals" = "audit"): Promise<readonly AuditLine[]> {
  await broker.call("audit-verify", {});
  return auditLines(stateDir(), log);
}

describe("the whole daemon's audit log", () => {
  it("tells what was done from its start on, and what was fetched, refused and served until when", async () => {
    const url = await broker.urlOf("dev");
    expect((await get(url)).status).toBe(200);
    expect((await get(`${url}?x`)).status).toBe(403);
    expect((await get(url, { "Content-Length": "1" })).status).toBe(403);

    expect((await lines()).map(({ event, role }) => [event, role])).toEqual([
      ["started", null],
      ["store-created", null],
      ["keys-added", null],
      ["lease-access", "dev"],
      ["fetch", "dev"],
    ]);
    const fetched = (await lines()).at(-1)!;
    expect(fetched).toMatchObject({ outcome: "served", lease_name: "role:dev", uid: 1000 });
    expect(Date.parse(fetched.until!)).toBe(broker.clock.now() + 3_600_000);
    expect((await lines("refusals")).map(({ code }) => code).toSorted()).toEqual(["LeaseUnknown", "RequestRefused"]);
  });

  it("counts every refusal once, by the end of the minute", async () => {
    const url = await broker.urlOf("dev");
    for (let n = 0; n < 7; n++) await get(`${url}x`);
    for (let n = 0; n < 5; n++) await get(url, { Origin: "null" });

    await broker.clock.advance(60_000);
    await lines();

    expect(refusalCounts(stateDir())).toEqual({ LeaseUnknown: 7, RequestRefused: 5 });
  });

  it("goes on over a restart, in one chain that is sealed to its end", async () => {
    await broker.call("use", { lease: DEFAULT, role: "dev" });
    await broker.stop();
    await broker.start();

    const { logs, sealProblem } = await broker.call("audit-verify", {});
    expect([logs.audit.findings, logs.audit.notes, sealProblem]).toEqual([[], [], null]);
    const events = (await lines()).map(({ event }) => event);
    expect(events.slice(-3)).toEqual(["use", "stopped", "started"]);
    expect(logs.audit.sealedTo).toBe(events.length - 1);
  });

  it("is told by `status` when it was changed between two starts", async () => {
    await broker.call("use", { lease: DEFAULT, role: "dev" });
    await broker.stop();
    const path = join(stateDir(), "audit.jsonl");
    writeFileSync(path, readFileSync(path, "utf8").split("\n").slice(0, 2).join("\n") + "\n");
    await broker.start();
    await lines();
    await broker.clock.advance(5000);

    const warnings = async (): Promise<readonly string[]> => (await broker.call("status", {})).daemon.warnings;
    await expect.poll(warnings).toContain("the audit log is not as it was sealed: brokerctl audit verify");
    const { logs } = await broker.call("audit-verify", {});
    expect(logs.audit.findings).not.toEqual([]);
  });

  it("has a config edit on record, with the roles that changed", async () => {
    const config = join(broker.home, "config.yaml");
    writeFileSync(config, readFileSync(config, "utf8").replace("  prod: {", "  other: {"));

    await broker.call("config-reload", {});

    expect((await lines()).slice(-2)).toMatchObject([
      { event: "config-changed", detail: "role prod, role other" },
      { event: "config-reload", outcome: "done" },
    ]);
  });

  it("has every way to another role on record with the lease that the caller's variables hold", async () => {
    const agent = await broker.call("lease-create", { name: "agent", role: "dev" });
    const caller = { pid: process.pid, leaseToken: agent.token };
    const socketPath = join(broker.home, "run", "control.sock");
    const client = createControlClient({ socketPath, version: "0.0.0-test", caller });

    await client.call("lease-child", { role: "prod", pid: process.pid, forSeconds: 60 }); // exec, credential-process
    await client.call("lease-access", { pinnedRole: "prod" }); // env
    await client.call("lease-create", { name: "mine", role: "prod" });
    await expect(client.call("use", { lease: DEFAULT, role: "prod" })).rejects.toMatchObject({ code: "LeasePinned" });

    const told = (await lines()).slice(-3);
    expect(told.map(({ event, role }) => [event, role])).toEqual([
      ["lease-created", "prod"],
      ["lease-access", "prod"],
      ["lease-created", "prod"],
    ]);
    for (const line of told)
      expect(line).toMatchObject({ caller_lease: agent.lease.id, pid: process.pid, claimed: true });
    expect(told[0]?.program).toContain("node");
    expect(JSON.stringify(await lines())).not.toContain(agent.token);
  });

  it("knows who holds a role, also after the lease has moved on, and says it where the lease moves or ends", async () => {
    const { leaseUrl, lease } = await broker.call("lease-create", { name: "ide", role: "dev", movable: true });
    await get(leaseUrl);

    const moved = await broker.call("use", { lease: { by: "name", name: "ide" }, role: "prod" });
    expect(moved.holders).toMatchObject([{ lease: lease.id, role: "dev", until: broker.clock.now() + 3_600_000 }]);
    const { leases, holders } = await broker.call("who", { role: "dev" });
    expect([leases, holders]).toMatchObject([[], [{ leaseName: "ide" }]]);
    const revoked = await broker.call("lease-revoke", { lease: { by: "name", name: "ide" } });
    expect(revoked.holders).toMatchObject([{ role: "dev" }]);

    await broker.clock.advance(3_600_000);
    expect((await broker.call("who", { role: "dev" })).holders).toEqual([]);
  });

  it("goes on in a new file where the old one was removed, and tells the gap", async () => {
    const url = await broker.urlOf("dev");
    await lines();
    rmSync(join(stateDir(), "audit.jsonl"));
    expect((await get(url)).status).toBe(200);
    expect((await lines()).map(({ event, code }) => [event, code])).toEqual([
      ["gap", "FileChanged"],
      ["fetch", null],
    ]);
  });
});
