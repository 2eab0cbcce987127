import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { auditLines, refusalCounts } from "../support/audit-lines.js";
import { InProcessBroker, ROLES_YAML, roleArn } from "../support/in-process-broker.js";
import { type OverSocket, overSocket } from "../support/over-socket.js";
import { tempDir } from "../support/temp-dir.js";

const RULES = `
requests:
  - { role: chained, decide: allow, max: 10m }
  - { role: dev, decide: deny }
`;

let broker: InProcessBroker;
let socket: string;

beforeEach(async () => {
  broker = await InProcessBroker.ready({ config: ROLES_YAML + RULES });
  socket = join(tempDir("shared"), "lease.sock");
  await broker.call("lease-create", { name: "agent", role: "dev", socket });
});
afterEach(() => broker.close());

type Answered = readonly [status: number, body: Record<string, unknown>];

async function ask(path: string, asked: OverSocket = {}): Promise<Answered> {
  const { status, body } = await overSocket(socket, { path, ...asked });
  return [status, body];
}

function post(path: string, fields: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  const body = typeof fields === "string" ? fields : JSON.stringify(fields);
  const length = { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) };
  return ask(path, { method: "POST", headers: { ...length, ...headers }, body });
}

const request = async (role: string): Promise<Answered> => post("/request", { role, reason: "ticket 4711" });

describe("a lease on its own socket", () => {
  it("is told, may preview and request, follows its request, has it in place, and gives it back", async () => {
    expect(await ask("/scope")).toMatchObject([200, { label: "agent", role: "dev", pending: null, refusal: null }]);
    const [, previewed] = await post("/preview", { role: "chained", forSeconds: 60 });
    expect(previewed).toMatchObject({ decision: "allow", maxSeconds: 600 });

    const [status, made] = await request("prod");
    expect([status, made["state"]]).toEqual([200, "pending"]);
    const path = `/request/${String(made["id"])}`;
    expect(await ask(path)).toMatchObject([200, { state: "pending" }]);
    const { pending } = broker.clock;
    const late = ask(path, { headers: { Prefer: "wait=5" } });
    await vi.waitUntil(() => broker.clock.pending > pending);
    await broker.clock.advance(5000);
    expect(await late).toMatchObject([200, { state: "pending" }]);

    const soon = ask(path, { headers: { Prefer: "respond-async, wait=50" } });
    await broker.call("request-approve", { id: String(made["id"]) });
    expect(await soon).toMatchObject([200, { state: "approved" }]);
    expect(await ask("/scope")).toMatchObject([200, { role: "prod", grant: { request: made["id"] } }]);
    expect((await overSocket(socket)).body["RoleArn"]).toBe(roleArn("prod"));
    expect(await post("/release", {})).toMatchObject([200, { state: "released" }]);
    expect((await overSocket(socket)).body["RoleArn"]).toBe(roleArn("dev"));
  });

  it("knows of no role that no rule names, and of none that is near", async () => {
    const [, listed] = await ask("/roles");
    expect((listed["roles"] as readonly { readonly role: string }[]).map(({ role }) => role)).toEqual(["chained"]);
    const [there, absent] = [await post("/preview", { role: "prod" }), await post("/preview", { role: "prods" })];
    expect([absent[0], { ...absent[1], role: "prod" }]).toEqual(there);

    const [status, refused] = await request("prods");
    expect([status, refused["code"]]).toEqual([403, "RoleUnknown"]);
    expect(JSON.stringify(refused)).not.toMatch(/prod|config\.yaml|did you mean/);
    expect(await post("/preview", { role: "prod", byRules: false })).toMatchObject([400, { code: "UsageInvalid" }]);
  });

  it("asks for nothing but itself: no other lease's request, token or operation", async () => {
    const other = await broker.call("lease-create", { name: "other", role: "dev" });
    const socketOfOther = join(tempDir("shared"), "other.sock");
    await broker.call("lease-create", { name: "third", role: "dev", socket: socketOfOther });
    const theirs = await overSocket(socketOfOther, {
      ...{ path: "/request", method: "POST", body: '{"role":"prod","reason":"x"}' },
      headers: { "Content-Type": "application/json", "Content-Length": "28" },
    });
    const { id } = theirs.body as unknown as { readonly id: string };

    expect(await ask(`/request/${id}`)).toMatchObject([400, { code: "UsageInvalid" }]);
    expect(await post("/release", { id })).toMatchObject([400, { code: "UsageInvalid" }]);
    const [, own] = await post(
      "/request",
      { role: "prod", reason: "x" },
      { Authorization: other.token, "credbroker-lease": other.token },
    );
    expect(own["lease"]).toMatchObject({ label: "agent" });
    for (const fields of [
      { role: "prod", reason: "x", lease: "other" },
      { role: "prod", reason: "x", token: other.token },
    ]) {
      expect((await post("/request", fields))[0]).toBe(400);
    }
    for (const path of [
      "/approve",
      "/v1/request-approve",
      "/request-approve",
      `/request/${id}/approve`,
      "/use",
      "/request/",
    ]) {
      expect([path, (await post(path, {}))[0]]).toEqual([path, 403]);
    }
    expect((await ask("/preview"))[0]).toBe(403);
    expect((await post("/scope", {}))[0]).toBe(403);
  });

  it.each<[string, OverSocket]>([
    ["from a browser", { path: "/scope", headers: { Origin: "https://evil.example" } }],
    ["through a proxy", { path: "/roles", headers: { "X-Forwarded-For": "1.2.3.4" } }],
    ["for another host", { path: "/scope", headers: { Host: "evil.example" } }],
    [
      "with a body that has no length",
      { path: "/release", method: "POST", headers: { "Transfer-Encoding": "chunked" }, body: "{}" },
    ],
  ])("refuses a request %s, on record with the lease", async (_, asked) => {
    const [status, body] = await ask(asked.path ?? "", asked);
    expect([status, body["code"]]).toEqual([403, "RequestRefused"]);
    await broker.stop();
    expect(refusalCounts(join(broker.home, "state"))).toMatchObject({ RequestRefused: 1 });
  });

  it.each<[string, string, Record<string, string>]>([
    ["no JSON", "{", {}],
    ["no object", "[]", {}],
    ["of another type", "{}", { "Content-Type": "text/plain" }],
    ["too large", JSON.stringify({ role: "prod", reason: "x".repeat(20_000) }), {}],
    ["of odd values", '{"role":7,"reason":null}', {}],
  ])("refuses a body that is %s, and serves on", async (_, body, headers) => {
    expect((await post("/request", body, headers))[0]).toBe(400);
    expect((await ask("/scope"))[0]).toBe(200);
  });

  it("has its requests on record, with the lease and the reason as text", async () => {
    await post("/request", { role: "chained", reason: "a\nb\u001b[2J" });
    await post("/release", {});
    await broker.stop();
    const lines = auditLines(join(broker.home, "state")).filter(({ event }) => /request|released/.test(event));
    expect(lines).toMatchObject([
      { event: "request", role: "chained", lease_name: "agent", reason: "a?b?[2J" },
      { event: "released", role: "chained" },
    ]);
  });
});
