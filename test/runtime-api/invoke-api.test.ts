import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FunctionPool } from "../../src/runtime-api/function-pool.js";
import type { HttpEventForm } from "../../src/runtime-api/http-events.js";
import { HttpFront } from "../../src/runtime-api/http-front.js";
import { InvokeApi } from "../../src/runtime-api/invoke-api.js";
import type { ServedFunction } from "../../src/runtime-api/served-function.js";
import { SystemClock } from "../../src/system/clock.js";
import type { PeerIdentity } from "../../src/system/peer-identity.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import { killGroup } from "../../src/system/run-program.js";
import { BUILT_CLIENTS, Collected, LOCAL_ENV } from "../support/invoke-locally.js";
import { exchange } from "../support/raw-http.js";
import { tempDir } from "../support/temp-dir.js";

const ORDERS = `
let attempts = 0;
export const handler = async (event, context) => {
  if (event.fail) throw new RangeError("no such order");
  if (event.flaky && ++attempts < 3) throw new Error("again");
  if (event.flaky) console.log("flaky handled at attempt " + attempts);
  return { echo: event, name: context.functionName, custom: context.clientContext?.custom ?? null };
};
export const http = async (event) => {
  if (event.rawPath === "/boom") throw new Error("boom");
  return answer(event);
};
const answer = (event) =>
  event.rawPath === "/teapot" || event.path === "/teapot"
    ? { statusCode: 418, headers: { "X-Kind": "pot" }, cookies: ["a=1", "b=2"], multiValueHeaders: { "X-Many": ["1", "2"] }, body: "short" }
    : event;
export const streamed = awslambda.streamifyResponse(async (event, stream) => {
  if (event.rawPath !== undefined) stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "content-type": "text/plain" } });
  // More than what stands between a function and a reader takes.
  if (event.large) for (let at = 0; at < 300; at++) await new Promise((sent) => stream.write(Buffer.alloc(65536), sent));
  stream.write("one ");
  stream.write("two");
  stream.end();
});
`;

const clock = new SystemClock();
const ARN = (name: string): string => `arn:aws:lambda:eu-west-1:111111111111:function:${name}`;
let logs: Collected;
let told: string[];
let functions: ServedFunction[];
let api: InvokeApi;
let client: LambdaClient;
let peers: PeerIdentity;
const fronts: HttpFront[] = [];

beforeEach(async () => {
  const cwd = tempDir("service");
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, "app.mjs"), ORDERS);
  logs = new Collected();
  told = [];
  peers = new ProcPeers({ clock });
  functions = ["orders", "web", "streamer"].map((name, at) => {
    const handler = ["handler", "http", "streamed"][at] ?? "";
    const context = { functionName: name, functionArn: ARN(name), version: "7", memorySize: 256 };
    const pool = new FunctionPool({
      ...{ context, cwd, logs, clock, peers, killGroup, limit: 2 },
      env: { ...LOCAL_ENV, AWS_LAMBDA_FUNCTION_NAME: name },
      command: { file: BUILT_CLIENTS.nodePath, args: [BUILT_CLIENTS.nodeBootstrap, `app.${handler}`] },
    });
    return { context, pool, timeoutMs: 20_000 };
  });
  await open();
});

async function open(): Promise<void> {
  api = await InvokeApi.start({ functions, port: 0, peers, clock, told: (line) => told.push(line) });
  client = new LambdaClient({
    ...{ endpoint: api.url, region: "eu-west-1", maxAttempts: 1 },
    credentials: { accessKeyId: "ASIAFUNCTION", secretAccessKey: "any", sessionToken: "any" },
  });
}

afterEach(async () => {
  client.destroy();
  for (const front of fronts.splice(0)) await front.close();
  await api.close();
  for (const { pool } of functions) await pool.close();
});

const json = (payload: Uint8Array | undefined): unknown => JSON.parse(Buffer.from(payload ?? []).toString());

describe("Lambda's Invoke, as the SDK calls it", () => {
  it.each([["orders"], ["orders:live"], [ARN("orders")], ["111111111111:function:orders"]])(
    "answers a function by the name %s",
    async (FunctionName) => {
      const { StatusCode, Payload, ExecutedVersion, FunctionError } = await client.send(
        new InvokeCommand({ FunctionName, Payload: Buffer.from('{"id":7}') }),
      );

      expect({ StatusCode, ExecutedVersion, FunctionError }).toEqual({ StatusCode: 200, ExecutedVersion: "7" });
      expect(json(Payload)).toMatchObject({ echo: { id: 7 }, name: "orders" });
    },
  );

  it("passes the client context on, and gives the log's end where it is asked for", async () => {
    const ClientContext = Buffer.from('{"custom":{"user":"ü"}}').toString("base64");
    const { Payload, LogResult } = await client.send(
      new InvokeCommand({ FunctionName: "orders", ClientContext, LogType: "Tail" }),
    );

    expect(json(Payload)).toMatchObject({ custom: { user: "ü" } });
    expect(Buffer.from(LogResult ?? "", "base64").toString()).toMatch(/^START RequestId: .*REPORT RequestId/s);
  });

  it("answers an error of the handler as Lambda does", async () => {
    const { StatusCode, FunctionError, Payload } = await client.send(
      new InvokeCommand({ FunctionName: "orders", Payload: Buffer.from('{"fail":true}') }),
    );

    expect([StatusCode, FunctionError]).toEqual([200, "Unhandled"]);
    expect(json(Payload)).toMatchObject({ errorType: "RangeError", errorMessage: "no such order" });
  });

  it("takes an asynchronous event at once, and tries it again while the function fails", async () => {
    const { StatusCode } = await client.send(
      new InvokeCommand({ FunctionName: "orders", InvocationType: "Event", Payload: Buffer.from('{"flaky":true}') }),
    );

    expect(StatusCode).toBe(202);
    await logs.holds("flaky handled at attempt 3");
    expect(told).toEqual([expect.stringContaining("again in 1 s"), expect.stringContaining("again in 2 s")]);
  });

  it("says that it would take an event, of a dry run", async () => {
    const { StatusCode } = await client.send(new InvokeCommand({ FunctionName: "orders", InvocationType: "DryRun" }));
    expect(StatusCode).toBe(204);
    expect(logs.text).toBe("");
  });

  it("streams", async () => {
    const { EventStream } = await client.send(new InvokeWithResponseStreamCommand({ FunctionName: "streamer" }));
    let text = "";
    let isComplete = false;
    for await (const { PayloadChunk, InvokeComplete } of EventStream ?? []) {
      text += Buffer.from(PayloadChunk?.Payload ?? []).toString();
      isComplete ||= InvokeComplete !== undefined;
    }
    expect([text, isComplete]).toEqual(["one two", true]);
  });

  it("names what is served where another function is asked for", async () => {
    await expect(client.send(new InvokeCommand({ FunctionName: "billing" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: expect.stringContaining("runs orders, web, streamer") as string,
    });
  });

  it("refuses a payload that is no JSON", async () => {
    await expect(
      client.send(new InvokeCommand({ FunctionName: "orders", Payload: Buffer.from("{") })),
    ).rejects.toMatchObject({ name: "InvalidRequestContentException" });
  });

  it("goes on with a stream whose reader has gone: the next event finds the same runtime", async () => {
    const { EventStream } = await client.send(
      new InvokeWithResponseStreamCommand({ FunctionName: "streamer", Payload: Buffer.from('{"large":true}') }),
    );
    for await (const { PayloadChunk } of EventStream ?? []) if (PayloadChunk) break;
    client.destroy();
    await logs.holds("END RequestId");
    expect(logs.text).not.toContain("Task timed out");
    const again = new LambdaClient({
      ...{ endpoint: api.url, region: "eu-west-1", maxAttempts: 1 },
      credentials: { accessKeyId: "ASIAFUNCTION", secretAccessKey: "any" },
    });
    await again.send(new InvokeWithResponseStreamCommand({ FunctionName: "streamer" }));
    again.destroy();
    expect(logs.text.match(/Init Duration/g)).toHaveLength(1);
  });

  it("refuses a name that is no encoding as one that there is not", async () => {
    const answer = await fetch(`${api.url}/2015-03-31/functions/%ff/invocations`, { method: "POST", body: "{}" });
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([404, "ResourceNotFoundException"]);
  });

  it("throttles more events at once than may be", async () => {
    const calls = [1, 2, 3].map(async () => client.send(new InvokeCommand({ FunctionName: "orders" })));
    const ends = await Promise.allSettled(calls);
    expect(ends.filter(({ status }) => status === "rejected")).toMatchObject([
      { reason: { name: "TooManyRequestsException" } },
    ]);
  });
});

describe("who may call", () => {
  const post = (headers: string): Promise<unknown> =>
    exchange(
      Number(new URL(api.url).port),
      `POST /2015-03-31/functions/orders/invocations HTTP/1.1\r\n${headers}Content-Length: 2\r\nConnection: close\r\n\r\n{}`,
    );
  const host = (): string => `Host: ${new URL(api.url).host}\r\n`;

  it.each([
    ["a web page", () => `${host()}Origin: https://evil.example\r\n`],
    ["a page that was rebound to this address", () => "Host: evil.example\r\n"],
    ["a proxy", () => `${host()}X-Forwarded-For: 10.0.0.1\r\n`],
  ])("is not %s", async (_, headers) => {
    expect(await post(headers())).toMatchObject({ status: 403 });
    expect(logs.text).toBe("");
  });

  it("is not another user", async () => {
    await api.close();
    const other = { kind: "other", peer: { uid: 4711, inode: 1 } } as const;
    peers = { notChecked: undefined, of: async () => Promise.resolve(other), known: () => other };
    await open();

    expect(await post(host())).toMatchObject({ status: 403 });
    expect(logs.text).toBe("");
  });
});

describe("a function behind HTTP", () => {
  async function front(name: string, form: HttpEventForm): Promise<string> {
    const served = functions.find(({ context }) => context.functionName === name)!;
    const made = await HttpFront.start({
      ...{ served, form, port: 0, peers, clock },
      told: (line) => told.push(line),
    });
    fronts.push(made);
    return made.url;
  }

  it("gets the event of a function URL", async () => {
    const url = await front("web", "url");
    const event = (await (
      await fetch(`${url}a%20b?x=1&x=2`, { method: "POST", body: '{"a":1}', headers: { cookie: "k=v", "x-h": "1" } })
    ).json()) as object;

    expect(event).toMatchObject({
      ...{ version: "2.0", rawPath: "/a b", rawQueryString: "x=1&x=2", cookies: ["k=v"], body: '{"a":1}' },
      ...{ queryStringParameters: { x: "1,2" }, isBase64Encoded: false, headers: { "x-h": "1" } },
      requestContext: { http: { method: "POST", path: "/a b" } },
    });
  });

  it("gets the event of a REST API, and bytes as base64", async () => {
    const url = await front("web", "v1");
    const answer = await fetch(`${url}teapot`);
    expect([answer.status, answer.headers.get("x-many"), await answer.text()]).toEqual([418, "1, 2", "short"]);
    // Its result is no answer of a REST API.
    expect((await fetch(`${url}other`, { method: "PUT", body: new Uint8Array([255, 0]) })).status).toBe(502);
    expect(logs.text).not.toContain("ERROR");
  });

  it("answers with its status, headers and cookies", async () => {
    const answer = await fetch(`${await front("web", "v2")}teapot`);
    expect([answer.status, answer.headers.get("x-kind"), answer.headers.getSetCookie(), await answer.text()]).toEqual([
      ...[418, "pot", ["a=1", "b=2"], "short"],
    ]);
  });

  it("streams its answer", async () => {
    const answer = await fetch(await front("streamer", "url"));
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      ...[201, "text/plain", "one two"],
    ]);
  });

  it.each(["url", "v2"] as const)("is 502 where it fails, by an event of %s", async (form) => {
    expect((await fetch(`${await front("web", form)}boom`)).status).toBe(502);
  });

  it("may be called by a page that this machine serves, and by no other", async () => {
    const url = await front("web", "url");
    const from = async (origin: string): Promise<number> => (await fetch(url, { headers: { origin } })).status;
    expect(await from("http://localhost:3000")).toBe(200);
    expect(await from("https://evil.example")).toBe(403);
    expect(await from("null")).toBe(403);
  });

  it.each([
    ["a link or an image of another site", "cross-site", undefined, 403],
    ["what the user typed", "none", undefined, 200],
    ["a page of the function's own", "same-origin", undefined, 200],
    ["a page of another port", "same-site", undefined, 200],
    ["a script of a page of localhost", "cross-site", "http://localhost:3000", 200],
  ])("is asked by %s, as browsers say it: %s", async (_, site, origin, status) => {
    const port = Number(new URL(await front("web", "url")).port);
    const fields = [`Host: 127.0.0.1:${port}`, `Sec-Fetch-Site: ${site}`, ...(origin ? [`Origin: ${origin}`] : [])];
    const request = `GET /a HTTP/1.1\r\n${fields.join("\r\n")}\r\nConnection: close\r\n\r\n`;
    expect(await exchange(port, request)).toMatchObject({ status });
    expect(logs.text !== "").toBe(status === 200);
  });

  it("answers 400 to a path that is no encoding, and asks no function", async () => {
    const port = Number(new URL(await front("web", "v1")).port);
    const request = `GET /%ff HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
    expect(await exchange(port, request)).toMatchObject({ status: 400 });
    expect(logs.text).toBe("");
  });
});
