import { once } from "node:events";
import { existsSync } from "node:fs";
import type { RequestListener } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Listener, listenOnDescriptor, listenOnInherited, listenOnLoopback } from "../../src/http/listen.js";
import { SystemClock } from "../../src/system/clock.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { inheritedTcp, inheritedUnix } from "../support/inherited-socket.js";
import { memoryLogger } from "../support/memory-logger.js";
import { collect, exchange } from "../support/raw-http.js";
import { tempDir } from "../support/temp-dir.js";

const GET = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const hello: RequestListener = (_request, response) => response.end("hello");
const opened: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function inherited(descriptors: readonly number[]): Promise<Listener & { readonly port: number }> {
  return listenOnInherited(hello, { descriptors, clock: new SystemClock(), logger: memoryLogger() });
}

async function taken(descriptors: readonly number[]) {
  const listener = await inherited(descriptors);
  opened.push(listener);
  return listener;
}

/** A port of both loopback addresses that is free now. */
async function freePort(): Promise<number> {
  const probe = await listenOnLoopback(hello, { port: 0, clock: new SystemClock(), logger: memoryLogger() });
  await probe.close();
  return probe.port!;
}

describe("an endpoint on inherited sockets", () => {
  it("answers on both addresses that were handed over, and names their port", async () => {
    const port = await freePort();

    const listener = await taken([inheritedTcp("127.0.0.1", port), inheritedTcp("::1", port)]);

    expect(listener).toMatchObject({ port, isTakenOnSix: false });
    expect((await exchange(port, GET, "127.0.0.1")).status).toBe(200);
    expect((await exchange(port, GET, "::1")).status).toBe(200);
  });

  it("takes ::1 by itself where only 127.0.0.1 was handed over", async () => {
    const { port, isTakenOnSix } = await taken([inheritedTcp("127.0.0.1")]);

    expect(isTakenOnSix).toBe(false);
    expect((await exchange(port, GET, "::1")).status).toBe(200);
  });

  it("says that another program has the port on ::1, and answers on 127.0.0.1", async () => {
    const port = await freePort();
    const other = createServer().listen({ host: "::1", port });
    opened.push(other);
    await once(other, "listening");

    expect((await taken([inheritedTcp("127.0.0.1", port)])).isTakenOnSix).toBe(true);
    expect((await exchange(port, GET)).status).toBe(200);
  });

  it("answers on no address any more when it is closed", async () => {
    const handedOver = await inherited([inheritedTcp("127.0.0.1")]);

    await handedOver.close();

    expect((await exchange(handedOver.port, GET, "127.0.0.1")).text).toBe("");
    expect((await exchange(handedOver.port, GET, "::1")).text).toBe("");
  });

  it.each([
    ["every address", () => [inheritedTcp("0.0.0.0")], /not 0\.0\.0\.0 port \d+$/],
    ["127.0.0.1 and every address", () => [inheritedTcp("127.0.0.1"), inheritedTcp("0.0.0.0")], /0\.0\.0\.0 port/],
    ["::1 alone", () => [inheritedTcp("::1")], /not ::1 port \d+$/],
    ["two ports", () => [inheritedTcp("127.0.0.1"), inheritedTcp("::1")], /127\.0\.0\.1 port \d+, ::1 port \d+$/],
    ["a unix socket", () => [inheritedUnix(join(tempDir("inherited"), "s"))], /not no address port none$/],
    ["nothing", () => [], /127\.0\.0\.1/],
  ])("refuses %s, by name", async (_what, descriptors, message) => {
    const error = await brokerErrorOf(() => inherited(descriptors()));

    expect(error).toMatchObject({ code: "UsageInvalid", hint: "brokerctl service install" });
    expect(error.message).toMatch(message);
  });

  it("answers on none of the sockets that were handed over when one of them is refused", async () => {
    const port = await freePort();

    await brokerErrorOf(() => inherited([inheritedTcp("127.0.0.1", port), 9999]));

    expect((await exchange(port, GET)).text).toBe("");
  });
});

describe("control on an inherited socket", () => {
  const onDescriptor = (fd: number): Promise<Listener> =>
    listenOnDescriptor(hello, { fd, clock: new SystemClock(), logger: memoryLogger() });

  it("answers on a unix socket, and leaves its path to who made it", async () => {
    const path = join(tempDir("inherited"), "s");

    const listener = await onDescriptor(inheritedUnix(path));

    expect(listener.port).toBeUndefined();
    expect((await collect(connect(path), GET)).status).toBe(200);
    await listener.close();
    expect(existsSync(path)).toBe(true);
  });

  it("refuses one of TCP, where any program that connects would be taken for the user, and closes it", async () => {
    const port = await freePort();

    const error = await brokerErrorOf(() => onDescriptor(inheritedTcp("127.0.0.1", port)));

    expect(error).toMatchObject({ code: "UsageInvalid", hint: "brokerctl service install" });
    expect(error.message).toContain(`127.0.0.1 port ${port}`);
    expect((await exchange(port, GET)).text).toBe("");
  });
});
