import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newLeaseToken } from "../../src/core/lease.js";
import { freePort, type Outcome, runProgram } from "../support/broker.js";
import { BROKERCTL, BROKERCTL_IN_SHELL } from "../support/brokerctl.js";
import { InProcessBroker, roleArn } from "../support/in-process-broker.js";
import { exchange } from "../support/raw-http.js";
import { tempDir } from "../support/temp-dir.js";

let broker: InProcessBroker;
let socket: string;
let env: Record<string, string>;
const running: ChildProcess[] = [];

beforeEach(async () => {
  broker = await InProcessBroker.ready();
  socket = join(tempDir("shared"), "lease.sock");
  await broker.call("lease-create", { name: "agent", role: "dev", socket });
  // As in a container: nothing of brokerd but the socket.
  env = { PATH: process.env["PATH"] ?? "", HOME: tempDir("user", "input") };
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.stdin?.end();
    child.kill("SIGTERM");
  }
  await broker.close();
});

function forward(argv: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return runProgram([...BROKERCTL, "forward", ...argv], { env: { ...env, ...extra } });
}

const NODE = process.execPath;
const ASK = `
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env;
  fetch(uri, { headers: { authorization } }).then(async (answer) => {
    console.log(JSON.stringify({ status: answer.status, body: await answer.json(), env: process.env }));
  });`;
/** Until its stdin ends. */
const LINGER = "console.log(JSON.stringify(process.env)); process.stdin.resume()";

interface Seen {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
}

async function asked(
  argv: readonly string[] = ["--socket", socket],
  extra?: Readonly<Record<string, string>>,
): Promise<Seen> {
  const { code, stdout, stderr } = await forward([...argv, "--", NODE, "-e", ASK], extra);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Seen;
}

interface Bridge {
  readonly child: ChildProcess;
  readonly port: number;
  readonly token: string;
}

/** A `forward` whose command stays. */
async function bridge(argv: readonly string[] = ["--socket", socket]): Promise<Bridge> {
  const command = [...BROKERCTL.slice(1), "forward", ...argv, "--", NODE, "-e", LINGER];
  const child = spawn(BROKERCTL[0], command, { env, stdio: ["pipe", "pipe", "inherit"] });
  running.push(child);
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const seen = JSON.parse(line) as Record<string, string>;
  const port = Number(new URL(seen["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "").port);
  return { child, port, token: seen["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "" };
}

interface Raw {
  readonly line?: string;
  readonly host?: string | null;
  readonly token?: string;
  readonly headers?: readonly string[];
  readonly more?: string;
}

/** One request as bytes; the status and code of its answer. */
async function ask({ port, token: own }: Bridge, raw: Raw = {}): Promise<readonly [number | undefined, unknown]> {
  const { line = "GET /creds HTTP/1.1", host = `127.0.0.1:${port}`, token = own, headers = [], more = "" } = raw;
  const named = host === null ? [] : [`Host: ${host}`];
  const lines = [line, ...named, `Authorization: ${token}`, ...headers, "Connection: close"];
  const { status, json } = await exchange(port, `${lines.join("\r\n")}\r\n\r\n${more}`);
  return [status, json?.["code"] ?? json?.["Code"]];
}

describe("what forward runs", () => {
  it("has the lease's credentials by a port of loopback and a token of its own, and the role's region", async () => {
    const { status, body, env: seen } = await asked();
    expect([status, body["RoleArn"]]).toEqual([200, roleArn("dev")]);
    expect(seen["AWS_CONTAINER_CREDENTIALS_FULL_URI"]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/creds$/);
    expect(seen["AWS_CONTAINER_AUTHORIZATION_TOKEN"]).toMatch(/^brk_[\w-]{43}$/);
    expect(seen).toMatchObject({ AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1" });
    expect(seen).toMatchObject({ AWS_EC2_METADATA_DISABLED: "true", NO_PROXY: "127.0.0.1,localhost" });
  });

  it("finds the socket of `exec --socket` by its variable", async () => {
    const { status, env: seen } = await asked([], { CREDBROKER_SOCKET: socket });
    expect(status).toBe(200);
    expect(seen["CREDBROKER_SOCKET"]).toBe(socket);
  });

  it("has nothing that would win over the lease, of the environment or of ~/.aws", async () => {
    const aws = join(env["HOME"] ?? "", ".aws");
    mkdirSync(aws);
    writeFileSync(join(aws, "credentials"), "[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\n");
    const before = { AWS_ACCESS_KEY_ID: "AKIAOLD", AWS_PROFILE: "old", AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/old" };
    const { status, env: seen } = await asked(undefined, before);
    expect(status).toBe(200);
    for (const name of Object.keys(before)) expect(seen).not.toHaveProperty(name);
    expect(seen["AWS_SHARED_CREDENTIALS_FILE"]).not.toBe(join(aws, "credentials"));
    expect(seen["AWS_CONFIG_FILE"]).toBeDefined();
  });

  it("has no files made for it where there is no ~/.aws", async () => {
    const { env: seen } = await asked();
    expect(seen).not.toHaveProperty("AWS_CONFIG_FILE");
  });

  it.each([
    ["its exit code", ["sh", "-c", "exit 7"], { code: 7, signal: null }],
    ["its death by a signal", ["sh", "-c", "kill -KILL $$"], { code: null, signal: "SIGKILL" }],
    ["127 where it is not found", ["/no/such/program"], { code: 127 }],
    ["126 where it cannot be run", ["/"], { code: 126 }],
  ])("passes on %s", async (_, command, outcome) => {
    expect(await forward(["--socket", socket, "--", ...command])).toMatchObject(outcome);
  });

  it("gets the signals that a supervisor sends", async () => {
    const { child } = await bridge();
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([null, "SIGTERM"]);
  });

  it("is all that the port is open for", async () => {
    const open = await bridge();
    expect(await ask(open)).toEqual([200, "Success"]);
    open.child.kill("SIGTERM");
    await once(open.child, "exit");
    await expect.poll(async () => (await exchange(open.port, "GET / HTTP/1.1\r\n\r\n")).status).toBeUndefined();
  });
});

describe("the port of forward", () => {
  it("gives nothing without its own token: none, another's, the lease's own, that of another forward", async () => {
    const [one, two] = [await bridge(), await bridge()];
    const { token } = await broker.call("lease-access", { lease: { by: "name", name: "agent" } });
    expect(one.token).not.toBe(two.token);
    for (const other of [
      "",
      "brk_",
      newLeaseToken().reveal(),
      token,
      two.token,
      `${one.token}x`,
      one.token.slice(0, -1),
    ]) {
      expect(await ask(one, { token: other })).toEqual([403, "LeaseUnknown"]);
    }
    expect(await ask(one, { token: `Bearer ${one.token}` })).toEqual([200, "Success"]);
  });

  it.each<[string, Raw]>([
    ["for another host", { host: "evil.example" }],
    ["for another port", { host: "127.0.0.1:1" }],
    ["without a host", { host: null }],
    ["with two hosts", { headers: ["Host: localhost"] }],
    ["of a browser", { headers: ["Origin: https://evil.example"] }],
    ["of a page", { headers: ["Referer: https://evil.example/"] }],
    ["with a cookie", { headers: ["Cookie: a=b"] }],
    ["of another site", { headers: ["Sec-Fetch-Site: cross-site"] }],
    ["through a proxy", { headers: ["X-Forwarded-For: 203.0.113.7"] }],
    ["through another proxy", { headers: ["x-forwarded-host: evil.example"] }],
    ["forwarded", { headers: ["Forwarded: for=203.0.113.7"] }],
    ["by way of another", { headers: ["Via: 1.1 squid"] }],
    ["with a body", { headers: ["Content-Length: 2"], more: "{}" }],
    ["in chunks", { headers: ["Transfer-Encoding: chunked"], more: "0\r\n\r\n" }],
    ["that would upgrade", { headers: ["Upgrade: websocket"] }],
    ["that waits for 100", { headers: ["Expect: 100-continue"] }],
    ["with two tokens", { headers: [`Authorization: ${newLeaseToken().reveal()}`] }],
    ["of HTTP/1.0", { line: "GET /creds HTTP/1.0" }],
  ])("refuses a request %s", async (_, raw) => {
    expect(await ask(await bridge(), raw)).toEqual([403, "RequestRefused"]);
  });

  it("has one path and one method", async () => {
    const open = await bridge();
    for (const line of [
      "POST /creds",
      "HEAD /creds",
      "GET /",
      "GET /healthz",
      "GET /creds/",
      "GET /creds?x",
      "GET //creds",
      `GET /lease/${open.token}`,
    ]) {
      const [status, code] = await ask(open, { line: `${line} HTTP/1.1` });
      expect([line, status, line.startsWith("HEAD") ? "LeaseUnknown" : code]).toEqual([line, 403, "LeaseUnknown"]);
    }
    expect((await exchange(open.port, "nonsense\r\n\r\n")).status).toBe(403);
    expect(await ask(open, { host: "localhost" })).toEqual([200, "Success"]);
  });

  it("serves many at once", async () => {
    const open = await bridge();
    const answers = await Promise.all(Array.from({ length: 40 }, async () => ask(open)));
    expect(answers.every(([status]) => status === 200)).toBe(true);
  });

  it("is not held up by clients that say nothing", async () => {
    const open = await bridge();
    const silent = Array.from({ length: 20 }, () => exchange(open.port, "GET /creds"));
    expect(await ask(open)).toEqual([200, "Success"]);
    await Promise.all(silent);
  });

  it("is the one that was asked for, or none", async () => {
    const port = await freePort();
    expect((await bridge(["--socket", socket, "--listen", `127.0.0.1:${port}`])).port).toBe(port);
    const { code, stderr } = await forward(["--socket", socket, "--listen", `127.0.0.1:${port}`, "--", "true"]);
    expect([code, stderr]).toEqual([125, expect.stringContaining(String(port))]);
  });
});

describe("while forward runs", () => {
  it("a brokerd that is away is told, and is there again when it is", async () => {
    const open = await bridge();
    await broker.stop();
    expect(await ask(open)).toEqual([503, "DaemonUnreachable"]);
    await broker.start();
    expect(await ask(open)).toEqual([200, "Success"]);
  });

  it("what brokerd refuses is refused, as it says it", async () => {
    const open = await bridge();
    await broker.call("lock", {});
    expect(await ask(open)).toEqual([400, "StoreLocked"]);
    await broker.call("unlock", {});
    expect(await ask(open)).toEqual([200, "Success"]);
  });

  it("a lease that ends is the end of its credentials, at once", async () => {
    const open = await bridge();
    expect(await ask(open)).toEqual([200, "Success"]);
    await broker.call("lease-revoke", { lease: { by: "name", name: "agent" } });
    expect(await ask(open)).toEqual([503, "DaemonUnreachable"]);
  });
});

describe("forward refuses to start", () => {
  async function refusal(
    argv: readonly string[],
    extra: Readonly<Record<string, string>> = {},
  ): Promise<readonly [number | null, string]> {
    const { code, stdout, stderr } = await forward([...argv, "--", "echo", "ran"], extra);
    expect(stdout).toBe("");
    return [code, stderr];
  }

  it("where no program answers, and names the socket and what may be the reason", async () => {
    const missing = join(tempDir("shared"), "none.sock");
    const [code, stderr] = await refusal(["--socket", missing]);
    expect(code).toBe(125);
    expect(stderr).toContain(missing);
    expect(stderr).toContain("brokerd does not run, or the lease has ended");
    expect(stderr).toContain("brokerctl lease list");
  });

  it("where it is no socket", async () => {
    const file = join(tempDir("shared"), "lease.sock");
    writeFileSync(file, "");
    expect(await refusal(["--socket", file])).toEqual([125, expect.stringContaining("is not a socket")]);
  });

  it("where a person has to act first, with what they have to do", async () => {
    await broker.call("lock", {});
    expect(await refusal(["--socket", socket])).toEqual([4, expect.stringContaining("brokerctl unlock")]);
  });

  it("where the lease has no role", async () => {
    const other = join(tempDir("shared"), "lease.sock");
    await broker.call("lease-create", { name: "none", role: null, socket: other });
    expect(await refusal(["--socket", other])).toEqual([125, expect.stringContaining("no role")]);
  });

  it("where what answers is no brokerd", async () => {
    const other = join(tempDir("shared"), "lease.sock");
    const server = createServer((client) =>
      client.on("error", () => undefined).end("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n".padEnd(70_100, "x")),
    );
    await new Promise<void>((resolve) => server.listen(other, resolve));
    expect(await refusal(["--socket", other])).toEqual([125, expect.stringContaining(other)]);
    server.close();
    rmSync(other, { force: true });
  });

  it.each([
    ["without a socket", [], "--socket is missing"],
    ["on all addresses", ["--socket", "x", "--listen", "0.0.0.0:9171"], "127.0.0.1:PORT"],
    ["on a name", ["--socket", "x", "--listen", "localhost:9171"], "127.0.0.1:PORT"],
    ["on a port that there is not", ["--socket", "x", "--listen", "127.0.0.1:70000"], "127.0.0.1:PORT"],
    ["with a format of nothing", ["--socket", "x", "--format", "sh"], "--format"],
    ["with what is no flag of it", ["--socket", "x", "--tokenless"], "--tokenless"],
  ])("%s", async (_, argv, told) => {
    expect(await refusal(argv)).toEqual([2, expect.stringContaining(told)]);
  });
});

describe("forward without a command", () => {
  it("prints what a shell evaluates, ends what it prints, and serves until a signal ends it", async () => {
    const child = spawn(BROKERCTL[0], [...BROKERCTL.slice(1), "forward", "--socket", socket], {
      env: { ...env, AWS_PROFILE: "old" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.push(child);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await once(child.stdout, "end");
    const script = `${text}\n[ -z "$AWS_PROFILE" ] && exec "$0" -e "$1"`;
    const { stdout } = await runProgram(["/bin/sh", "-c", script, NODE, ASK], { env: { ...env, AWS_PROFILE: "old" } });
    expect(JSON.parse(stdout)).toMatchObject({ status: 200, env: { AWS_REGION: "eu-west-1" } });
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([null, "SIGTERM"]);
  });

  it("is the lease of a bash that reads it", async () => {
    const script = `. <(exec ${BROKERCTL_IN_SHELL} forward --socket '${socket}'); "$@"; code=$?; kill %% 2>/dev/null || kill "$!"; exit $code`;
    const { code, stdout } = await runProgram(["/bin/bash", "-c", script, "bash", NODE, "-e", ASK], { env });
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { status: 200 }]);
  });

  it("unsets what there was where it fails, so that no old credentials are used", async () => {
    const { code, stdout } = await forward(["--socket", join(tempDir("shared"), "none.sock")]);
    expect(code).toBe(125);
    expect(stdout).toMatch(/^unset .*AWS_ACCESS_KEY_ID.*;\nfalse\n$/);
  });

  it("prints other formats", async () => {
    const child = spawn(BROKERCTL[0], [...BROKERCTL.slice(1), "forward", "--socket", socket, "--format", "json"], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    running.push(child);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await once(child.stdout, "end");
    const { set, unset } = JSON.parse(text) as { set: Record<string, string>; unset: string[] };
    expect(set["AWS_CONTAINER_AUTHORIZATION_TOKEN"]).toMatch(/^brk_/);
    expect(unset).toContain("AWS_PROFILE");
  });
});
