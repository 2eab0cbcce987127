import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import {
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  ListFunctionsCommand,
} from "@aws-sdk/client-lambda";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.js";
import type { FunctionCaller, SigningKeys } from "../../src/runtime-api/calls-to-aws.js";
import { eventStreamFrame } from "../../src/runtime-api/event-stream-frames.js";
import type { FunctionPool } from "../../src/runtime-api/function-pool.js";
import { InvokeApi } from "../../src/runtime-api/invoke-api.js";
import { SystemClock } from "../../src/system/clock.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import { isSignedWith, signatureClaim } from "../fakes/fake-aws/sigv4.js";
import { canarySecretKey } from "../support/canaries.js";

const clock = new SystemClock();
const FRONT = keysOf("FRONT");
const BACK = keysOf("BACK");
const ARN = (name: string): string => `arn:aws:lambda:eu-west-1:111111111111:function:${name}`;

interface Seen {
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly body: string;
  readonly token: unknown;
  /** By a check that shares nothing with ours. */
  readonly isSigned: boolean;
}

let seen: Seen[];
let upstream: Server;
let api: InvokeApi;
let told: string[];
/** Functions that were run here. */
let ran: string[];
const clients: LambdaClient[] = [];

function keysOf(name: string): SigningKeys {
  return {
    accessKeyId: `ASIA${name}`,
    secretAccessKey: new Secret(canarySecretKey(name)),
    sessionToken: new Secret(`token of ${name}`),
  };
}

beforeEach(async () => {
  [seen, told, ran] = [[], [], []];
  upstream = createServer((request, response) => {
    void buffer(request).then((body) => {
      const headers = request.headers as Record<string, string>;
      const call = { method: request.method ?? "", target: request.url ?? "", headers, body: body.toString() };
      const claim = signatureClaim(headers["authorization"]);
      const keys = [FRONT, BACK].find(({ accessKeyId }) => accessKeyId === claim?.accessKeyId);
      const isSigned =
        claim !== undefined && keys !== undefined && isSignedWith(keys.secretAccessKey.reveal(), call, claim);
      const { method, url: target } = request;
      seen.push({ method, target, body: call.body, token: headers["x-amz-security-token"], isSigned });
      if (target?.includes("response-streaming")) {
        response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
        response.write(eventStreamFrame({ type: "PayloadChunk", payload: Buffer.from("of AWS") }));
        response.end(eventStreamFrame({ type: "InvokeComplete", payload: Buffer.from("{}") }));
        return;
      }
      response.writeHead(200, { "x-amz-function-error": "Unhandled", "content-type": "application/json" });
      response.end('{"Functions":[],"by":"AWS"}');
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/base/`;
  api = await InvokeApi.start({
    functions: [served("front", FRONT, endpoint), served("back", BACK, endpoint)],
    ...{ port: 0, peers: new ProcPeers({ clock }), clock, told: (line: string) => told.push(line) },
  });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await api.close();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});

function served(functionName: string, keys: SigningKeys, endpoint: string) {
  const caller: FunctionCaller = {
    keysOf: async (id) => Promise.resolve(id === keys.accessKeyId ? keys : undefined),
    endpointOf: () => endpoint,
  };
  const invoke: FunctionPool["invoke"] = async () => {
    ran.push(functionName);
    const outcome = {
      status: "success",
      payload: Buffer.from('"here"'),
      logTail: Buffer.of(),
      requestId: "r",
    } as const;
    return Promise.resolve(outcome as unknown as Awaited<ReturnType<FunctionPool["invoke"]>>);
  };
  const context = { functionName, functionArn: ARN(functionName), version: "1" };
  return { context, caller, timeoutMs: 1000, pool: { invoke } as unknown as FunctionPool };
}

function by({ accessKeyId, secretAccessKey, sessionToken }: SigningKeys, region = "eu-west-1"): LambdaClient {
  const credentials = {
    ...{ accessKeyId, secretAccessKey: secretAccessKey.reveal(), sessionToken: sessionToken.reveal() },
  };
  const client = new LambdaClient({ endpoint: api.url, region, maxAttempts: 1, credentials });
  clients.push(client);
  return client;
}

const invoke = (client: LambdaClient, FunctionName: string, Qualifier?: string) =>
  client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from('{"id":7}'), ...(Qualifier && { Qualifier }) }));

describe("a call of a function that is served, of what is not served", () => {
  it("goes on to AWS as it is, signed by that function's own keys, and its answer comes back", async () => {
    const { Payload, FunctionError, StatusCode } = await invoke(by(FRONT), "billing", "live ü");

    expect([StatusCode, FunctionError, Buffer.from(Payload ?? []).toString()]).toEqual([
      ...[200, "Unhandled", '{"Functions":[],"by":"AWS"}'],
    ]);
    expect(seen).toEqual([
      {
        ...{ method: "POST", body: '{"id":7}', token: "token of FRONT", isSigned: true },
        target: "/base/2015-03-31/functions/billing/invocations?Qualifier=live%20%C3%BC",
      },
    ]);
    expect(told).toEqual(["front calls function billing in AWS, eu-west-1: it is not served here"]);
    await invoke(by(BACK), "billing");
    await invoke(by(BACK), "billing");
    expect(seen.map(({ token }) => token)).toEqual(["token of FRONT", "token of BACK", "token of BACK"]);
    expect(told).toHaveLength(2);
  });

  it("streams", async () => {
    const { EventStream } = await by(FRONT).send(new InvokeWithResponseStreamCommand({ FunctionName: "billing" }));
    let text = "";
    for await (const { PayloadChunk } of EventStream ?? []) text += Buffer.from(PayloadChunk?.Payload ?? []).toString();
    expect([text, seen[0]?.isSigned]).toEqual(["of AWS", true]);
  });

  it("may be another one than Invoke", async () => {
    expect(await by(BACK).send(new ListFunctionsCommand({ MaxItems: 5, Marker: "a/b=" }))).toMatchObject({
      Functions: [],
    });
    expect(seen).toMatchObject([{ method: "GET", isSigned: true, token: "token of BACK" }]);
  });

  it.each([
    ["of another region, by its ARN", "arn:aws:lambda:us-east-1:111111111111:function:back", "eu-west-1"],
    ["of another account, by its ARN", "arn:aws:lambda:eu-west-1:222222222222:function:back", "eu-west-1"],
    ["of another account, by a part of its ARN", "222222222222:function:back", "eu-west-1"],
    ["of another region, by the client's", "back", "us-east-1"],
  ])("goes on where the function has a name that is served, and is %s", async (_, name, region) => {
    await invoke(by(FRONT, region), name);
    expect([seen, ran]).toMatchObject([[{ isSigned: true, token: "token of FRONT" }], []]);
  });

  it.each([["back"], [ARN("back")], ["111111111111:function:back"], ["back:live"]])(
    "stays here where it is %s",
    async (name) => {
      await invoke(by(FRONT), name);
      expect([seen, ran]).toEqual([[], ["back"]]);
    },
  );
});

describe("a call that no function made", () => {
  it.each([
    ["with keys of a role that the code assumed", () => by(keysOf("ASSUMED"))],
    ["with another secret", () => by({ ...FRONT, secretAccessKey: new Secret("other") })],
  ])("is not signed by any role: one %s", async (_, client) => {
    await expect(invoke(client(), "billing")).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: expect.stringContaining("serve runs front, back, and passes on") as string,
    });
    expect(seen).toEqual([]);
  });

  it("finds a function here by its name, whatever region it is of", async () => {
    await invoke(by(keysOf("TERMINAL"), "us-east-1"), "back");
    await expect(invoke(by(keysOf("TERMINAL")), "222222222222:function:back")).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    expect(ran).toEqual(["back"]);
  });

  it.each([
    ["body", (call: RequestInit) => ({ ...call, body: '{"id":8}' })],
    ["method", (call: RequestInit) => ({ ...call, method: "PUT" })],
  ])("is one whose %s was changed after it was signed", async (_, change) => {
    const client = by(FRONT);
    let sent: { readonly url: string; readonly call: RequestInit } | undefined;
    client.middlewareStack.add(
      () =>
        async ({ request }) => {
          const { path, headers, body } = request as { path: string; headers: Record<string, string>; body: string };
          const others = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "host"));
          sent = { url: api.url + path, call: { method: "POST", headers: others, body } };
          return Promise.reject(new Error("held back"));
        },
      { step: "finalizeRequest", priority: "low" },
    );
    await expect(invoke(client, "billing")).rejects.toThrow("held back");
    if (!sent) throw new Error("nothing was signed");
    expect((await fetch(sent.url, change(sent.call))).status).toBe(404);
    expect(seen).toEqual([]);
    // As it was it would have gone on.
    expect((await fetch(sent.url, sent.call)).status).toBe(200);
  });
});

it("tells a function that AWS cannot be reached", async () => {
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
  await expect(invoke(by(FRONT), "billing")).rejects.toMatchObject({
    name: "ServiceException",
    message: expect.stringMatching(/^127\.0\.0\.1:\d+ cannot be reached: /) as string,
  });
});
