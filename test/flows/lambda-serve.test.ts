import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { join, resolve } from "node:path";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { freePort, TestBroker } from "../support/broker.js";
import { NODE_PROGRAM } from "../support/brokerctl.js";
import { ACCOUNT, awsOptions, ROLES_YAML, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { Collected } from "../support/invoke-locally.js";
import { tempDir } from "../support/temp-dir.js";

const CODE = resolve("test/flows/programs/service");
const ROLE = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}-role`;
const signed = (name: string): string => `arn:aws:sts::${ACCOUNT}:assumed-role/${name}-role/${name}`;

let aws: FakeAws;
let broker: TestBroker;
let serving: ChildProcess | undefined;
let printed: Collected;

beforeEach(async () => {
  const { roles = [], ...options } = awsOptions();
  const trusts = [roleArn("dev")];
  const functionOf = (name: string) => ({
    arn: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${name}`,
    ...{ roleArn: ROLE(name), handler: `${name}.handler`, variables: { TABLE: `${name}-table` } },
  });
  aws = await startFakeAws({
    ...options,
    roles: [...roles, ...["front", "back"].map((name) => ({ arn: ROLE(name), trusts }))],
    functions: ["front", "back"].map(functionOf),
  });
  const config = `${ROLES_YAML}lambda: { via: dev }\n`;
  broker = await TestBroker.create({ name: "serve", config, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
});

afterEach(async () => {
  serving?.kill("SIGKILL");
  serving = undefined;
  await broker.stop();
  await aws.close();
});

async function serve(...args: readonly string[]): Promise<LambdaClient> {
  const port = await freePort();
  printed = new Collected();
  const [program, ...words] = [...NODE_PROGRAM, "lambda", "serve", ...args, "--port", String(port)];
  const child = spawn(program, words, {
    cwd: CODE,
    env: { ...broker.env, AWS_ENDPOINT_URL: aws.url },
    stdio: ["ignore", "ignore", "pipe"],
  });
  serving = child;
  child.stderr.pipe(printed);
  await Promise.race([printed.holds("Ctrl-C ends it"), once(child, "exit")]);
  return new LambdaClient({
    ...{ endpoint: `http://127.0.0.1:${port}`, region: "eu-west-1", maxAttempts: 1 },
    credentials: { accessKeyId: "AKIAANY", secretAccessKey: "any" },
  });
}

async function invoke(client: LambdaClient, name: string, event: object = {}): Promise<unknown> {
  const { Payload, FunctionError } = await client.send(
    new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) }),
  );
  expect([FunctionError, printed.text]).toEqual([undefined, printed.text]);
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

/** By the inspector's own protocol; Node 20 has no WebSocket for it. */
async function evaluate(port: number, expression: string): Promise<unknown> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { id: string }[];
  const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const key = { "sec-websocket-key": randomBytes(16).toString("base64") };
  const asked = request({ port, host: "127.0.0.1", path: `/${target?.id}`, headers: { ...headers, ...key } }).end();
  const [, socket] = (await once(asked, "upgrade")) as [IncomingMessage, Socket];
  const message = Buffer.from(JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression } }));
  // RFC 6455 §5.2: a text in one frame, masked with zeros.
  socket.write(Buffer.concat([Buffer.of(0x81, 0xfe, message.length >> 8, message.length & 0xff, 0, 0, 0, 0), message]));
  let answer = "";
  while (!answer.includes('"id":1')) answer += ((await once(socket, "data")) as [Buffer])[0].toString("latin1");
  socket.destroy();
  return (JSON.parse(answer.slice(answer.indexOf("{"))) as { result: { result: { value: unknown } } }).result.result
    .value;
}

const leases = async (): Promise<number> => (await broker.call("lease-list", {})).leases.length;

/** Resolves when the process is gone, or a zombie of ours. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((retry) => setTimeout(retry, 20));
  }
}

it("serves functions that call each other, each by its own role and with its own variables", async () => {
  const client = await serve("front", "back");

  const first = await invoke(client, "front");

  const expected = {
    ...{ front: signed("front"), table: "front-table" },
    back: { who: signed("back"), table: "back-table" },
  };
  expect(first).toEqual(expected);
  expect(await invoke(client, "front")).toEqual(expected);
  expect(printed.text.match(/Init Duration/g)).toHaveLength(2);
  expect(await leases()).toBe(3);
});

it.each(["header", "url", "token-file", "static"])(
  "passes a function's calls of others on to AWS, by its own role, with its credentials as %s",
  async (form) => {
    const client = await serve("front", "back", "--as", form);

    expect(await invoke(client, "front", { call: "elsewhere" })).toEqual({ invoked: true });

    const { signer, params, region } = aws.lastOf("Invoke");
    expect([signer.arn, params["FunctionName"], region]).toEqual([signed("front"), "elsewhere", "eu-west-1"]);
    expect(printed.text).toContain("front calls function elsewhere in AWS, eu-west-1: it is not served here");
    // Who is no function that is served is told what is.
    await expect(client.send(new InvokeCommand({ FunctionName: "elsewhere" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: expect.stringContaining("runs front, back") as string,
    });
    expect(aws.countOf("Invoke")).toBe(1);
  },
);

it("ends at once at Ctrl-C while a function is still read", async () => {
  aws.faults.hold("GetFunctionConfiguration");
  const [program, ...words] = [...NODE_PROGRAM, "lambda", "serve", "front", "--port", String(await freePort())];
  const env = { ...broker.env, AWS_ENDPOINT_URL: aws.url };
  const child = spawn(program, words, { cwd: CODE, env, stdio: "ignore" });
  serving = child;
  await expect.poll(() => aws.countOf("GetFunctionConfiguration")).toBe(1);

  child.kill("SIGINT");

  expect(await once(child, "exit")).toEqual([null, "SIGINT"]);
});

it("ends no process that has the name of a log stream by itself", async () => {
  const name = "AWS_LAMBDA_LOG_STREAM_NAME";
  const other = spawn("sleep", ["600"], { env: { PATH: process.env["PATH"], [name]: "mine" }, stdio: "ignore" });
  const client = await serve("back", "--set", `${name}=mine`);
  await invoke(client, "back");

  serving?.kill("SIGINT");
  await once(serving!, "exit");

  expect([other.exitCode, other.signalCode]).toEqual([null, null]);
  other.kill("SIGKILL");
  expect(await once(other, "exit")).toEqual([null, "SIGKILL"]);
});

it("lets a debugger into a function with --inspect, and has its port no longer than the function", async () => {
  const inspector = await freePort();
  const client = await serve("back", `--inspect=${inspector}`);
  await invoke(client, "back");

  expect(printed.text).toContain(`a debugger may attach to back at 127.0.0.1:${inspector}`);
  const evaluated = await evaluate(inspector, "process.env.TABLE + ' ' + process.env._HANDLER");
  expect(evaluated).toBe("back-table back.handler");

  serving?.kill("SIGINT");
  await once(serving!, "exit");
  await expect(fetch(`http://127.0.0.1:${inspector}/json/list`)).rejects.toThrow();
});

it("runs more events at once than Node takes listeners for, without a warning", async () => {
  const client = await serve("back", "--concurrency", "12");
  await Promise.all(Array.from({ length: 12 }, async () => invoke(client, "back")));
  expect(printed.text).not.toContain("MaxListenersExceededWarning");
  expect(printed.text.match(/Init Duration/g)?.length).toBeGreaterThan(10);
});

it("ends at Ctrl-C with its leases and all that was started, also what left the process group", async () => {
  const client = await serve("front", "back");
  const { pid } = (await invoke(client, "front", { runaway: true })) as { pid: number };

  serving?.kill("SIGINT");
  const [, signal] = (await once(serving!, "exit")) as [number | null, string | null];

  expect(signal).toBe("SIGINT");
  await gone(pid);
  expect(await leases()).toBe(1);
});

it("leaves nothing that a single run started, also what left the process group", async () => {
  const argv = ["lambda", "invoke", "front", "--task-root", CODE, "--event", '{"runaway":true}'];
  const { code, stdout } = await broker.ctl(argv, { env: { AWS_ENDPOINT_URL: aws.url } });
  expect(code).toBe(0);
  await gone((JSON.parse(stdout) as { pid: number }).pid);
});

it("runs the code that was changed, with --watch, and the variables that --set gives", async () => {
  const directory = tempDir("watched", "input");
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(resolve("node_modules/@aws-sdk"), join(directory, "node_modules/@aws-sdk"));
  const code = (said: string): void =>
    writeFileSync(join(directory, "back.mjs"), `export const handler = async () => "${said} " + process.env.TABLE;`);
  code("old");
  const client = await serve(`back=${directory}`, "--watch", "--set", "TABLE=mine");
  expect(await invoke(client, "back")).toBe("old mine");

  code("new");
  await printed.holds("changed: the next event runs in a new runtime");

  expect(await invoke(client, "back")).toBe("new mine");
});

it.each([
  ["the same function twice", ["front", "front"], "front is named twice"],
  ["HTTP for a function that it does not serve", ["front", "--http", "back"], "--http names back"],
  ["a port that is none", ["front", "--http", "front=http"], "--http takes a whole number"],
  ["a variable without a value", ["front", "--set", "TABLE"], "--set takes NAME=VALUE"],
])("refuses %s, and leaves no lease", async (_, args, said) => {
  const { code, stderr } = await broker.ctl(["lambda", "serve", ...args, "--port", String(await freePort())], {
    env: { AWS_ENDPOINT_URL: aws.url },
  });
  expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  expect(await leases()).toBe(1);
});

it("says who has the port", async () => {
  await serve("back");
  const port = /serving on http:\/\/127\.0\.0\.1:(\d+)/.exec(printed.text)?.[1] ?? "";
  const { code, stderr } = await broker.ctl(["lambda", "serve", "front", "--port", port], {
    env: { AWS_ENDPOINT_URL: aws.url },
  });
  expect([code, stderr]).toEqual([1, expect.stringContaining(`cannot listen on port ${port}`)]);
});
