import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../../src/control/app.js";
import { Launches } from "../../../src/control/launch/launches.js";
import { createOperations } from "../../../src/control/operations.js";
import { createControlClient } from "../../../src/control-api/client.js";
import { type LaunchRequest, renderLaunchRequest } from "../../../src/control-api/launch-contract.js";
import type { AuditLine } from "../../../src/core/audit-line.js";
import { BrokerError } from "../../../src/core/errors.js";
import type { Guard } from "../../../src/core/guard.js";
import type { Role } from "../../../src/core/role.js";
import { type Listener, listenOnSocket } from "../../../src/http/listen.js";
import { type FakeServices, fakeControlServices } from "../../fakes/control-services.js";
import { auditLines } from "../../support/audit-lines.js";
import { canarySecretKey } from "../../support/canaries.js";
import { keysSource, roleOn } from "../../support/roles.js";
import { tempDir } from "../../support/temp-dir.js";

const LAUNCHER = 4711;
const CMD = 4712;

const source = keysSource("plain");
const guardedBy = (name: string, guard: Guard): Role => ({ ...roleOn(source, name), guard });

let services: FakeServices;
let listener: Listener;
let path: string;
const sockets: Socket[] = [];

beforeEach(async () => {
  services = await fakeControlServices(
    [source],
    [
      roleOn(source, "dev", { region: "eu-west-1" }),
      guardedBy("prod", { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 }),
      guardedBy("short", { reason: false, maxLeaseSeconds: 300 }),
    ],
  );
  services.processes.running.add(CMD);
  const key = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey(), replace: false };
  const call = { signal: new AbortController().signal, caller: {} };
  const operations = createOperations(services);
  await operations.run("keys-add", { source: "plain", ...key }, call);
  path = join(tempDir("launch"), "control.sock");
  const { clock, logger } = services;
  const upgrades = new Launches(services, operations, 20);
  listener = await listenOnSocket(createControlApp(services, operations), { path, clock, logger, upgrades });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener.close();
});

/** A client with one buffer: what came so far, and whether brokerd closed its end. */
class Client {
  readonly socket = connect(path);
  text = "";
  closed = false;

  constructor() {
    sockets.push(this.socket);
    this.socket.on("data", (bytes) => (this.text += bytes.toString("utf8")));
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => (this.closed = true));
  }

  async answer(): Promise<Map<string, string>> {
    await expect.poll(() => /\r\n\r\n[^]*\n\n/.test(this.text) || this.closed).toBe(true);
    const lines = (this.text.split("\r\n\r\n")[1] ?? "").split("\n\n")[0]?.split("\n") ?? [];
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
  }

  later(): string {
    return this.text.slice(this.text.indexOf("\n\n", this.text.indexOf("\r\n\r\n")) + 2);
  }
}

const HEAD = "POST /v1/launch HTTP/1.1\r\nHost: credbroker\r\nConnection: Upgrade\r\nUpgrade: credbroker-launch\r\n";

function ask(request: LaunchRequest, headers = "credbroker-pid: 4711\r\n"): Client {
  const client = new Client();
  client.socket.write(`${HEAD}${headers}\r\n${renderLaunchRequest(request)}`);
  return client;
}

const EXEC = { kind: "exec", role: "dev", pid: LAUNCHER } as const;

async function lines(log?: "audit" | "refusals"): Promise<readonly AuditLine[]> {
  await services.audit.close();
  return auditLines(services.stateDir, log);
}

const holders = (): (number | undefined)[] =>
  services.leases.list().flatMap(({ kind, holder }) => (kind === "child" ? [holder?.pid] : []));

describe("a launch of exec", () => {
  it("is answered with all that its command's variables are made of, in one write for one write", async () => {
    const client = ask(EXEC);

    const answer = await client.answer();
    const token = answer.get("token") ?? "";
    expect([...answer.keys()]).toEqual([
      ...["launch", "version", "lease", "token", "lease-url", "credentials-url", "role", "region"],
    ]);
    expect(client.text.startsWith("HTTP/1.1 101 Switching Protocols\r\n")).toBe(true);
    expect(services.leases.resolve(token)).toMatchObject({ kind: "child", role: "dev", pinned: true });
    expect(answer.get("lease-url")).toBe(`http://127.0.0.1:9171/lease/${token}`);
    expect(services.credentials.peek("dev")?.held).toBeDefined();
    expect(client.closed).toBe(false);
  });

  it("hands the lease to its command, which keeps it when the launcher dies", async () => {
    const client = ask(EXEC);
    await client.answer();

    client.socket.write(`child ${CMD}\n`);
    await expect.poll(() => client.later()).toBe(`held ${CMD}\n`);
    client.socket.destroy();
    await expect.poll(() => holders()).toEqual([CMD]);
    services.processes.running.delete(LAUNCHER);
    await services.leases.sweep();

    expect(holders()).toEqual([CMD]);
  });

  it("ends the lease with its connection once the command has ended, on record as before", async () => {
    const client = ask(EXEC);
    await client.answer();
    client.socket.write(`child ${CMD}\n`);
    await expect.poll(() => client.later()).toBe(`held ${CMD}\n`);

    services.processes.running.delete(CMD);
    client.socket.end();

    await expect.poll(() => holders()).toEqual([]);
    const shown = async (): Promise<unknown> =>
      (await lines()).map(({ event, pid, role }) => [event, pid, role]).slice(1);
    await expect.poll(shown).toEqual([
      ["lease-created", LAUNCHER, "dev"],
      ["lease-handed-over", LAUNCHER, null],
      ["lease-revoked", LAUNCHER, "dev"],
    ]);
  });

  it("hands a role whose guard asks a person to the Node program, with no line on record and no lease", async () => {
    const client = ask({ ...EXEC, role: "prod" });

    expect((await client.answer()).get("handoff")).toBe("guard");
    await expect.poll(() => client.closed).toBe(true);
    expect(holders()).toEqual([]);
    expect(await lines("refusals")).toEqual([]);
  });

  it("of another version than was asked for does nothing", async () => {
    expect((await ask({ ...EXEC, onlyVersion: "0.0.1" }).answer()).get("handoff")).toBe("version");
    expect(holders()).toEqual([]);
  });
});

describe("the connection of a launch", () => {
  const refuse = (token: string, message: string): void => {
    const error = new BrokerError("LoginRequired", message, { hint: "brokerctl login corp" });
    const lease = services.leases.resolve(token);
    services.audit.record({
      ...{ event: "fetch", outcome: "failed", code: "LoginRequired", error, lease, role: "dev" },
      peer: undefined,
    });
  };

  it("brings a refusal of its lease, once a minute, in one line without what a terminal obeys", async () => {
    const [client, other] = [ask(EXEC), ask(EXEC)];
    const token = (await client.answer()).get("token") ?? "";
    await other.answer();

    refuse(token, "corp needs a login\u001b[31m\nheld 1");
    await expect.poll(() => client.later()).toMatch(/^notice corp needs a login.*: brokerctl login corp\n$/);
    refuse(token, "corp needs a login");
    await services.clock.advance(61_000);
    refuse(token, "corp needs another login");

    await expect.poll(() => client.later()).toContain("another");
    expect(client.later().split("\n")).toHaveLength(3);
    expect(client.later()).not.toContain("\u001b");
    expect(other.later()).toBe("");
  });

  it("brings the end of the login behind its role, at once after a refusal too, and no other's", async () => {
    const client = ask(EXEC);
    const token = (await client.answer()).get("token") ?? "";
    refuse(token, "corp needs a login");
    await expect.poll(() => client.later()).toContain("corp needs a login");

    services.sessionNotices.tell({ sources: new Set(["other"]), text: "the login of other ends at 14:05" });
    services.sessionNotices.tell({ sources: new Set(["plain"]), text: "the login of plain ends at 14:05" });
    await expect.poll(() => client.later()).toContain("notice the login of plain ends at 14:05\n");
    expect(client.later()).not.toContain("other");

    await services.leases.revoke(services.leases.resolve(token).id);
    services.sessionNotices.tell({ sources: new Set(["plain"]), text: "the login of plain has ended" });
    client.socket.write(`child ${CMD}\n`);
    const again = ask(EXEC);
    await again.answer();
    expect(client.later()).not.toContain("has ended");
  });

  it("brings no refusal with notices: off", async () => {
    const config = services.config.config;
    services.config.config = config && { ...config, notices: "off" };
    const client = ask(EXEC);
    const token = (await client.answer()).get("token") ?? "";

    refuse(token, "corp needs a login");
    client.socket.write(`child ${CMD}\n`);

    await expect.poll(() => client.later()).toBe(`held ${CMD}\n`);
  });

  it.each([
    ["no name and value", "launch 1\nkind\n\n", "NotSupported"],
    [
      "an unknown line, whose wish would not be done",
      "launch 1\nkind exec\npid 4711\nread-only yes\n\n",
      "NotSupported",
    ],
    ["a line twice", "launch 1\nkind exec\npid 4711\npid 4712\n\n", "NotSupported"],
    ["a control character", "launch 1\nkind exec\npid 4711\nrole d\u0007ev\n\n", "NotSupported"],
    [
      "bytes that are not UTF-8",
      Buffer.from("launch 1\nkind exec\npid 4711\nrole \xff\xfe\n\n", "latin1"),
      "NotSupported",
    ],
    ["another form", "launch 2\nkind exec\npid 4711\n\n", "NotSupported"],
    ["a line that is too long", `launch 1\nrole ${"x".repeat(9000)}`, "UsageInvalid"],
    ["too many lines", "launch 1\n".repeat(1000), "UsageInvalid"],
    ["a process that does not run", "launch 1\nkind exec\nrole dev\npid 99\n\n", "UsageInvalid"],
    ["a token of no lease", `launch 1\nkind attach\ntoken brk_${"a".repeat(43)}\n\n`, "LeaseUnknown"],
  ])("is refused, and makes no lease, where its request has %s", async (_what, request, code) => {
    const client = new Client();
    client.socket.write(`${HEAD}\r\n`);
    client.socket.write(request);

    expect((await client.answer()).get("error")).toBe(code);
    await expect.poll(() => client.closed).toBe(true);
    expect(holders()).toEqual([]);
  });

  it("ends where the request does not come in time, byte after byte", async () => {
    const client = new Client();
    client.socket.write(`${HEAD}\r\nlaunch 1\nki`);
    await expect.poll(() => services.clock.pending).toBeGreaterThan(0);
    await services.clock.advance(1500);
    client.socket.write("n");
    await services.clock.advance(1500);

    expect((await client.answer()).get("error")).toBe("UsageInvalid");
    await expect.poll(() => client.closed).toBe(true);
  });

  it("has its limit, beyond which 503 sends a client to the operations, and leaves control free", async () => {
    const clients = Array.from({ length: 20 }, () => ask(EXEC));
    for (const client of clients) await client.answer();

    const surplus = ask(EXEC);
    await expect.poll(() => surplus.closed).toBe(true);
    expect(surplus.text).toMatch(/^HTTP\/1\.1 503 /);
    const client = createControlClient({ socketPath: path, version: "1.2.3" });
    expect((await client.call("lease-list", {})).leases).toHaveLength(21);
    expect(await client.launch(EXEC)).toBeUndefined();
  });

  it("is not a browser's, and not one of another protocol", async () => {
    for (const head of [`${HEAD}Origin: http://evil\r\n`, HEAD.replace("credbroker-launch", "websocket")]) {
      const client = new Client();
      client.socket.write(`${head}\r\n${renderLaunchRequest(EXEC)}`);
      await expect.poll(() => client.closed).toBe(true);
      expect(client.text).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(holders()).toEqual([]);
  });

  it("ends with brokerd, and the lease goes on", async () => {
    const client = ask(EXEC);
    await client.answer();

    await listener.close();

    await expect.poll(() => client.closed).toBe(true);
    expect(holders()).toEqual([LAUNCHER]);
  });
});
