import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { type Outcome, runProgram } from "../support/broker.js";
import { awsOptions, ROLES_YAML } from "../support/in-process-broker.js";
import { Table } from "./table.js";
import { asUser, missing, USERS, type User, VICTIM, Victim } from "./victim.js";

/** Leases on sockets, and `forward`, from network namespaces and by other users. */
const table = new Table();
const GET_BY = join(import.meta.dirname, "programs", "get-by.mjs");
const FORWARD = [process.execPath, resolve("dist/brokerctl.js"), "forward"];

let aws: FakeAws;
let victim: Victim;
let socket: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  expect(missing()).toEqual([]);
  aws = await startFakeAws(awsOptions());
  victim = await Victim.start({ config: ROLES_YAML, awsUrl: aws.url });
  socket = await leaseOnSocket("agent", "dev");
});

afterAll(async () => {
  table.print();
  for (const child of running) child.kill("SIGTERM");
  await victim.stop();
  await aws.close();
});

async function leaseOnSocket(name: string, role: string): Promise<string> {
  const directory = join(victim.broker.home, name);
  mkdirSync(directory, { mode: 0o700 });
  chownSync(directory, VICTIM, VICTIM);
  const path = join(directory, "lease.sock");
  await victim.broker.call("lease-create", { name, role, socket: path });
  return path;
}

/** In a network namespace: a new one, that of a process, or this machine's. */
type Where = "new" | "here" | number;

function entering(where: Where): readonly string[] {
  if (where === "here") return [];
  if (where !== "new") return ["nsenter", "--target", String(where), "--net"];
  return ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
}

function as(user: User, where: Where, command: readonly string[]): readonly [string, ...string[]] {
  const [file = "", ...words] = [...entering(where), "setpriv", ...asUser(USERS[user]), ...command];
  return [file, ...words];
}

const ENV = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };

async function got(user: User, where: Where, words: readonly string[]): Promise<string> {
  const { stdout, stderr } = await runProgram(as(user, where, [process.execPath, GET_BY, ...words]), { env: ENV });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as string;
}

interface Forwarded {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
}

/** By brokerd's user, in a network namespace of its own, with a command that stays. */
async function forwarded(): Promise<Forwarded> {
  const linger = "console.log(JSON.stringify([process.pid, process.env])); process.stdin.resume()";
  const [file, ...words] = as("own", "new", [...FORWARD, "--socket", socket, "--", process.execPath, "-e", linger]);
  const child = spawn(file, words, { env: ENV, stdio: ["pipe", "pipe", "inherit"] });
  running.push(child);
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const [pid, env] = JSON.parse(line) as [number, Record<string, string>];
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url = "", AWS_CONTAINER_AUTHORIZATION_TOKEN: token = "" } = env;
  return { pid, url, token };
}

describe("the socket of a lease", () => {
  it("serves its own user, in any network namespace, where the endpoint is out of reach", async () => {
    table.check("own user, its socket", "200 dev", await got("own", "here", ["socket", socket]));
    table.check("own user, its socket, another namespace", "200 dev", await got("own", "new", ["socket", socket]));
    const url = `http://127.0.0.1:${victim.port}/lease/${victim.token}`;
    table.check("own user, the endpoint, another namespace", "ECONNREFUSED", await got("own", "new", [url]));
  });

  it("lets no other user connect, in any network namespace", async () => {
    table.check("another user, the socket", "EACCES", await got("other", "here", ["socket", socket]));
    table.check("another user, the socket, another namespace", "EACCES", await got("other", "new", ["socket", socket]));
  });

  it("of one lease gives no other one", async () => {
    const other = await leaseOnSocket("second", "prod");
    table.check("own user, another lease's socket", "200 prod", await got("own", "here", ["socket", other]));
    table.check("own user, its socket as before", "200 dev", await got("own", "here", ["socket", socket]));
  });

  it("goes with its lease", async () => {
    const other = await leaseOnSocket("third", "dev");
    await victim.broker.call("lease-revoke", { lease: { by: "name", name: "third" } });
    table.check("own user, the socket of an ended lease", "ENOENT", await got("own", "here", ["socket", other]));
  });
});

/** As root of the namespace, as `--imds` has to be; it prints its variables, then serves until it is ended. */
async function withMetadata(): Promise<{ readonly pid: number; readonly path: string }> {
  const linger = "console.log(JSON.stringify([process.pid, process.env])); process.stdin.resume()";
  const command = [...FORWARD, "--socket", socket, "--imds", "--", process.execPath, "-e", linger];
  const child = spawn("unshare", ["--net", ...command], { env: ENV, stdio: ["pipe", "pipe", "inherit"] });
  running.push(child);
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const [pid, env] = JSON.parse(line) as [number, Record<string, string>];
  return { pid, path: env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] ?? "" };
}

/** What a shell script in a network namespace says. */
async function said(where: Where, script: string): Promise<string> {
  const [file, ...words] = [...entering(where), "sh", "-c", script];
  const { stdout, stderr } = await runProgram([file, ...words], { env: ENV });
  return `${stdout}${stderr}`.trim();
}

const BY_SDK = `
  import("@smithy/credential-provider-imds").then(async ({ fromInstanceMetadata, fromContainerMetadata }) => {
    const byImds = await fromInstanceMetadata({ ec2MetadataV1Disabled: true })();
    const byPath = await fromContainerMetadata()();
    console.log(byImds.accessKeyId.slice(0, 4), byPath.accessKeyId.slice(0, 4));
  })`;

describe("forward --imds", () => {
  it("gives an AWS SDK the lease in its own namespace, by IMDSv2 and by the relative URI, and is gone with its command", async () => {
    const script = `"$0" -e '${BY_SDK}'; echo ended`;
    const command = [...FORWARD, "--socket", socket, "--imds", "--", "sh", "-c", script, process.execPath];
    const after = [
      "unshare",
      "--net",
      "sh",
      "-c",
      '"$@"; ip -4 -o addr show dev lo | grep -c 169.254',
      "sh",
      ...command,
    ] as const;
    const { stdout, stderr } = await runProgram([...after], { env: { ...ENV, AWS_EC2_METADATA_DISABLED: "true" } });
    table.check(
      "the JS SDK, --imds",
      "ASIA ASIA ended 0",
      `${stdout.trim().replaceAll("\n", " ")}${stdout ? "" : stderr}`,
    );
  });

  it("is refused in brokerd's namespace, also to root", async () => {
    const { code, stderr } = await runProgram([...FORWARD, "--socket", socket, "--imds", "--", "echo"] as never, {
      env: ENV,
    });
    table.check(
      "--imds, this machine",
      "2 brokerd's",
      `${code ?? ""} ${/this one is (brokerd's)/.exec(stderr)?.[1] ?? stderr}`,
    );
    table.check(
      "--imds, addresses of this machine",
      "0",
      await said("here", "ip -4 -o addr show dev lo | grep -c 169.254.170.2/"),
    );
  });

  it("is refused to who is not root of the namespace, with what to do", async () => {
    const command = [
      "unshare",
      "--net",
      "setpriv",
      ...asUser(VICTIM),
      ...FORWARD,
      "--socket",
      socket,
      "--imds",
      "--",
      "echo",
    ] as const;
    const { code, stderr } = await runProgram([...command], { env: ENV });
    table.check("--imds, not root", "2 CAP_NET_ADMIN", `${code ?? ""} ${/CAP_NET_ADMIN/.exec(stderr)?.[0] ?? stderr}`);
  });

  it("gives a neighbour of a network that both are on nothing, nor another namespace", async () => {
    const { pid, path } = await withMetadata();
    const other = spawn("unshare", ["--net", "sleep", "600"], { stdio: "ignore" });
    running.push(other);
    const neighbour = other.pid ?? 0;
    await expect.poll(async () => (await said(neighbour, "ip -o link | wc -l")) === "1").toBe(true);
    await said(
      pid,
      `ip link add v0 type veth peer name v1 netns ${neighbour} && ip addr add 10.9.0.1/24 dev v0 && ip link set v0 up`,
    );
    await said(
      neighbour,
      "ip addr add 10.9.0.2/24 dev v1 && ip link set v1 up && ip route add 169.254.0.0/16 via 10.9.0.1",
    );
    const url = `http://169.254.170.2${path}`;
    table.check("own namespace, 169.254.170.2", "200 dev", await got("own", pid, [url]));
    table.check("a neighbour, 169.254.170.2", "403 RequestRefused", await got("own", neighbour, [url]));
    table.check(
      "a neighbour, 169.254.169.254",
      "403 RequestRefused",
      await got("own", neighbour, ["http://169.254.169.254/latest/"]),
    );
    table.check(
      "own namespace, no token",
      "401 LeaseUnknown",
      await got("own", pid, ["http://169.254.169.254/latest/"]),
    );
    table.check("another forward in there", "1 Conflict", await second(pid));
  });

  async function second(pid: number): Promise<string> {
    const [file, ...words] = [...entering(pid), ...FORWARD, "--socket", socket, "--imds", "--", "true"];
    const { code, stderr } = await runProgram([file, ...words], { env: ENV });
    return `${code === 0 ? 0 : 1} ${stderr.includes("another program listens there") ? "Conflict" : stderr}`;
  }
});

describe("forward", () => {
  it("serves its own namespace, with its token", async () => {
    const { pid, url, token } = await forwarded();
    table.check("own user, forward", "200 dev", await got("own", pid, [url, token]));
    table.check("own user, forward, without a token", "403 LeaseUnknown", await got("own", pid, [url]));
    table.check("own user, forward, the lease's token", "403 LeaseUnknown", await got("own", pid, [url, victim.token]));
    table.check("another user, forward, without a token", "403 LeaseUnknown", await got("other", pid, [url]));
  });

  it("gives nothing for a copied token in another namespace, on this machine, at the endpoint or at another forward", async () => {
    const { url, token } = await forwarded();
    table.check("a copied token, another namespace", "ECONNREFUSED", await got("own", "new", [url, token]));
    table.check("a copied token, this machine", "ECONNREFUSED", await got("own", "here", [url, token]));
    const endpoint = `http://127.0.0.1:${victim.port}/creds`;
    table.check("a copied token, the endpoint", "403 LeaseUnknown", await got("own", "here", [endpoint, token]));
    const second = await forwarded();
    table.check(
      "a copied token, another forward",
      "403 LeaseUnknown",
      await got("own", second.pid, [second.url, token]),
    );
  });

  it("keeps its token from other users", async () => {
    const { pid } = await forwarded();
    const [file, ...words] = as("other", "here", ["cat", `/proc/${pid}/environ`]);
    const { code } = await runProgram([file, ...words], { env: ENV });
    table.check("another user, the environment of the command", "refused", code === 0 ? "read" : "refused");
  });

  it("says what to do in a namespace whose loopback is down", async () => {
    const { code, stderr }: Outcome = await runProgram(
      ["unshare", "--net", "setpriv", ...asUser(VICTIM), ...FORWARD, "--socket", socket, "--", "echo", "ran"],
      { env: ENV },
    );
    table.check("loopback down", "2 ip link set lo up", `${code ?? ""} ${/hint: (.*)/.exec(stderr)?.[1] ?? stderr}`);
  });
});
