import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { endpointFixture, hourOfCredentials } from "../support/endpoint-fixture.js";
import { exchange } from "../support/raw-http.js";

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(socket));
    socket.once("error", reject);
    socket.on("error", () => undefined);
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.resume();
    if (socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
}

function goodRequest(token: string): string {
  return `GET /lease/${token} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
}

/** Not all at once: a client that overruns the kernel's queue believes itself connected and hears nothing of the end. */
async function openMany(port: number, count: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(port)))));
  return sockets;
}

describe("two thousand clients that send nothing, or a byte now and then", () => {
  it("keep no honest client waiting, nor the end of the daemon", async () => {
    const { listen, token } = endpointFixture();
    const listener = await listen({ headersTimeout: 600_000, requestTimeout: 601_000 });
    const port = listener.port!;
    const slow = await openMany(port, 2000);
    for (const [index, socket] of slow.entries()) if (index % 2 === 0) socket.write("GET /cre");

    const honest = await Promise.all(Array.from({ length: 20 }, () => exchange(port, goodRequest(token))));

    expect(honest.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(slow.filter((socket) => socket.closed || socket.readableEnded)).toEqual([]);
    // By their own limits these clients could stay for longer than this test may take.
    await listener.close();
    await Promise.all(slow.map(closed));
  }, 240_000);

  it("are gone soon with the limits as they are", async () => {
    const { listen, token } = endpointFixture();
    const listener = await listen();
    const port = listener.port!;
    const slow = await openMany(port, 300);
    let drops = 0;
    const drip = setInterval(() => {
      drops++;
      for (const [index, socket] of slow.entries()) if (index % 2 === 0 && socket.writable) socket.write("G");
    }, 100);

    await Promise.all(slow.map(closed));
    clearInterval(drip);
    // A busy machine lets fewer drops fall, not more. Node's own limits keep such clients for more than 75 s.
    expect(drops).toBeLessThan(600);

    expect((await exchange(port, goodRequest(token))).status).toBe(200);
    await listener.close();
  }, 240_000);

  it("beyond the limit of connections, leave the slots free again", async () => {
    const { listen, token } = endpointFixture();
    // Long enough for the honest ones behind a busy machine.
    const timeouts = { headersTimeout: 3000, requestTimeout: 4000, connectionsCheckingInterval: 50 };
    const listener = await listen({ ...timeouts, maxConnections: 200 });
    const port = listener.port!;
    const flood = await openMany(port, 400);

    await Promise.all(flood.map(closed));

    const honest = await Promise.all(Array.from({ length: 150 }, () => exchange(port, goodRequest(token))));
    expect(honest.filter(({ status }) => status === 200)).toHaveLength(150);
    await listener.close();
  }, 240_000);
});

describe("clients that go away while they wait", () => {
  it("are logged as abandoned, and cost no other client anything", async () => {
    const { listen, credentials, fetches, token } = endpointFixture();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    credentials.answers.set("dev", () => held.then(() => hourOfCredentials()));
    const listener = await listen();
    const port = listener.port!;

    const patient = exchange(port, goodRequest(token));
    const gone = await open(port);
    gone.write(goodRequest(token));
    while (credentials.asked < 2) await new Promise((resolve) => setImmediate(resolve));
    gone.resetAndDestroy();
    while (fetches().length < 1) await new Promise((resolve) => setImmediate(resolve));
    release();

    expect((await patient).status).toBe(200);
    expect(
      fetches()
        .map(({ outcome }) => outcome)
        .sort(),
    ).toEqual(["abandoned", "served"]);
    await listener.close();
  });
});
