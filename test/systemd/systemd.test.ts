import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/system/clock.js";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { freePort, type Outcome } from "../support/broker.js";
import { getAs } from "../support/get-as.js";
import { awsOptions, get, ROLES_YAML, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { Load } from "./load.js";
import { stealWhile } from "./port-thief.js";
import { missing, UserSession } from "./user-session.js";

/** A real `systemd --user`: what these tests say of units and sockets is what users have. */
const CONFIG = ".config/credbroker/config.yaml";
const UNITS = ".config/systemd/user";
const DROP_IN = `${UNITS}/brokerd.service.d/credbroker-confined.conf`;
const RESTARTS = 50;
/** Requests that are served between one kill and the next, at least. */
const SERVED_BETWEEN = 40;
/** Three sweeps would have ended the lease of a holder that cannot be seen. */
const OVER_A_SWEEP_S = 17;

/** A client of `exec`, for a shell: prints the status. */
const FETCH = `exec node -e 'fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, {headers: {authorization: process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN}}).then(({status}) => console.log(status))'`;

let session: UserSession;
let aws: FakeAws;
let port: number;
let url: string;

beforeAll(async () => {
  expect(missing()).toEqual([]);
  aws = await startFakeAws({ ...awsOptions(), clock: new SystemClock() });
  session = await UserSession.start();
  port = await freePort();
});

afterAll(async () => {
  await session.stop();
  await aws.close();
});

const configure = (to: number, yaml = ROLES_YAML): void =>
  session.write(CONFIG, `version: 1\nsecret_store: key_file\nendpoint: { port: ${to} }\n${yaml}`);
const env = (): Record<string, string> => ({ AWS_ENDPOINT_URL: aws.url });
const home = (path: string): string => join(session.home, path);

async function done(outcome: Promise<Outcome>): Promise<Outcome> {
  const { code, signal, stdout, stderr } = await outcome;
  expect({ code, signal, stderr: code === 0 ? "" : stderr + session.log().slice(-2000) }).toEqual({
    code: 0,
    signal: null,
    stderr: "",
  });
  return { code, signal, stdout, stderr };
}

const statusOf = async (): Promise<{ pid: number; state: string; endpoint: string }> =>
  (JSON.parse((await done(session.ctl(["status", "--json"]))).stdout) as { daemon: never }).daemon;

async function defaultUrl(): Promise<string> {
  const { stdout } = await done(session.ctl(["env", "--format", "json"], { env: env() }));
  return (JSON.parse(stdout) as { set: Record<string, string> }).set["AWS_CONTAINER_CREDENTIALS_FULL_URI"]!;
}

async function answer(): Promise<string> {
  const { status, body } = await getAs(session.uid, url);
  return status === 200 ? "ok" : `${status} ${body["Code"] ?? ""}`;
}

describe("service install", { timeout: 120_000 }, () => {
  it("takes over from a detached brokerd, and its leases and URLs stay", async () => {
    await done(session.ctl(["init", "--secret-store", "key_file", "--yes", "--port", String(port)], { env: env() }));
    configure(port);
    const key = ["--access-key-id", USER_KEY.accessKeyId, "--secret-stdin"];
    await done(session.ctl(["restart"], { env: env() }));
    await done(session.ctl(["keys", "add", "ops-keys", ...key], { env: env(), input: USER_KEY.secretAccessKey }));
    await done(session.ctl(["use", "dev"], { env: env() }));
    url = await defaultUrl();
    expect(await answer()).toBe("ok");
    const before = await statusOf();
    const child = session.ctl([
      "exec",
      "dev",
      "--",
      "sh",
      "-c",
      `until [ -e ~/handed-over ]; do sleep 0.2; done; ${FETCH}`,
    ]);
    await expect
      .poll(() => session.ctl(["lease", "list", "--json"]), { timeout: 30_000 })
      .toMatchObject({
        stdout: expect.stringMatching(/"holder_pid": ?\d/) as string,
      });

    const { stderr } = await done(session.ctl(["service", "install"], { env: env() }));

    session.write("handed-over", "");
    expect((await done(child)).stdout).toBe("200\n");

    expect(stderr).toContain("carried over from this shell, as it is now: AWS_ENDPOINT_URL");
    expect(await session.property("brokerd.service", "MainPID")).toBe(String((await statusOf()).pid));
    expect((await statusOf()).pid).not.toBe(before.pid);
    expect(await answer()).toBe("ok");
    expect(statSync(home(".local/state/credbroker/service.env")).mode & 0o777).toBe(0o600);
  });

  it("uses the drop-in where namespaces work, and brokerd writes, fetches and sees its leases' holders under it", async () => {
    expect(existsSync(home(DROP_IN))).toBe(true);
    const calls = aws.countOf("AssumeRole");
    await done(session.ctl(["refresh", "dev"]));
    expect(aws.countOf("AssumeRole")).toBe(calls + 1);
    const script = ["sh", "-c", `sleep ${OVER_A_SWEEP_S}; ${FETCH}`];
    expect((await done(session.ctl(["exec", "dev", "--", ...script]))).stdout).toBe("200\n");
  });

  it("is clean for systemd-analyze, and its scores are what the documentation says", async () => {
    const names = ["brokerd.service", "brokerd.socket", "brokerd-ipv6.socket", "brokerd-control.socket"];
    const verified = await session.run([
      "systemd-analyze",
      "--user",
      "verify",
      ...names.map((name) => `/home/tester/${UNITS}/${name}`),
    ]);
    expect(verified).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    const confined = await score(`--user security brokerd.service`);
    await session.run(["sh", "-c", `mkdir ~/plain && cp ~/${UNITS}/brokerd.service ~/plain/`]);
    const plain = await score("security --offline=true ~/plain/brokerd.service");
    process.stdout.write(`exposure: ${plain} plain, ${confined} with the drop-in\n`);
    expect([plain <= 6.5, confined <= 2.5, confined < plain]).toEqual([true, true, true]);
    await session.run(["rm", "-r", "/home/tester/plain"]);
  });

  it("changes nothing when it is run again", async () => {
    const { pid } = await statusOf();
    const { stderr } = await done(session.ctl(["service", "install"], { env: env() }));
    expect(stderr).toContain("as it should be already");
    expect((await statusOf()).pid).toBe(pid);
  });
});

async function score(command: string): Promise<number> {
  const { stdout, stderr } = await session.run(["sh", "-c", `systemd-analyze --no-pager ${command}`]);
  const found = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
  if (found === undefined) throw new Error(`no score: ${stdout}${stderr}`);
  return Number(found);
}

describe("activation", { timeout: 120_000 }, () => {
  it("starts brokerd with the first request to the endpoint, on ::1 too, and with the first to control", async () => {
    for (const host of ["127.0.0.1", "[::1]"]) {
      await done(session.systemctl("stop", "brokerd.service"));
      const started = performance.now();
      expect((await getAs(session.uid, url.replace("127.0.0.1", host))).status).toBe(200);
      process.stdout.write(`cold start by a request to ${host}: ${Math.round(performance.now() - started)} ms\n`);
    }
    await done(session.systemctl("stop", "brokerd.service"));
    await done(session.ctl(["roles"]));
    expect((await statusOf()).state).toBe("ready");
  });

  it("is not what status, logs or a command without autostart cause", async () => {
    await done(session.systemctl("stop", "brokerd.service"));
    expect((await session.ctl(["status"])).code).toBe(3);
    expect((await session.ctl(["logs"])).code).toBe(0);
    expect((await session.ctl(["roles"], { env: { CREDBROKER_NO_AUTOSTART: "1" } })).code).toBe(3);
    expect((await done(session.ctl(["service", "status"]))).stdout).toContain("with the next request");
    expect(await session.property("brokerd.service", "ActiveState")).toBe("inactive");
  });

  it("serves a home without a config degraded, and says so to every lease", async () => {
    await done(session.systemctl("stop", "brokerd.service"));
    session.write(CONFIG, "version: 1\nendpoint: {");
    expect(await answer()).toBe("400 ConfigInvalid");
    expect((await statusOf()).state).toBe("degraded");
    configure(port);
    await done(session.ctl(["restart"]));
    expect(await answer()).toBe("ok");
  });
});

describe("the port", { timeout: 1_800_000 }, () => {
  it(`refuses no client while brokerd is killed ${RESTARTS} times under load, and gives no wrong answer`, async () => {
    const clients = new Load(url, { uid: session.uid, clients: 8, roleArn: roleArn("dev") });
    const restarts = Number(await session.property("brokerd.service", "NRestarts"));
    for (let kills = 0; kills < RESTARTS; kills += 1) {
      const enough = clients.ended + SERVED_BETWEEN;
      await done(session.systemctl("kill", "--signal=KILL", "brokerd.service"));
      expect((await get(`http://127.0.0.1:${port}/healthz`)).status).toBe(204);
      while (clients.ended < enough) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { requests, answered, refused, broken, failed, wrong } = await clients.stop();
    process.stdout.write(
      `${RESTARTS} kills: ${requests} requests, ${answered} served right, ${wrong.length} wrong, ${refused} connections refused, ${broken} cut by a kill and made again\n`,
    );
    expect(Number(await session.property("brokerd.service", "NRestarts")) - restarts).toBe(RESTARTS);
    expect({ refused, failed, wrong, answered }).toEqual({ refused: 0, failed: [], wrong: [], answered: requests });
    expect(requests).toBeGreaterThan(RESTARTS * SERVED_BETWEEN);
  });

  it("is never free for another user between a stop of the service and its start, nor during a restart", async () => {
    const socket = await session.property("brokerd.socket", "ActiveEnterTimestampMonotonic");
    const theft = await stealWhile(port, async () => {
      for (let rounds = 0; rounds < 3; rounds += 1) {
        await done(session.systemctl("stop", "brokerd.service"));
        await done(session.systemctl("start", "brokerd.service"));
        expect(await answer()).toBe("ok");
      }
      await done(session.ctl(["restart"]));
    });
    process.stdout.write(`another user: ${theft.attempts} attempts to bind, ${theft.taken} worked\n`);
    expect(theft).toMatchObject({ taken: 0, unexpected: [] });
    expect(theft.attempts).toBeGreaterThan(100);
    expect(await session.property("brokerd.socket", "ActiveEnterTimestampMonotonic")).toBe(socket);
  });

  it("is let go by brokerctl stop, and taken again by brokerctl start", async () => {
    await done(session.ctl(["stop"]));
    const theft = await stealWhile(port, () => new Promise((resolve) => setTimeout(resolve, 200)));
    expect(theft.taken).toBeGreaterThan(0);
    expect((await session.ctl(["status"])).code).toBe(3);
    await done(session.ctl(["start"]));
    expect(await answer()).toBe("ok");
  });

  it("that another program took meanwhile is named with its owner, and every token is made anew once it is ours", async () => {
    await done(session.ctl(["stop"]));
    const squatter = createServer();
    await new Promise<void>((listening) => squatter.listen(port, "127.0.0.1", listening));
    const { code, stderr } = await session.ctl(["start"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`cannot hold port ${port}`)]);
    await new Promise((closed) => squatter.close(closed));
    await done(session.ctl(["start"]));
    expect(await answer()).toBe("403 LeaseEnded");
    url = await defaultUrl();
    expect(await answer()).toBe("ok");
  });

  it("that another program had when systemd wanted it, at a login say, and has let go since is noticed all the same", async () => {
    await done(session.ctl(["stop"]));
    const squatter = createServer();
    await new Promise<void>((listening) => squatter.listen(port, "127.0.0.1", listening));
    expect((await session.systemctl("start", "brokerd.socket")).code).toBe(1);
    await new Promise((closed) => squatter.close(closed));
    await done(session.ctl(["start"]));
    expect(await answer()).toBe("403 LeaseEnded");
    url = await defaultUrl();
    expect(await answer()).toBe("ok");
  });

  it("of the config takes effect with service install, and until then status says so", async () => {
    const next = await freePort();
    configure(next);
    await done(session.ctl(["restart"]));
    expect((await done(session.ctl(["status"]))).stderr).toContain("brokerctl service install");
    await done(session.ctl(["service", "install"], { env: env() }));
    url = url.replace(`:${port}/`, `:${next}/`);
    port = next;
    expect(await answer()).toBe("ok");
  });
});

describe("a config that runs programs", { timeout: 120_000 }, () => {
  it("has brokerd run as it would run without a service", async () => {
    configure(
      port,
      `${ROLES_YAML}\n`.replace("sources:", 'sources:\n  legacy: { type: process, credential_process: "true" }'),
    );
    const { stderr } = await done(session.ctl(["service", "install"], { env: env() }));
    expect(stderr).toContain("source legacy runs a program");
    expect(existsSync(home(DROP_IN))).toBe(false);
    const pid = await session.property("brokerd.service", "MainPID");
    expect((await session.run(["cat", `/proc/${pid}/status`])).stdout).toMatch(/^NoNewPrivs:\s+0$/m);
    expect(readFileSync(home(".local/state/credbroker/service.env"), "utf8")).toContain('PATH="/mnt/bin:');
    expect(await answer()).toBe("ok");
  });
});

describe("what is not ours", { timeout: 120_000 }, () => {
  it("another home starts a brokerd of its own, and neither touches the units nor is touched by them", async () => {
    const other = { CREDBROKER_HOME: "/home/tester/other" };
    await done(session.ctl(["init", "--secret-store", "key_file", "--yes"], { env: other }));
    const { pid } = await statusOf();
    expect((await session.ctl(["service", "install"], { env: other })).stderr).toContain("serves another home");
    expect((await session.ctl(["service", "uninstall"], { env: other })).code).toBe(1);
    await done(session.ctl(["stop"], { env: other }));
    expect((await statusOf()).pid).toBe(pid);
    await session.run(["rm", "-r", "/home/tester/other"]);
  });

  it("without a user manager the error names what is missing", async () => {
    const { code, stderr } = await session.ctl(["service", "install"], { env: { XDG_RUNTIME_DIR: "/home/tester" } });
    expect([code, stderr]).toEqual([2, expect.stringContaining("/home/tester")]);
  });
});

describe("service uninstall", { timeout: 120_000 }, () => {
  it("leaves no file, and brokerd is started as before", async () => {
    const listing = async (): Promise<string> =>
      (await session.run(["sh", "-c", "cd; find . -name 'brokerd*' -path '*systemd*'; find . -name 'service.env'"]))
        .stdout;
    expect((await listing()).split("\n").length).toBeGreaterThan(4);
    await done(session.ctl(["service", "uninstall"]));
    expect(await listing()).toBe("");
    expect(await session.property("brokerd.socket", "LoadState")).toBe("not-found");
    expect((await session.ctl(["status"])).code).toBe(3);
    await done(session.ctl(["start"], { env: env() }));
    expect(await answer()).toBe("ok");
    await done(session.ctl(["stop"]));
  });
});
