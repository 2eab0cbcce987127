import { EventEmitter } from "node:events";
import { Agent, get, type ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AuditEvent, ClientEvent } from "../../src/audit/audit-event.js";
import { hashLeaseToken } from "../../src/core/lease.js";
import { recordServed } from "../../src/endpoint/fetch-record.js";
import { endpointFixture, hourOfCredentials } from "../support/endpoint-fixture.js";
import { EndpointSide } from "../support/endpoint-side.js";
import { EndpointSteps, tokenOf } from "../support/endpoint-steps.js";

const isFull = process.env["CREDBROKER_TEST_FULL"] === "1";
const REQUESTS = isFull ? 100_000 : 3000;
const SEED = Number(process.env["CREDBROKER_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

const opened: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

describe("an answer from memory", () => {
  let [fromMemory, byTheApp]: EndpointSide[] = [];
  beforeAll(async () => {
    fromMemory = await EndpointSide.start({ fromMemory: true });
    byTheApp = await EndpointSide.start({ fromMemory: false });
  });
  afterAll(async () => {
    await fromMemory?.end();
    await byTheApp?.end();
  });

  it("is what the app would have answered, and leaves the same behind: status, headers, body, last use, record", async () => {
    process.stdout.write(`${REQUESTS} requests, seed ${SEED} (CREDBROKER_TEST_SEED)\n`);
    const steps = new EndpointSteps([fromMemory!, byTheApp!], SEED);
    await steps.begin();
    const statuses: Record<string, number> = {};
    for (let n = 1; n <= REQUESTS; n++) {
      const { request, answers } = await steps.next();
      const [one, other] = answers;
      expect(one, `request ${n} of seed ${SEED}: ${request}`).toBe(other);
      const status = one!.slice(9, 12);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (n % 100 === 0) expect(fromMemory!.state(), `after request ${n}`).toEqual(byTheApp!.state());
    }
    const share = fromMemory!.fromMemory / REQUESTS;
    process.stdout.write(`${JSON.stringify(statuses)}, ${Math.round(100 * share)} % from memory\n`);
    expect(await fromMemory!.end()).toEqual(await byTheApp!.end());
    // The sample reaches both sides.
    expect(share).toBeGreaterThan(0.2);
    expect(statuses["403"]).toBeGreaterThan(REQUESTS / 20);
  }, 3_600_000);
});

describe("a lease that has expired", () => {
  it("is answered from memory up to its end, and not from then on, also before it is swept", async () => {
    const side = await EndpointSide.start({ fromMemory: true });
    const steps = new EndpointSteps([side], 1);
    await steps.begin();
    const lease = side.leases.find(hashLeaseToken(tokenOf("ide")))!;
    const leases = new Map(side.leases.snapshot.leases).set(lease.id, { ...lease, expiresAt: side.clock.now() + 1000 });
    await side.setLeases({ ...side.leases.snapshot, leases });
    const request = `GET /lease/${tokenOf("ide")} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;

    const before = [await side.ask(0, request), await side.ask(0, request)];
    await side.clock.advance(1000);
    const after = await side.ask(0, request);
    await side.end();

    expect(before.every((answer) => answer.includes(" 200 "))).toBe(true);
    expect(after).toContain("LeaseEnded");
  });
});

describe("the record of an answer from memory", () => {
  it("tells the same object as long as it is the same client, lease, role and end: what is counted, not what is told anew", async () => {
    const { recorded, ask, credentials, leases, token } = await keptConnection();
    for (let n = 0; n < 3; n++) await ask(token);
    await ask(leases.add("dev"));
    credentials.hold("dev", hourOfCredentials({ expiration: hourOfCredentials().credentials.expiration + 1000 }));
    for (let n = 0; n < 2; n++) await ask(token);

    await expect.poll(() => recorded.length).toBe(6);
    expect(new Set(recorded).size).toBe(3);
  });

  it("says that the client was gone where the answer did not leave", () => {
    const recorded: AuditEvent[] = [];
    const event: ClientEvent = { event: "fetch", outcome: "served", role: "dev", until: 1 };
    const response = Object.assign(new EventEmitter(), { writableFinished: false }) as unknown as ServerResponse;

    recordServed({ record: (one) => void recorded.push(one) }, response, event);
    response.emit("close");

    expect(recorded).toEqual([{ ...event, outcome: "abandoned", until: undefined }]);
  });
});

/** Its first request is answered from memory already. */
async function keptConnection() {
  const fixture = endpointFixture();
  fixture.peers.isKnownAtOnce = true;
  const listener = await fixture.listen();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  opened.push({ close: () => (agent.destroy(), listener.close()) });
  const ask = (token: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: listener.port, path: `/lease/${token}`, agent };
      get(options, (answer) => answer.resume().once("end", () => resolve(answer.statusCode))).once("error", reject);
    });
  return { ...fixture, ask };
}
