import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromContainerMetadata, fromInstanceMetadata } from "@smithy/credential-provider-imds";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withMetadata } from "../../src/cli/access/child-environment.js";
import { addLinkLocal, LINK_LOCAL } from "../../src/cli/forward/link-local.js";
import { serveLinkLocal } from "../../src/cli/forward/link-local-servers.js";
import { refuseSharedNetwork } from "../../src/cli/forward/own-network.js";
import { newLeaseToken } from "../../src/core/lease.js";
import { type Clock, SystemClock } from "../../src/system/clock.js";
import { runProgram } from "../support/broker.js";
import { BROKERCTL } from "../support/brokerctl.js";
import { FakeClock } from "../support/fake-clock.js";
import { InProcessBroker, roleArn } from "../support/in-process-broker.js";
import { exchange } from "../support/raw-http.js";
import { tempDir } from "../support/temp-dir.js";

let broker: InProcessBroker;
let socket: string;
let clock: FakeClock;
let served: Awaited<ReturnType<typeof serveLinkLocal>>;

beforeEach(async () => {
  broker = await InProcessBroker.ready();
  socket = join(tempDir("shared"), "lease.sock");
  await broker.call("lease-create", { name: "agent", role: "dev", socket });
  clock = new FakeClock();
  served = await serve("eu-west-1");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await served.close();
  await broker.close();
});

/** On loopback in place of the addresses that only a namespace of its own may have. */
function serve(region: string | null, by: Clock = clock): ReturnType<typeof serveLinkLocal> {
  const any = { host: "127.0.0.1", port: 0 };
  return serveLinkLocal({ socket, region, clock: by }, { container: any, instance: any });
}

const ignore = (): void => undefined;
/** The clock of the broker is far behind, of which the SDK warns. */
const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const ROLE = "/latest/meta-data/iam/security-credentials/credbroker";

interface Raw {
  readonly host?: string;
  readonly headers?: readonly string[];
  readonly more?: string;
}

/** One request as bytes, to the instance metadata. */
function ask(line: string, { host, headers = [], more = "" }: Raw = {}, port = served.ports.instance) {
  const lines = [`${line} HTTP/1.1`, `Host: ${host ?? `127.0.0.1:${port}`}`, ...headers, "Connection: close"];
  return exchange(port, `${lines.join("\r\n")}\r\n\r\n${more}`);
}

const ttl = (seconds: string): string => `X-aws-ec2-metadata-token-ttl-seconds: ${seconds}`;
const withToken = (token: string): Raw => ({ headers: [`X-aws-ec2-metadata-token: ${token}`] });

async function newToken(seconds = "60"): Promise<string> {
  const { status, text } = await ask("PUT /latest/api/token", { headers: [ttl(seconds), "Content-Length: 0"] });
  expect([status, text]).toEqual([200, expect.stringMatching(new RegExp(`${ttl(seconds)}\r\n`, "i"))]);
  return text.split("\r\n\r\n")[1] ?? "";
}

async function get(path: string, token: string): Promise<readonly [number | undefined, string]> {
  const { status, text } = await ask(`GET ${path}`, withToken(token));
  return [status, text.split("\r\n\r\n")[1] ?? ""];
}

describe("the instance metadata of forward", () => {
  it("gives the AWS SDK for JavaScript the lease's credentials, by IMDSv2 alone", async () => {
    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", `http://127.0.0.1:${served.ports.instance}`);
    const credentials = await fromInstanceMetadata({ ec2MetadataV1Disabled: true, logger: quiet })();
    expect(credentials).toMatchObject({ accessKeyId: expect.stringMatching(/^ASIA/) as string });
    expect(credentials.sessionToken).toBeDefined();
  });

  it("names one role, its region, and nothing that would be of an instance", async () => {
    const token = await newToken();
    const listing = "/latest/meta-data/iam/security-credentials";
    expect(await get(listing, token)).toEqual([200, "credbroker"]);
    expect(await get(`${listing}/`, token)).toEqual([200, "credbroker"]);
    const [status, body] = await get(ROLE, token);
    expect([status, JSON.parse(body)]).toMatchObject([200, { Code: "Success", RoleArn: roleArn("dev") }]);
    expect(await get("/latest/meta-data/placement/region", token)).toEqual([200, "eu-west-1"]);
    const document = "/latest/dynamic/instance-identity/document";
    expect(await get(document, token)).toEqual([200, '{"region":"eu-west-1"}']);
    for (const path of [
      "/",
      `${ROLE}x`,
      `${listing}-extended/`,
      "/latest/meta-data/instance-id",
      "/latest/user-data",
    ]) {
      expect([path, (await get(path, token))[0]]).toEqual([path, 404]);
    }
  });

  it("has no region where the role has none", async () => {
    await served.close();
    served = await serve(null);
    const token = await newToken();
    expect((await get("/latest/meta-data/placement/region", token))[0]).toBe(404);
    expect((await get("/latest/dynamic/instance-identity/document", token))[0]).toBe(404);
  });

  it("answers nothing without a token of its own that has not ended: 401", async () => {
    const token = await newToken("60");
    const other = await serve("eu-west-1");
    const [moment, ...rest] = token.split(".");
    const later = [String(Number(moment) + 1000), ...rest].join(".");
    expect((await ask(`GET ${ROLE}`)).status).toBe(401);
    for (const wrong of ["", ".", "x", `${token}x`, token.slice(1), token.slice(0, -1), later]) {
      expect([wrong, (await get(ROLE, wrong))[0]]).toEqual([wrong, 401]);
    }
    expect((await ask(`GET ${ROLE}`, withToken(token), other.ports.instance)).status).toBe(401);
    await other.close();
    await clock.advance(59_999);
    expect((await get(ROLE, token))[0]).toBe(200);
    await clock.advance(1);
    expect((await get(ROLE, token))[0]).toBe(401);
  });

  it.each(["1", "21600"])("gives a token for %s seconds", async (seconds) => {
    expect(await newToken(seconds)).toMatch(/^\d+\.[\w-]{22}\.[\w-]{43}$/);
  });

  it.each(["", "0", "21601", "-1", "1.5", "1e3", "999999", "60, 60"])(
    "gives no token for '%s' seconds",
    async (seconds) => {
      expect((await ask("PUT /latest/api/token", { headers: [ttl(seconds)] })).status).toBe(400);
    },
  );

  it("gives no token without a TTL", async () => {
    expect((await ask("PUT /latest/api/token")).status).toBe(400);
  });

  it.each<[string, Raw]>([
    ["through a proxy", { headers: [ttl("60"), "X-Forwarded-For: 203.0.113.7"] }],
    ["forwarded", { headers: [ttl("60"), "Forwarded: for=203.0.113.7"] }],
    ["by way of another", { headers: [ttl("60"), "Via: 1.1 squid"] }],
    ["of a browser", { headers: [ttl("60"), "Origin: https://evil.example"] }],
    ["for another host", { headers: [ttl("60")], host: "evil.example" }],
    ["for localhost", { headers: [ttl("60")], host: "localhost" }],
    ["with two hosts", { headers: [ttl("60"), "Host: 127.0.0.1"] }],
    ["with a body", { headers: [ttl("60"), "Content-Length: 2"], more: "{}" }],
  ])("refuses a token, and credentials with one, to a request %s", async (_, raw) => {
    expect((await ask("PUT /latest/api/token", raw)).status).toBe(403);
    const token = `X-aws-ec2-metadata-token: ${await newToken()}`;
    expect((await ask(`GET ${ROLE}`, { ...raw, headers: [...(raw.headers ?? []), token] })).status).toBe(403);
  });

  it.each(["POST /latest/api/token", "PUT /latest/api/token/", `PUT ${ROLE}`, `HEAD ${ROLE}`, `DELETE ${ROLE}`])(
    "refuses %s",
    async (line) => {
      expect((await ask(line, { headers: [ttl("60"), "Content-Length: 0"] })).status).toBe(403);
    },
  );

  it("says what brokerd says, and ends with the lease", async () => {
    await served.close();
    served = await serve("eu-west-1", new SystemClock());
    const token = await newToken();
    await broker.call("lock", {});
    expect((await get(ROLE, token))[0]).toBe(400);
    await broker.call("unlock", {});
    expect((await get(ROLE, token))[0]).toBe(200);
    await broker.call("lease-revoke", { lease: { by: "name", name: "agent" } });
    expect((await get(ROLE, token))[0]).toBe(503);
  });
});

describe("the relative URI of forward", () => {
  const path = (): string => served.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] ?? "";
  const url = (): string => `http://127.0.0.1:${served.ports.container}${path()}`;

  it("is all that it sets, and gives the AWS SDK for JavaScript the lease's credentials", async () => {
    expect(Object.keys(served.variables)).toEqual(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]);
    expect(path()).toMatch(/^\/creds\/brk_[\w-]{43}$/);
    // The SDK takes no other port for a relative one.
    vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url());
    expect(await fromContainerMetadata()()).toMatchObject({ accessKeyId: expect.stringMatching(/^ASIA/) as string });
  });

  it("gives nothing for another path, method, host, or by a proxy", async () => {
    const { container } = served.ports;
    for (const other of [
      "/",
      "/creds",
      "/creds/",
      `${path()}x`,
      path().slice(0, -1),
      `${path()}?x`,
      `/creds/${newLeaseToken().reveal()}`,
    ]) {
      expect([other, (await ask(`GET ${other}`, {}, container)).status]).toEqual([other, 403]);
    }
    expect((await ask(`POST ${path()}`, {}, container)).status).toBe(403);
    expect((await ask(`GET ${path()}`, { host: "evil.example" }, container)).status).toBe(403);
    expect((await ask(`GET ${path()}`, { headers: ["X-Forwarded-For: 203.0.113.7"] }, container)).status).toBe(403);
    expect((await ask(`GET ${path()}`, {}, container)).status).toBe(200);
    expect((await ask(`GET ${path()}`)).status).toBe(401);
  });
});

describe("forward --imds", () => {
  function forward(argv: readonly string[]) {
    const env = { PATH: process.env["PATH"] ?? "", HOME: tempDir("user", "input") };
    return runProgram([...BROKERCTL, "forward", "--socket", socket, "--imds", ...argv], { env });
  }

  it("is refused in brokerd's own network, where nothing runs and no address is added", async () => {
    const { code, stdout, stderr } = await forward(["--", "echo", "ran"]);
    expect([code, stdout]).toEqual([2, ""]);
    // macOS has no network namespaces.
    expect(stderr).toMatch(process.platform === "linux" ? /this one is brokerd's/ : /needs Linux/);
    expect(stderr).toContain("unshare -rn brokerctl forward --imds -- CMD");
  });

  it.each([
    ["without a command", []],
    ["with a port", ["--listen", "127.0.0.1:9171", "--", "true"]],
  ])("is refused %s", async (_, argv) => {
    expect(await forward(argv)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--imds takes a command") as string,
    });
  });

  it("leaves nothing that leads a command past the metadata", () => {
    const around = { AWS_EC2_METADATA_DISABLED: "true", AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://x", no_proxy: "a" };
    const env = withMetadata({ ...around, NO_PROXY: "*", PATH: "/bin" }, Object.values(LINK_LOCAL));
    expect(env).toEqual({ PATH: "/bin", NO_PROXY: "*", no_proxy: "a,169.254.170.2,169.254.169.254" });
  });
});

describe("a network of its own", () => {
  interface Seen {
    readonly own?: string;
    readonly pid?: string;
    readonly init?: string;
    readonly settings?: readonly string[];
  }

  /** A `/proc` as a machine shows it. */
  function proc({ own, pid = "pid:[4026532999]", init, settings = ["somaxconn"] }: Seen): string {
    const root = tempDir("proc");
    for (const directory of ["self/ns", "1/ns", "sys/net/core"]) mkdirSync(join(root, directory), { recursive: true });
    if (own !== undefined) symlinkSync(own, join(root, "self/ns/net"));
    if (init !== undefined) symlinkSync(init, join(root, "1/ns/net"));
    symlinkSync(pid, join(root, "self/ns/pid"));
    for (const name of settings) writeFileSync(join(root, "sys/net/core", name), "");
    return root;
  }

  const INITIAL = "pid:[4026531836]";

  it.each<[string, Seen]>([
    ["who may not look at pid 1", { own: "net:[2]" }],
    ["in a container, whose pid 1 is in it too", { own: "net:[2]", init: "net:[2]" }],
    ["beside a pid 1 that is elsewhere", { own: "net:[2]", pid: INITIAL, init: "net:[1]" }],
  ])("is known as one %s", (_, seen) => {
    expect(() => refuseSharedNetwork("1", proc(seen))).not.toThrow();
  });

  it.each<[string, string | null, Seen, string]>([
    ["of brokerd", "2", { own: "net:[2]" }, "this one is brokerd's"],
    ["of the machine's init", "1", { own: "net:[2]", pid: INITIAL, init: "net:[2]" }, "the machine's"],
    [
      "with the settings of the first",
      "1",
      { own: "net:[2]", settings: ["somaxconn", "netdev_max_backlog"] },
      "the machine's",
    ],
    ["whose settings are hidden", "1", { own: "net:[2]", settings: [] }, "cannot tell"],
    ["that cannot be told", "1", {}, "needs Linux"],
    ["of another form", "1", { own: "elsewhere" }, "needs Linux"],
    ["beside a brokerd that does not tell", null, { own: "net:[2]" }, "brokerd does not tell"],
  ])("is not one %s", (_, ofBrokerd, seen, told) => {
    expect(() => refuseSharedNetwork(ofBrokerd, proc(seen))).toThrow(told);
  });
});

describe("the addresses of a network", () => {
  /** `ip` of a machine that has `there` already and refuses what `refuses` says. */
  function fakeIp({ there = [] as string[], refuses = "" } = {}) {
    const has = new Set(there);
    const run = async (_file: string, [, verb, what = ""]: readonly string[]) => {
      const failed = (stderr: string) => ({ code: 2, stdout: "", stderr });
      if (verb === "add" && what.startsWith(refuses || "none"))
        return failed("RTNETLINK answers: Operation not permitted");
      if (verb === "add" && has.has(what)) return failed("Error: ipv4: Address already assigned.");
      if (verb === "add") has.add(what);
      if (verb === "del") has.delete(what);
      return { code: 0, stdout: "", stderr: "" };
    };
    return { run, has };
  }

  it("are there until they are taken away", async () => {
    const { run, has } = fakeIp();
    const remove = await addLinkLocal(run);
    expect([...has]).toEqual(["169.254.170.2/32", "169.254.169.254/32"]);
    await remove();
    expect([...has]).toEqual([]);
  });

  it("stay where they were there before", async () => {
    const { run, has } = fakeIp({ there: ["169.254.170.2/32"] });
    await (await addLinkLocal(run))();
    expect([...has]).toEqual(["169.254.170.2/32"]);
  });

  it("are taken away again where the second one is refused, and what is missing is told", async () => {
    const { run, has } = fakeIp({ refuses: "169.254.169" });
    await expect(addLinkLocal(run)).rejects.toMatchObject({
      message: expect.stringContaining("CAP_NET_ADMIN") as string,
      hint: expect.stringContaining("unshare -rn") as string,
    });
    expect([...has]).toEqual([]);
  });

  it("need a program that adds them", async () => {
    const run = async () => ({ code: null, stdout: "", stderr: "there is no program ip" });
    await expect(addLinkLocal(run)).rejects.toMatchObject({ hint: expect.stringContaining("iproute2") as string });
  });
});
