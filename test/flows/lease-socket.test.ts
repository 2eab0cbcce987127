import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditLines, refusalCounts } from "../support/audit-lines.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { get, InProcessBroker, roleArn } from "../support/in-process-broker.js";
import { overSocket } from "../support/over-socket.js";
import { tempDir } from "../support/temp-dir.js";

/** The sweep comes every 15 s. */
const SWEEP_MS = 15_000;

let broker: InProcessBroker;
let directory: string;
let socket: string;

beforeEach(async () => {
  broker = await InProcessBroker.ready();
  directory = tempDir("shared");
  socket = join(directory, "lease.sock");
});
afterEach(() => broker.close());

async function create(path = socket, name = "agent", role: string | null = "dev"): Promise<void> {
  await broker.call("lease-create", { name, role, socket: path });
}

const named = (name = "agent"): { readonly by: "name"; readonly name: string } => ({ by: "name", name });

async function reachable(path = socket): Promise<boolean> {
  return overSocket(path).then(
    () => true,
    () => false,
  );
}

async function names(): Promise<readonly (string | null)[]> {
  return (await broker.call("lease-list", {})).leases.map(({ name }) => name);
}

describe("a lease on a socket", () => {
  it("is served there, without a token, as the endpoint serves it, with the role's region", async () => {
    await create();
    const { leaseUrl } = await broker.call("lease-access", { lease: named() });

    const { status, headers, body } = await overSocket(socket);

    expect(status).toBe(200);
    expect(body).toEqual((await get(leaseUrl)).body);
    expect(body["RoleArn"]).toBe(roleArn("dev"));
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "no-store",
      "credbroker-region": "eu-west-1",
    });
  });

  it("gives no other lease, whatever the request says, and has no other path", async () => {
    await create();
    const other = await broker.call("lease-create", { name: "ide", role: "prod" });

    const asked = await overSocket(socket, { headers: { Authorization: other.token } });
    expect(asked.body["RoleArn"]).toBe(roleArn("dev"));

    for (const path of [
      `/lease/${other.token}`,
      "/healthz",
      "/",
      "/creds/",
      "/creds?role=prod",
      "//creds",
      "/v1/use",
    ]) {
      const { status, body } = await overSocket(socket, { path });
      expect([path, status, body["code"]]).toEqual([path, 403, "LeaseUnknown"]);
    }
  });

  it.each([
    ["a browser's", { Origin: "https://evil.example" }],
    ["a proxy's", { "X-Forwarded-For": "203.0.113.7" }],
    ["for another host", { Host: "evil.example" }],
    ["with a body", { "Content-Length": "2" }],
  ])("refuses a request that is %s, on record with the lease", async (_, headers) => {
    await create();
    const { status, body } = await overSocket(socket, { headers, ...("Content-Length" in headers && { body: "{}" }) });
    expect([status, body["code"]]).toEqual([403, "RequestRefused"]);
    await broker.stop();
    expect(refusalCounts(join(broker.home, "state"))).toMatchObject({ RequestRefused: 1 });
  });

  it("answers only GET", async () => {
    await create();
    expect(await overSocket(socket, { method: "POST" })).toMatchObject({ status: 403 });
    expect(await overSocket(socket, { method: "DELETE" })).toMatchObject({ status: 403 });
  });

  it("has a socket that its user alone can connect to", async () => {
    const umask = process.umask(0);
    try {
      await create();
    } finally {
      process.umask(umask);
    }
    const { mode } = statSync(socket);
    expect(mode & 0o777).toBe(0o600);
  });

  it("puts on record what it served", async () => {
    await create();
    await overSocket(socket);
    const { lease } = await broker.call("lease-access", { lease: named() });
    await broker.stop();
    const fetched = auditLines(join(broker.home, "state")).filter(({ event }) => event === "fetch");
    expect(fetched).toMatchObject([{ outcome: "served", lease: lease.id, lease_name: "agent", role: "dev" }]);
  });

  it("is named with its socket by what lists and shows leases", async () => {
    await create();
    expect((await broker.call("lease-show", { lease: named() })).socket).toBe(socket);
    const { leases } = await broker.call("status", {});
    expect(leases.map((lease) => lease.socket)).toEqual([null, socket]);
  });

  it("moves with `lease set`, and follows the default lease where it has no role", async () => {
    await create(socket, "agent", null);
    expect((await overSocket(socket)).body["code"]).toBe("NoRole");
    await broker.call("use", { lease: { by: "default" }, role: "prod" });
    expect((await overSocket(socket)).body["RoleArn"]).toBe(roleArn("prod"));
    await broker.call("lease-set", { lease: named(), role: "dev" });
    expect((await overSocket(socket)).body["RoleArn"]).toBe(roleArn("dev"));
  });
});

describe("the socket of a lease", () => {
  it("is there again after a restart, and gone while brokerd does not run", async () => {
    await create();
    await broker.stop();
    expect(await reachable()).toBe(false);
    await broker.start();
    expect((await overSocket(socket)).body["RoleArn"]).toBe(roleArn("dev"));
  });

  it("takes the place of one that a killed brokerd left", async () => {
    await create();
    await broker.stop();
    await leaveStale(socket);
    expect(existsSync(socket)).toBe(true);
    await broker.start();
    expect((await overSocket(socket)).status).toBe(200);
  });

  it("goes with the lease that is revoked, at once, and with one that ends, within a sweep", async () => {
    await create();
    await broker.call("lease-revoke", { lease: named() });
    expect([existsSync(socket), await reachable()]).toEqual([false, false]);

    await broker.call("lease-create", { name: "agent", role: "dev", socket, forSeconds: 60 });
    expect((await overSocket(socket)).status).toBe(200);
    await broker.clock.advance(60_000);
    // One that runs meanwhile may have looked before the end.
    const afterSweep = async (): Promise<boolean> => {
      await broker.clock.advance(SWEEP_MS);
      return existsSync(socket);
    };
    await expect.poll(afterSweep).toBe(false);
  });

  it("serves nothing any more when its lease has ended, before the sweep takes it away", async () => {
    await broker.call("lease-create", { name: "agent", role: "dev", socket, forSeconds: 61 });
    await broker.clock.advance(60_500);
    await overSocket(socket);
    await broker.clock.advance(600);
    const answer = await overSocket(socket).catch(() => undefined);
    expect(answer?.body["code"] ?? "gone").toMatch(/^(?:LeaseEnded|gone)$/);
  });

  it("is made again by the sweep when it was removed", async () => {
    await create();
    rmSync(socket);
    await broker.clock.advance(SWEEP_MS);
    await expect.poll(() => reachable()).toBe(true);
  });

  it("is told by `status` while it cannot be made, and made when it can", async () => {
    await create();
    await broker.stop();
    rmSync(directory, { recursive: true });
    await broker.start();
    const told = async (): Promise<string> => (await broker.call("status", {})).daemon.warnings.join("\n");
    expect(await told()).toContain(`lease agent is not served: there is no directory ${directory}`);
    mkdirSync(directory, { mode: 0o700 });
    await broker.clock.advance(SWEEP_MS);
    await expect.poll(() => reachable()).toBe(true);
    expect(await told()).not.toContain("not served");
  });
});

/** As kill -9 leaves it: a socket at which no program listens. */
async function leaveStale(path: string): Promise<void> {
  const server = await listening(`${path}.other`);
  const { renameSync } = await import("node:fs");
  renameSync(`${path}.other`, path);
  await new Promise((resolve) => server.close(resolve));
}

async function listening(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

describe("a path for a lease's socket", () => {
  /** Nothing is left of a lease whose socket cannot be had. */
  async function refused(
    path: string,
  ): Promise<{ readonly code: string; readonly message: string; readonly hint?: string | undefined }> {
    const error = await brokerErrorOf(() => create(path));
    expect(await names()).not.toContain("agent");
    return error;
  }

  it("is refused where a program answers, which goes on, or where there is something else", async () => {
    const server = await listening(socket);
    expect(await refused(socket)).toMatchObject({ code: "Conflict" });
    expect(existsSync(socket)).toBe(true);
    server.close();

    writeFileSync(socket, "mine");
    expect(await refused(socket)).toMatchObject({ code: "FileRefused" });
    rmSync(socket);
    symlinkSync(join(directory, "elsewhere"), socket);
    expect(await refused(socket)).toMatchObject({ code: "FileRefused" });
    expect(await refused(join(broker.home, "run", "control.sock"))).toMatchObject({ code: "Conflict" });
    expect((await broker.call("status", {})).daemon.state).toBe("ready");
  });

  it("is refused where another lease has it", async () => {
    await create();
    const error = await brokerErrorOf(() => create(socket, "second"));
    expect(error).toMatchObject({ code: "Conflict", hint: "brokerctl lease show agent" });
    expect((await overSocket(socket)).status).toBe(200);
  });

  it("is refused where others could put a socket of theirs in its place", async () => {
    chmodSync(directory, 0o777);
    expect(await refused(socket)).toMatchObject({
      code: "FileRefused",
      message: expect.stringContaining("replaced") as string,
    });
    chmodSync(directory, 0o700);
    const below = join(directory, "below");
    mkdirSync(below, { mode: 0o700 });
    chmodSync(directory, 0o777);
    expect(await refused(join(below, "lease.sock"))).toMatchObject({ code: "FileRefused" });
    chmodSync(directory, 0o700);
  });

  it.each([["lease.sock"], ["/tmp/../tmp/lease.sock"], ["/tmp/"], [`/tmp/${"x".repeat(104)}`]])(
    "is refused where it is no plain path of a socket: %s",
    async (path) => {
      expect(await refused(path)).toMatchObject({ code: "UsageInvalid" });
    },
  );

  it("is refused in a directory that there is not, with the command that makes it", async () => {
    const missing = join(directory, "a b");
    const error = await refused(join(missing, "lease.sock"));
    expect(error).toMatchObject({ code: "FileRefused", hint: `mkdir -p -m 700 '${missing}'` });
    expect(existsSync(missing)).toBe(false);
  });
});

describe("a lease that ends with a process", () => {
  const own = (): string => join(broker.home, "run", "leases");

  it("has its socket alone in a directory of brokerd's, which goes with it", async () => {
    const child = { role: "dev", pid: process.pid, socket: true } as const;
    const [one, two] = [await broker.call("lease-child", child), await broker.call("lease-child", child)];
    const path = one.lease.socket!;
    expect(dirname(dirname(path))).toBe(own());
    expect(readdirSync(dirname(path))).toEqual(["lease.sock"]);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(path).not.toBe(two.lease.socket);
    expect((await overSocket(path)).body["RoleArn"]).toBe(roleArn("dev"));

    await broker.call("lease-revoke", { lease: { by: "id", id: one.lease.id } });
    await expect.poll(() => readdirSync(own())).toEqual([dirname(two.lease.socket!).split("/").at(-1)]);
  });

  it("has it again after a restart, and what is of no lease is swept", async () => {
    const { lease } = await broker.call("lease-child", { role: "dev", pid: process.pid, socket: true });
    mkdirSync(join(own(), "left"), { mode: 0o700 });
    await broker.stop();
    await broker.start();
    expect((await overSocket(lease.socket!)).status).toBe(200);
    expect(readdirSync(own())).toHaveLength(1);
  });

  it("has none unless it was asked for", async () => {
    const { lease } = await broker.call("lease-child", { role: "dev", pid: process.pid });
    expect(lease.socket).toBeNull();
    expect(existsSync(own())).toBe(false);
  });
});
