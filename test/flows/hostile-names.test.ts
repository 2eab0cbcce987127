import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAEMON_NODE_FLAGS } from "../../src/system/node-flags.js";
import {
  type FakeIdentityCenter,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { TestBroker } from "../support/broker.js";
import { HOSTILE_NAMES, hostileFields } from "../support/hostile-names.js";
import { ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";
import { collect, exchange, type RawAnswer } from "../support/raw-http.js";

/** A unit that an earlier version wrote stands until `service install` is run again. */
const STARTS: readonly (readonly [name: string, flags: readonly string[]])[] = [
  ["with our flags", DAEMON_NODE_FLAGS],
  ["without flags", []],
  ["by an old unit, with --disable-proto=throw", ["--disable-proto=throw"]],
];
const CONFIG = ROLES_YAML.replace(
  /^sources:\n/m,
  "sources:\n  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }\n",
);

let center: FakeIdentityCenter;
let aws: Server;
/** What stands in for STS answers to every request. */
let answerOfAws = "";
let broker: TestBroker;
let port: number;

beforeEach(async () => {
  center = await startFakeIdentityCenter();
  aws = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.end(answerOfAws));
  }).listen(0, "127.0.0.1");
  await once(aws, "listening");
  const url = `http://127.0.0.1:${(aws.address() as AddressInfo).port}`;
  const env = { AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_SSO: center.url, AWS_ENDPOINT_URL_SSO_OIDC: center.url };
  broker = await TestBroker.create({ name: "names", config: CONFIG, env });
});

afterEach(async () => {
  await broker.stop("SIGKILL");
  await center.close();
  aws.close();
});

/** A request line, a Host, and a field of this name, twice. */
function request(line: string, name: string, host = "127.0.0.1"): string {
  return `${line} HTTP/1.1\r\nHost: ${host}\r\n${hostileFields([name]).join("\r\n")}\r\nConnection: close\r\n\r\n`;
}

function toControl(bytes: string): Promise<RawAnswer> {
  return collect(connect(join(broker.home, "run", "control.sock")), bytes);
}

/** The longest name is too much for one request, twice. */
const isTooLong = (name: string): boolean => name.length > 4096;

describe.each(STARTS)("a brokerd that was started %s", (_name, flags) => {
  beforeEach(async () => {
    await broker.startWithKey({ source: "ops-keys", ...USER_KEY }, flags);
    port = Number(new URL((await broker.call("status", {})).daemon.endpoint ?? "").port);
  });

  afterEach(async () => {
    expect(broker.process?.exitCode, broker.log()).toBeNull();
    expect((await broker.call("status", {})).daemon.pid).toBe(broker.pid);
    expect(broker.log()).not.toContain("crashed");
  });

  it("outlives header fields of any name at the endpoint, and answers what came with them", async () => {
    for (const name of HOSTILE_NAMES) {
      const { status } = await exchange(port, request("GET /healthz", name));
      expect([name, status]).toEqual([name, isTooLong(name) ? 403 : 204]);
      expect((await exchange(port, request("GET /creds", name))).status).toBe(403);
      expect((await exchange(port, request("GET /creds", name, "evil.example"))).status).toBe(403);
    }
  });

  it("outlives header fields and JSON keys of any name at the control socket", async () => {
    for (const name of HOSTILE_NAMES) {
      await toControl(request("POST /v1/status", name));
      await toControl(request(`POST /v1/${encodeURIComponent(name)}`, "then"));
      const body = `{${JSON.stringify(name)}:{${JSON.stringify(name)}:1}}`;
      const head = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
      for (const operation of ["status", "use", "env", "config-set", "keys-add", "login-start"]) {
        const { status } = await toControl(`POST /v1/${operation} HTTP/1.1\r\nHost: x\r\n${head}${body}`);
        expect([operation, status]).not.toEqual([operation, 500]);
      }
    }
  });

  it("outlives header fields and parameters of any name at the listener for a login's browser", async () => {
    const { url } = await broker.call("login-start", { source: "corp", flow: "browser" });
    const redirect = new URL(new URL(url).searchParams.get("redirect_uri") ?? "");
    for (const name of HOSTILE_NAMES) {
      const line = `GET ${redirect.pathname}?${isTooLong(name) ? "" : encodeURIComponent(name)}=1`;
      const { status } = await exchange(Number(redirect.port), request(line, name, redirect.host));
      expect([name, status]).toEqual([name, isTooLong(name) ? 403 : 400]);
    }
  });

  it("outlives header fields of any name in an answer of AWS", async () => {
    for (const [index, name] of HOSTILE_NAMES.entries()) {
      const status = ["200 OK", "403 Forbidden", "503 Slow", "301 Moved"][index % 4] ?? "";
      const head = `HTTP/1.1 ${status}\r\n${hostileFields([name]).join("\r\n")}\r\n`;
      answerOfAws = `${head}Content-Type: text/xml\r\nConnection: close\r\n\r\n<${name}><Code>${name}</Code></${name}>`;
      await expect(broker.call("warm", { role: "dev" })).rejects.toMatchObject({ code: "AwsUnreachable" });
    }
  });
});
