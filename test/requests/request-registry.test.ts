import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readableReason } from "../../src/core/access-request.js";
import { type NewRequest, RequestRegistry } from "../../src/requests/request-registry.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";

const MINUTE = 60_000;

function fixture() {
  const clock = new FakeClock();
  const path = join(tempDir("requests"), "requests.json");
  const disk = { full: false };
  const writeAtomic = async (file: string, data: Uint8Array): Promise<void> => {
    if (disk.full) throw new Error("no space left on device");
    await writeFile(file, data, { mode: 0o600 });
  };
  const start = async (): Promise<RequestRegistry> => {
    const registry = new RequestRegistry({ path, writeAtomic, clock });
    await registry.load();
    return registry;
  };
  return { clock, disk, path, writeAtomic, start };
}

const wish = (lease: string, more: Partial<NewRequest> = {}): NewRequest => ({
  ...{ lease: { id: lease, label: lease }, role: "prod", digest: "a".repeat(64), reason: "deploy", forSeconds: 1800 },
  ...{ pid: null, ...more },
});

const codeOf = async (act: () => Promise<unknown>): Promise<string> => (await brokerErrorOf(act)).code;

describe("requests", () => {
  it("of a newer version cannot be listed, and count as none for those who ask how many are pending", async () => {
    const { clock, path, writeAtomic } = fixture();
    await writeFile(path, '{"version":3,"requests":[]}', { mode: 0o600 });
    const registry = new RequestRegistry({ path, writeAtomic, clock });
    expect(await codeOf(() => registry.load())).toBe("StoreUnavailable");
    expect(await codeOf(() => Promise.resolve().then(() => registry.list()))).toBe("StoreUnavailable");
    expect(registry.pendingCount).toBe(0);
    expect(registry.loadProblem).toMatchObject({
      code: "StoreUnavailable",
      message: expect.stringContaining(path) as string,
    });
  });

  it("are pending until they are decided, and what was decided outlives a restart", async () => {
    const { start } = fixture();
    const registry = await start();
    const { id } = await registry.create(wish("agent"));

    const restarted = await start();
    expect(restarted.get(id)).toMatchObject({ state: "pending", role: "prod", reason: "deploy" });
    await restarted.decide(id, { state: "approved", by: "person", until: 5 });
    expect((await start()).get(id)).toMatchObject({ state: "approved", decidedBy: "person", until: 5 });
  });

  it("are one for each lease: the same again is the same, another has to wait", async () => {
    const registry = await fixture().start();
    const first = await registry.create(wish("agent"));

    expect(await registry.create(wish("agent"))).toEqual(first);
    const error = await brokerErrorOf(() => registry.create(wish("agent", { role: "admin" })));
    expect(error).toMatchObject({ code: "RequestPending" });
    expect(error.message).toContain(first.id);
    expect((await registry.create(wish("other"))).id).not.toBe(first.id);
  });

  it("of one lease are one, of two hundred that come at once", async () => {
    const registry = await fixture().start();

    const made = await Promise.all(Array.from({ length: 200 }, () => registry.create(wish("agent"))));

    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(registry.list()).toHaveLength(1);
  });

  it("of two hundred leases that ask at once are fifty, and the rest are told to wait", async () => {
    const registry = await fixture().start();

    const made = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) => registry.create(wish(`agent-${index}`))),
    );

    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
    expect(new Set(registry.list().map(({ id }) => id)).size).toBe(50);
  });

  it("are ten an hour for each lease, also over restarts and with a clock that was set back", async () => {
    const { start, clock } = fixture();
    for (let made = 0; made < 10; made++) {
      const registry = await start();
      const { id } = await registry.create(wish("agent", { role: `role-${made}` }));
      await registry.decide(id, { state: "denied", by: "person" });
      await clock.advance(MINUTE);
    }
    const registry = await start();
    expect(await codeOf(() => registry.create(wish("agent", { role: "more" })))).toBe("RequestDenied");

    clock.jump(-30 * MINUTE);
    expect(await codeOf(() => registry.create(wish("agent", { role: "more" })))).toBe("RequestDenied");
    clock.jump(30 * MINUTE);
    await clock.advance(52 * MINUTE);
    expect(await registry.create(wish("agent", { role: "more" }))).toMatchObject({ state: "pending" });
  });

  it("wait ten minutes after a no to the same role, and say how long", async () => {
    const { start, clock } = fixture();
    const registry = await start();
    const { id } = await registry.create(wish("agent"));
    await registry.decide(id, { state: "denied", by: "person" });

    await clock.advance(9 * MINUTE);
    const error = await brokerErrorOf(async () => (await start()).create(wish("agent")));
    expect(error.code).toBe("RequestDenied");
    expect(error.message).toContain("ask again in 1 min");
    expect(await registry.create(wish("agent", { role: "staging" }))).toMatchObject({ state: "pending" });
    await clock.advance(MINUTE);
    expect(await codeOf(() => registry.create(wish("agent")))).toBe("RequestPending");
  });

  it("are decided once, but for a yes that is taken back", async () => {
    const registry = await fixture().start();
    const { id } = await registry.create(wish("agent"));
    await registry.decide(id, { state: "approved", by: "person", until: 5 });

    expect(await codeOf(() => registry.decide(id, { state: "approved", by: "person", until: 9 }))).toBe("Conflict");
    expect(await registry.decide(id, { state: "denied", by: "person" })).toMatchObject({
      state: "denied",
      until: null,
    });
    expect(await codeOf(() => registry.decide(id, { state: "denied", by: "person" }))).toBe("Conflict");
  });

  it("stay pending where the grant could not be made", async () => {
    const registry = await fixture().start();
    const { id } = await registry.create(wish("agent"));

    await expect(
      registry.decide(id, { state: "approved", by: "person", until: 5 }, () => Promise.reject(new Error("gone"))),
    ).rejects.toThrow("gone");

    expect(registry.get(id).state).toBe("pending");
  });

  it("tell the command that waits for them, and one that goes away is no matter", async () => {
    const registry = await fixture().start();
    const { id } = await registry.create(wish("agent"));
    const leaving = new AbortController();
    const gone = registry.wait(id, leaving.signal);
    const waiting = registry.wait(id, new AbortController().signal);
    leaving.abort();
    await expect(gone).rejects.toThrow("given up");

    await registry.decide(id, { state: "denied", by: "person" });

    expect(await waiting).toMatchObject({ id, state: "denied" });
    expect(await registry.wait(id, new AbortController().signal)).toMatchObject({ state: "denied" });
  });

  it("that are pending or granted are pushed out by no flood of others", async () => {
    const { clock, start } = fixture();
    const registry = await start();
    const granted = await registry.create(wish("granted"));
    const until = clock.now() + 30 * MINUTE;
    await registry.decide(granted.id, { state: "approved", by: "person", until });
    const open = await registry.create(wish("open"));

    for (let lease = 0; lease < 510; lease++) {
      const { id } = await registry.create(wish(`agent-${lease}`));
      await registry.decide(id, { state: "denied", by: "rule" });
    }

    expect(registry.list()).toHaveLength(500);
    expect(registry.get(open.id).state).toBe("pending");
    expect(registry.get(granted.id)).toMatchObject({ state: "approved", until });
  });

  it("expire after two hours, which who waits is told, and are forgotten after a day", async () => {
    const { start, clock } = fixture();
    const registry = await start();
    const { id } = await registry.create(wish("agent"));
    const waiting = registry.wait(id, new AbortController().signal);

    await clock.advance(120 * MINUTE);
    expect(registry.get(id).state).toBe("expired");
    await registry.sweep();
    expect(await waiting).toMatchObject({ state: "expired" });
    expect(await codeOf(() => registry.decide(id, { state: "approved", by: "person", until: 5 }))).toBe("Conflict");
    await clock.advance(24 * 60 * MINUTE);
    await registry.sweep();
    expect((await start()).list()).toEqual([]);
  });

  it("are acknowledged only when they are durable", async () => {
    const { start, disk } = fixture();
    const registry = await start();
    disk.full = true;

    expect(await codeOf(() => registry.create(wish("agent")))).toBe("StoreUnavailable");
    expect(registry.list()).toEqual([]);
  });
});

describe("a reason", () => {
  it.each([
    ["rotate the key", "rotate the key"],
    ["  two\nlines\tand a tab ", "two?lines?and a tab"],
    ["safe \u202eegnahc\u202c", "safe ?egnahc?"],
    ["zero\u200bwidth\u00ad", "zero?width?"],
    ["", ""],
    ["\u2028\u3164", ""],
    [" \u200b ?", "? ?"],
  ])("%j is shown as %j", (text, shown) => {
    expect(readableReason(text)).toBe(shown);
  });

  it("is cut where it is long, and never in the middle of a character", () => {
    expect(readableReason("x".repeat(400))).toBe(`${"x".repeat(299)}…`);
    expect(readableReason(`${"x".repeat(298)}${"🎉".repeat(10)}`)).toBe(`${"x".repeat(298)}…`);
  });
});
