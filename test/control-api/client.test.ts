import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type ControlClient, createControlClient, isDialFailure } from "../../src/control-api/client.js";
import { VERSION_HEADER } from "../../src/control-api/contract.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A client of a daemon that answers as `listener` does. */
async function clientOf(listener: RequestListener, timeoutMs = 2000): Promise<ControlClient> {
  const socketPath = join(tempDir("client"), "control.sock");
  const server = createServer(listener).listen(socketPath);
  servers.push(server);
  await once(server, "listening");
  return createControlClient({ socketPath, version: "1.2.3", timeoutMs });
}

const answer =
  (status: number, body: string, headers = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, headers).end(body);
  };

describe("the control client", () => {
  it("posts the request as JSON under the operation's name, with its version", async () => {
    const seen: unknown[] = [];
    const client = await clientOf((request, response) => {
      request.setEncoding("utf8").on("data", (body: string) => {
        seen.push(request.method, request.url, JSON.parse(body), request.headers[VERSION_HEADER]);
        response.end('{"sources":[]}');
      });
    });
    expect(await client.call("login-choices", {})).toEqual({ sources: [] });
    expect(seen).toEqual(["POST", "/v1/login-choices", {}, "1.2.3"]);
  });

  it("knows the daemon's version once it has answered, also with an error", async () => {
    const client = await clientOf(
      answer(422, '{"error":{"code":"NoRole","message":"none"}}', { [VERSION_HEADER]: "9.9.9" }),
    );
    expect(client.daemonVersion).toBeUndefined();
    await brokerErrorOf(() => client.call("status", {}));
    expect(client.daemonVersion).toBe("9.9.9");
  });

  it("rejects with the daemon's own error, hint included", async () => {
    const client = await clientOf(
      answer(422, '{"error":{"code":"MfaRequired","message":"ops needs a code","hint":"brokerctl login ops"}}'),
    );
    expect(await brokerErrorOf(() => client.call("warm", { role: "dev" }))).toMatchObject({
      code: "MfaRequired",
      message: "ops needs a code",
      hint: "brokerctl login ops",
    });
  });

  it("says that the daemon is not running, and how to start it, when there is no socket", async () => {
    const client = createControlClient({ socketPath: join(tempDir("client"), "control.sock"), version: "1" });
    const error = await brokerErrorOf(() => client.call("status", {}));
    expect(error).toMatchObject({ code: "DaemonUnreachable", hint: "brokerctl start" });
    expect(isDialFailure(error)).toBe(true);
  });

  it("says the same of a socket that a killed daemon left behind", async () => {
    const socketPath = join(tempDir("client"), "control.sock");
    const left = createServer().listen(socketPath);
    await once(left, "listening");
    // Closing would remove the file: keep it, as kill -9 does.
    const { renameSync } = await import("node:fs");
    renameSync(socketPath, `${socketPath}.kept`);
    await new Promise((resolve) => left.close(resolve));
    renameSync(`${socketPath}.kept`, socketPath);
    const error = await brokerErrorOf(() => createControlClient({ socketPath, version: "1" }).call("status", {}));
    expect(error.code).toBe("DaemonUnreachable");
    expect(isDialFailure(error)).toBe(true);
  });

  it("gives up on a daemon that does not answer, and does not take it for one that is not there", async () => {
    const client = await clientOf(() => undefined, 50);
    const error = await brokerErrorOf(() => client.call("status", {}));
    expect(error).toMatchObject({ code: "DaemonUnreachable", hint: "brokerctl logs" });
    expect(isDialFailure(error)).toBe(false);
  });

  it("gives up on a daemon that drips its answer", async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(drip));
    }, 80);
    expect(await brokerErrorOf(() => client.call("status", {}))).toMatchObject({ code: "DaemonUnreachable" });
  });

  it("says so when the daemon breaks off in the middle of an answer", async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(200, { "content-length": "100" }).write('{"half"');
      setTimeout(() => response.destroy(), 10);
    });
    const error = await brokerErrorOf(() => client.call("status", {}));
    expect(error.code).toBe("DaemonUnreachable");
    expect(isDialFailure(error)).toBe(false);
  });

  it("puts an answer together that comes in pieces, with a length, in chunks, or up to the end of the connection", async () => {
    const text = JSON.stringify({ sources: ["a".repeat(200_000), "é"] });
    const heads = [{ "content-length": String(Buffer.byteLength(text)) }, { "transfer-encoding": "chunked" }, {}];
    for (const head of heads) {
      const client = await clientOf((_, response) => {
        if (Object.keys(head).length === 0) response.useChunkedEncodingByDefault = false;
        response.writeHead(200, head);
        for (let at = 0; at < text.length; at += 70_000) response.write(text.slice(at, at + 70_000));
        response.end();
      });
      expect(await client.call("login-choices", {})).toEqual(JSON.parse(text));
    }
  });

  it("takes no answer in chunks for whole that lacks the last", async () => {
    const client = await clientOf((_, response) => {
      response.write('{"sources":[]}');
      setTimeout(() => response.destroy(), 10);
    });
    expect(await brokerErrorOf(() => client.call("login-choices", {}))).toMatchObject({ code: "DaemonUnreachable" });
  });

  it("reads a refusal that comes before its request was taken", async () => {
    const client = await clientOf((request, response) => {
      response.writeHead(413).end('{"error":{"code":"UsageInvalid","message":"too large"}}', () => request.destroy());
    });
    const role = "r".repeat(8 * 1024 * 1024);
    expect(await brokerErrorOf(() => client.call("warm", { role }))).toMatchObject({ code: "UsageInvalid" });
  });

  it("sends an older daemon that lacks the operation to `restart`", async () => {
    const client = await clientOf(answer(404, "not found"));
    expect(await brokerErrorOf(() => client.call("whoami", { role: "dev" }))).toMatchObject({
      code: "NotSupported",
      hint: "brokerctl restart",
    });
  });

  it.each([
    ["no JSON", 200, "<html>"],
    ["an error without code", 500, '{"error":{"message":"x"}}'],
    ["an error that is null", 500, '{"error":null}'],
    ["nothing", 500, ""],
  ])("does not pass %s on as an answer", async (_, status, body) => {
    const client = await clientOf(answer(status, body));
    expect(await brokerErrorOf(() => client.call("status", {}))).toMatchObject({ code: "InternalError" });
  });

  it("stops waiting when the caller does", async () => {
    const client = await clientOf(() => undefined);
    const controller = new AbortController();
    const call = client.call("status", {}, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
  });
});
