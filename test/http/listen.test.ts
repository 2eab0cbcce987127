import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, linkSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Listener, listenOnDescriptor, listenOnLoopback, listenOnSocket } from "../../src/http/listen.js";
import { SystemClock } from "../../src/system/clock.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { collect, exchange } from "../support/raw-http.js";
import { tempDir } from "../support/temp-dir.js";

const opened: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function options() {
  return { clock: new SystemClock(), logger: memoryLogger() };
}

const hello: RequestListener = (_request, response) => response.end("hello");

async function loopback(handler: RequestListener, extra: Partial<Parameters<typeof listenOnLoopback>[1]> = {}) {
  const listener = await listenOnLoopback(handler, { port: 0, ...options(), ...extra });
  opened.push(listener);
  return { listener, port: listener.port! };
}

async function socketAt(path: string, handler = hello): Promise<Listener> {
  const listener = await listenOnSocket(handler, { path, ...options() });
  opened.push(listener);
  return listener;
}

async function occupy(host: string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen({ host, port });
  await once(server, "listening");
  opened.push(server);
  return { server, port: (server.address() as { port: number }).port };
}

const GET = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const GET_AND_STAY = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

describe("listening on loopback", () => {
  it("answers on 127.0.0.1 and ::1, and nowhere else", async () => {
    const { listener, port } = await loopback(hello);

    expect(listener.isTakenOnSix).toBe(false);
    expect((await exchange(port, GET, "127.0.0.1")).status).toBe(200);
    expect((await exchange(port, GET, "::1")).status).toBe(200);
    expect((await exchange(port, GET, "127.0.0.2")).text).toBe("");
  });

  it("says that the port is taken", async () => {
    const { port } = await occupy("127.0.0.1");

    const error = await brokerErrorOf(() => listenOnLoopback(hello, { port, ...options() }));

    expect(error.code).toBe("Conflict");
    expect(error.message).toContain(String(port));
    expect(error.hint).toContain("brokerctl config edit");
  });

  it("goes on, with a warning, where only ::1 is another program's", async () => {
    const { port } = await occupy("::1");
    const logger = memoryLogger();

    const { listener } = await loopback(hello, { port, logger });

    expect((await exchange(port, GET)).status).toBe(200);
    expect(listener.isTakenOnSix).toBe(true);
    expect(logger.lines.map(({ level, fields }) => [level, fields["port"]])).toEqual([["warn", port]]);
    await listener.close();
  });

  it("refuses a port that is none", async () => {
    const error = await brokerErrorOf(() => listenOnLoopback(hello, { port: 65_536, ...options() }));

    expect(error.code).toBe("ConfigInvalid");
    expect(error.hint).toContain("brokerctl config edit");
  });

  it("lets both ports go when it is closed", async () => {
    const { listener, port } = await loopback(hello);

    await listener.close();

    await occupy("127.0.0.1", port);
    await occupy("::1", port);
  });
});

/** Reading it without setting it is deprecated. */
function currentUmask(): number {
  const umask = process.umask(0o077);
  process.umask(umask);
  return umask;
}

describe("listening on a unix socket", () => {
  it("makes it 0600 whatever the umask, which it leaves as it was", async () => {
    const path = join(tempDir("listen"), "s");
    const umask = process.umask(0);
    try {
      await socketAt(path);
      expect(currentUmask()).toBe(0);
    } finally {
      process.umask(umask);
    }

    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect((await collect(connect(path), GET)).status).toBe(200);
  });

  it("leaves the umask as it was when it fails", async () => {
    const umask = currentUmask();

    const directory = join(tempDir("listen"), "missing");
    const error = await brokerErrorOf(() => socketAt(join(directory, "s")));

    expect(error).toMatchObject({ code: "FileRefused", hint: `ls -ld ${directory}` });
    expect(currentUmask()).toBe(umask);
  });

  it("does not touch a socket on which another daemon answers", async () => {
    const path = join(tempDir("listen"), "s");
    await socketAt(path);

    const error = await brokerErrorOf(() => socketAt(path));

    expect(error).toMatchObject({ code: "DaemonRunning", hint: "brokerctl status" });
    expect((await collect(connect(path), GET)).status).toBe(200);
  });

  it("replaces one whose owner was killed", async () => {
    const path = join(tempDir("listen"), "s");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
    await once(spawn(process.execPath, ["-e", script]), "exit");
    expect(lstatSync(path).isSocket()).toBe(true);

    await socketAt(path);

    expect((await collect(connect(path), GET)).status).toBe(200);
  });

  it("does not remove what is no socket", async () => {
    const directory = tempDir("listen");
    const file = join(directory, "file");
    const link = join(directory, "link");
    writeFileSync(file, "precious");
    symlinkSync(join(directory, "gone"), link);

    for (const path of [file, link]) {
      const hint = `mv ${path} ${path}.old`;
      expect(await brokerErrorOf(() => socketAt(path))).toMatchObject({ code: "FileRefused", hint });
    }
    expect(readFileSync(file, "utf8")).toBe("precious");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it("refuses a path that the system would cut", async () => {
    const directory = tempDir("listen");
    const fitting = join(directory, "x".repeat(103 - directory.length - 1));
    expect(Buffer.byteLength(fitting)).toBe(103);

    await socketAt(fitting);
    const error = await brokerErrorOf(() => socketAt(`${fitting}x`));

    expect(error.code).toBe("UsageInvalid");
    expect(error.hint).toContain("CREDBROKER_HOME");
    expect(existsSync(fitting)).toBe(true);
    const wide = join(directory, "ä".repeat((104 - directory.length) / 2));
    expect((await brokerErrorOf(() => socketAt(wide))).code).toBe("UsageInvalid");
  });

  it("takes the socket away when it is closed", async () => {
    const path = join(tempDir("listen"), "s");
    const listener = await socketAt(path);

    await listener.close();
    await listener.close();

    expect(existsSync(path)).toBe(false);
  });

  it("refuses a name that ends early", async () => {
    const directory = tempDir("listen");
    const error = await brokerErrorOf(() => socketAt(join(directory, "s\0x")));

    expect(error.code).toBe("FileRefused");
  });
});

describe("listening on a descriptor", () => {
  /** What a child says that was given the socket of `server`. */
  async function handedOver(server: Server): Promise<string> {
    const handle = (server as unknown as { _handle: unknown })._handle;
    const script = join(import.meta.dirname, "listen-on-descriptor.child.ts");
    const child = spawn(process.execPath, ["--import", "tsx", script], {
      stdio: ["ignore", "pipe", "inherit", handle as never],
    });
    opened.push({ close: () => child.kill("SIGKILL") });
    const [said] = (await once(child.stdout!, "data")) as [Buffer];
    return said.toString();
  }

  it("answers on a socket that another process opened", async () => {
    const path = join(tempDir("handed-over"), "s");
    const server = createServer();
    await new Promise<void>((listening) => server.listen(path, listening));
    expect(await handedOver(server)).toBe("listening");
    linkSync(path, `${path}.kept`); // the process that opened it removes the name with it
    server.close();
    const [answer] = (await once(get({ socketPath: `${path}.kept` }), "response")) as [IncomingMessage];
    expect(Buffer.concat(await answer.toArray()).toString()).toBe("from the child");
  });

  it("refuses one of TCP: who connects there is not known", async () => {
    const { server, port } = await occupy("127.0.0.1");
    expect(await handedOver(server)).toMatch(new RegExp(`^UsageInvalid: .* not 127\\.0\\.0\\.1 port ${port}$`));
    server.close();
  });

  it("says what is wrong with one that is no socket", async () => {
    const error = await brokerErrorOf(() => listenOnDescriptor(hello, { fd: 9999, ...options() }));

    expect(error).toMatchObject({ code: "UsageInvalid", hint: "brokerctl service install" });
    expect(error.message).toContain("9999");
  });
});

describe("closing", () => {
  it("lets a running request finish and then closes its connection, though it could be kept", async () => {
    const { promise: arrival, resolve: arrived } = withResolvers<ServerResponse>();
    // Neither the drain nor the keep-alive may be what closes it.
    const patient = { clock: new FakeClock(), limits: { keepAliveTimeout: 600_000 } };
    const { listener, port } = await loopback((_request, response) => arrived(response), patient);
    const answered = exchange(port, GET_AND_STAY);
    const response = await arrival;

    const closed = listener.close();
    response.end("done");

    expect((await answered).text).toContain("done");
    await closed;
  });

  it("closes idle connections at once and takes no new ones", async () => {
    const { promise: answered, resolve: hasAnswered } = withResolvers<unknown>();
    const { listener, port } = await loopback((_request, response) =>
      response.once("finish", () => hasAnswered(undefined)).end("hello"),
    );
    const idle = exchange(port, GET_AND_STAY);
    await answered;

    await listener.close();

    expect((await idle).status).toBe(200);
    expect((await exchange(port, GET)).text).toBe("");
  });

  it("cuts a request that does not finish in time", async () => {
    const clock = new FakeClock();
    const { promise: arrival, resolve: arrived } = withResolvers<unknown>();
    const { listener, port } = await loopback((request) => arrived(request), { clock });
    const hanging = exchange(port, GET_AND_STAY);
    await arrival;

    let closed = false;
    const closing = listener.close().then(() => (closed = true));
    await clock.advance(1499);
    expect(closed).toBe(false);
    await clock.advance(1);

    await closing;
    expect((await hanging).text).toBe("");
  });
});

/** Promise.withResolvers is not in Node 20. */
function withResolvers<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

const SHORT = { headersTimeout: 200, requestTimeout: 300, connectionsCheckingInterval: 50 };

describe("a client that takes its time", () => {
  it.each([
    ["says nothing", ""],
    ["does not finish its headers", "GET / HTTP/1.1\r\nX-A: "],
    ["does not finish its body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab"],
  ])("and %s is dropped", async (_what, start) => {
    const { port } = await loopback((request, response) => request.resume().on("end", () => response.end("late")), {
      limits: SHORT,
    });

    const { text, status } = await exchange(port, start);

    expect(text).not.toContain("late");
    // Not 4xx: when it was us who did not read in time, an SDK must ask again.
    if (text !== "") expect(status).toBe(503);
  });

  it("byte by byte is dropped all the same", async () => {
    const { port } = await loopback(hello, { limits: SHORT });
    const socket = connect({ port, host: "127.0.0.1" });
    const drip = setInterval(() => socket.write("x"), 20);

    const { text } = await collect(socket, "GET /");
    clearInterval(drip);

    expect(text).not.toContain("hello");
  });

  it("to close its half does not keep its place after a refusal", async () => {
    const { port } = await loopback(hello, { limits: { maxConnections: 1 } });
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => undefined);
    socket.resume();
    socket.write("nonsense\r\n\r\n");
    await once(socket, "end");

    await expect.poll(async () => (await exchange(port, GET)).status).toBe(200);
    socket.destroy();
  });

  it("between two requests is kept for the time we say, then dropped", async () => {
    const { port } = await loopback(hello, { limits: { keepAliveTimeout: 100 } });

    const { status } = await exchange(port, GET_AND_STAY);

    expect(status).toBe(200);
  });
});

describe("what reaches the handler", () => {
  it("may take longer to answer than a client may take to ask", async () => {
    const limits = { headersTimeout: 1500, requestTimeout: 1500, connectionsCheckingInterval: 50 };
    const { port } = await loopback((_request, response) => setTimeout(() => response.end("at last"), 1800), {
      limits,
    });

    expect((await exchange(port, GET)).text).toContain("at last");
  });

  it("has all its headers, also beyond Node's two thousand", async () => {
    const { port } = await loopback((request, response) => response.end(String(request.headers.origin)), {
      limits: { maxHeaderSize: 64 * 1024 },
    });
    const many = Array.from({ length: 2500 }, (_, index) => `a${index}: x`).join("\r\n");

    const { text } = await exchange(port, GET.replace("\r\n\r\n", `\r\n${many}\r\nOrigin: evil\r\n\r\n`));

    expect(text).toContain("evil");
  });

  it("is nothing beyond the limit of connections, which come free again", async () => {
    const { port } = await loopback(hello, { limits: { maxConnections: 3 } });
    const idle = Array.from({ length: 3 }, () => connect({ port, host: "127.0.0.1" }));
    for (const socket of idle) {
      // An answer shows that the server has taken the connection.
      socket.write(GET_AND_STAY);
      await once(socket, "data");
    }

    expect((await exchange(port, GET)).text).toBe("");
    for (const socket of idle) socket.destroy();
    await expect.poll(async () => (await exchange(port, GET)).status).toBe(200);
  });

  it("is no upgrade, even behind a request that is still being answered", async () => {
    let upgraded = false;
    const { port } = await loopback((request, response) => {
      upgraded ||= request.headers.upgrade !== undefined;
      setTimeout(() => response.end("first"), 50);
    });
    const upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

    await exchange(port, GET_AND_STAY + upgrade);

    expect(upgraded).toBe(false);
  });
});
