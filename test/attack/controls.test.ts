import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { auditLines, refusalCounts } from "../support/audit-lines.js";
import { awsOptions, ROLES_YAML } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";
import { Table } from "./table.js";
import {
  ask,
  asUser,
  besideHonestClient,
  missing,
  type RawAnswer,
  type RawRequest,
  runAs,
  USERS,
  type User,
  Victim,
} from "./victim.js";

/** The controls of SECURITY.md that a program on this machine can try, each with what it must come to. */
const table = new Table();
/** How often each refusal was told, by its code. */
const refused: Record<string, number> = {};
/** Sent a request whose answer got lost: brokerd closes while 10 MB are still being written. */
let unheard = 0;
let aws: FakeAws;
let victim: Victim;

beforeAll(async () => {
  expect(missing()).toEqual([]);
  aws = await startFakeAws(awsOptions());
  victim = await Victim.start({ config: ROLES_YAML, awsUrl: aws.url });
  await victim.broker.call("warm", { role: "dev" });
  await victim.broker.call("warm", { role: "prod" });
});

afterAll(async () => {
  table.print();
  await victim.stop();
  await aws.close();
});

interface Get {
  readonly target?: string;
  readonly host?: string | null;
  readonly headers?: readonly string[];
  readonly version?: string;
}

function get({ target, host, headers = [], version = "1.1" }: Get = {}): RawRequest {
  const line = `GET ${target ?? `/lease/${victim.token}`} HTTP/${version}`;
  const named = host === null ? [] : [`Host: ${host ?? `127.0.0.1:${victim.port}`}`];
  return { port: victim.port, bytes: `${[line, ...named, ...headers, "Connection: close"].join("\r\n")}\r\n\r\n` };
}

function told({ status, body }: RawAnswer): string {
  if (status === 0) return "no answer";
  if (status === 200) return `200 ${(JSON.parse(body) as { RoleArn: string }).RoleArn.replace(/^.*\//, "")}`;
  return `${status} ${(JSON.parse(body) as { code: string }).code}`;
}

/** As brokerd's own user: what is refused here is not refused for the user's sake. */
async function checkAll(control: string, cases: readonly (readonly [string, string | RegExp, Get])[]): Promise<void> {
  const answers = await askCounted(
    "own",
    cases.map(([, , wanted]) => get(wanted)),
  );
  for (const [index, [name, expected]] of cases.entries()) {
    table.check(`${control} ${name}`, expected, told(answers[index]!));
    expect(answers[index]!.head).not.toMatch(/^(?:access-control-|etag|set-cookie)/im);
  }
}

/** What of it is refused has to be on record (C17). */
async function askCounted(user: User, requests: readonly RawRequest[]): Promise<readonly RawAnswer[]> {
  const answers = await ask(user, requests);
  for (const { status, body } of answers) {
    if (status === 0) unheard++;
    if (status !== 403) continue;
    const { code } = JSON.parse(body) as { code: string };
    refused[code] = (refused[code] ?? 0) + 1;
  }
  return answers;
}

describe("C1: the endpoint is bound to loopback", () => {
  it("no other address of the machine answers", async () => {
    const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const addresses = others
      .filter(({ internal }) => !internal)
      .map(({ address, family, scopeid }) => {
        return family === "IPv6" && scopeid ? `${address}%${scopeid}` : address;
      });
    for (const address of ["127.0.0.2", ...addresses]) {
      const [answer] = await ask("own", [{ ...get(), address, waitMs: 2_000 }]);
      table.check(`C1 ${address}`, "no answer", told(answer!));
    }
    table.check("C1 what its user listens on", "127.0.0.1, ::1", listening().join(", "));
  });
});

/** The address of every socket on which brokerd listens. */
function listening(): readonly string[] {
  const pid = String(victim.broker.pid);
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  const rows = ["tcp", "tcp6"].flatMap((name) => readFileSync(`/proc/net/${name}`, "latin1").split("\n"));
  const listeners = rows.map((row) => row.trim().split(/\s+/)).filter(([, , , state]) => state === "0A");
  const own = listeners.filter(([, , , , , , , , , inode]) => sockets.includes(`socket:[${inode ?? ""}]`));
  const names: Record<string, string> = { "0100007F": "127.0.0.1", "00000000000000000000000001000000": "::1" };
  return own.map(([, local = ""]) => {
    const [address = "", port = ""] = local.split(":");
    return Number.parseInt(port, 16) === victim.port ? (names[address] ?? address) : `${address}:${port}`;
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}

describe("C2: the token", () => {
  it("is whole, of one live lease, in the path or one header, and nowhere else", async () => {
    const call = victim.broker.call.bind(victim.broker);
    const other = await call("lease-create", { name: "other", role: "prod" });
    const ended = await call("lease-create", { name: "ended", role: "prod" });
    await call("lease-revoke", { lease: { by: "name", name: "ended" } });
    const { token } = victim;
    const wrong = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
    await checkAll("C2", [
      ["good, in the path", "200 dev", {}],
      ["good, in the header", "200 dev", { target: "/creds", headers: [`Authorization: ${token}`] }],
      ["none", "403 LeaseUnknown", { target: "/creds" }],
      ["last character wrong", "403 LeaseUnknown", { target: `/lease/${wrong}` }],
      ["a part of it", "403 LeaseUnknown", { target: `/lease/${token.slice(0, 20)}` }],
      ["with more behind it", "403 LeaseUnknown", { target: `/lease/${token}A` }],
      ["in the query", "403 LeaseUnknown", { target: `/creds?token=${token}` }],
      [
        "two headers",
        "403 RequestRefused",
        { target: "/creds", headers: [`Authorization: ${token}`, `Authorization: ${token}`] },
      ],
      [
        "10 MB of it",
        /^(?:403 RequestRefused|no answer)$/,
        { target: "/creds", headers: [`Authorization: ${token.repeat(220_000)}`] },
      ],
      ["of another lease: that one's role", "200 prod", { target: `/lease/${other.token}` }],
      ["of a revoked lease", "403 LeaseEnded", { target: `/lease/${ended.token}` }],
    ]);
  });
});

describe("C3: the Host", () => {
  it("is one of loopback's names, with our port or none", async () => {
    const { port } = victim;
    const good = ["127.0.0.1", `127.0.0.1:${port}`, "localhost", `localhost:${port}`, "[::1]", `[::1]:${port}`];
    const bad = [
      ...["evil.example", `evil.example:${port}`, `0.0.0.0:${port}`, `2130706433:${port}`, `127.1:${port}`],
      ...[`127.0.0.1:${port}.evil.example`, `localhost.:${port}`, "host.docker.internal", `127.0.0.1:${port + 1}`, ""],
    ];
    await checkAll("C3 Host", [
      ...good.map((host) => [host, "200 dev", { host }] as const),
      ...bad.map((host) => [host === "" ? "empty" : host, "403 RequestRefused", { host }] as const),
      ["missing", "403 RequestRefused", { host: null }],
      ["missing, HTTP/1.0", "403 RequestRefused", { host: null, version: "1.0" }],
      ["two", "403 RequestRefused", { headers: ["Host: evil.example"] }],
    ]);
  });
});

describe("C4: browsers and proxies", () => {
  it("are refused by each of their headers alone, and no answer lets a page read it", async () => {
    const refused = [
      ...["Origin: https://evil.example", "Origin: null", "Referer: http://localhost/", "Cookie: a=b"],
      ...[
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-origin",
        "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-Host: a",
      ],
      ...[
        "Forwarded: for=1.2.3.4",
        "Via: 1.1 proxy",
        "Content-Length: 1",
        "Transfer-Encoding: chunked",
        "Upgrade: websocket",
      ],
    ];
    await checkAll("C4", [
      ...refused.map((header) => [header, "403 RequestRefused", { headers: [header] }] as const),
      ["Sec-Fetch-Mode: cors (Node's own fetch)", "200 dev", { headers: ["Sec-Fetch-Mode: cors"] }],
      ["Sec-Fetch-Site: none", "200 dev", { headers: ["Sec-Fetch-Site: none"] }],
    ]);
  });
});

describe("C6: the control socket and its directories", () => {
  it("are closed to another user, also when brokerd starts under umask 000", () => {
    const { home } = victim.broker;
    for (const path of ["run/control.sock", "run", "state/leases.json", "state/brokerd.log", "config.yaml"]) {
      const read = spawnSync("setpriv", [
        ...asUser(USERS.other),
        "sh",
        "-c",
        `cat '${join(home, path)}' || ls '${join(home, path)}'`,
      ]);
      table.check(`C6 another user, ${path}`, "refused", read.status === 0 ? "read" : "refused");
    }
  });

  it.each<[string, (home: string) => void]>([
    ["a state directory open to all", (home) => mkdirSync(join(home, "state"), { mode: 0o777 })],
    ["a runtime directory that is a link", (home) => symlinkSync(tempDir("elsewhere"), join(home, "run"))],
    ["a state directory of another user", (home) => mkdirSync(join(home, "state"), { mode: 0o700 })],
    ["a home that all may write", (home) => chmodSync(home, 0o777)],
  ])("%s is refused with exit 2", (name, damage) => {
    const home = tempDir("loose");
    const umask = process.umask(0);
    damage(home);
    process.umask(umask);
    spawnSync("chown", ["-hR", `${USERS.own}:${USERS.own}`, home]);
    if (name.includes("another user")) spawnSync("chown", [`${USERS.other}:${USERS.other}`, join(home, "state")]);
    table.check(`C6 ${name}`, "exit 2", startOnce(home));
  });

  it("a path of 120 bytes for the socket is refused with exit 2, not cut", () => {
    const home = join(tempDir("long"), "d".repeat(110));
    mkdirSync(home, { mode: 0o700 });
    spawnSync("chown", ["-R", `${USERS.own}:${USERS.own}`, home]);
    table.check("C6 a socket path that is too long", "exit 2", startOnce(home));
  });
});

/** A brokerd of the own user that must not come up. */
function startOnce(home: string, env: Readonly<Record<string, string>> = {}): string {
  const command = [...asUser(USERS.own), process.execPath, resolve("dist/brokerd.js")];
  const { status, error } = spawnSync("setpriv", command, {
    env: { HOME: home, CREDBROKER_HOME: home, PATH: "/usr/bin:/bin", ...env },
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  return error ? "it runs" : `exit ${status ?? "by a signal"}`;
}

describe("C17: the record of refusals", () => {
  // Before the cases that kill brokerd, which takes the counts of that minute.
  it("has each refusal of the cases above once, and those of other users with theirs", async () => {
    for (const user of ["other", "root"] as const) {
      const answers = await askCounted(user, [get(), get(), get()]);
      table.check(`C17 ${user}, three times`, "403 RequestRefused", [...new Set(answers.map(told))].join(", "));
    }
    await victim.broker.stop("SIGTERM");

    const state = join(victim.broker.home, "state");
    expect(Object.keys(refused)).toEqual(expect.arrayContaining(["LeaseEnded", "LeaseUnknown", "RequestRefused"]));
    const onRecord = refusalCounts(state);
    for (const [code, count] of Object.entries(refused)) {
      const counts = Array.from({ length: code === "RequestRefused" ? unheard + 1 : 1 }, (_, more) => count + more);
      const expected = new RegExp(`^(?:${counts.join("|")})$`);
      table.check(`C17 ${code}: told and on record`, expected, String(onRecord[code] ?? 0));
    }
    expect(Object.keys(onRecord).sort()).toEqual(Object.keys(refused).sort());
    for (const user of ["other", "root"] as const) {
      const lines = auditLines(state, "refusals").filter(({ uid }) => uid === USERS[user]);
      table.check(`C17 … of ${user}, by its uid`, "3", String(lines.reduce((sum, { count }) => sum + count, 0)));
    }
    await victim.restart();
  });
});

describe("C8: the inspector and what Node obeys", () => {
  it("no signal and no other program of the user opens the inspector", async () => {
    const pid = String(victim.broker.pid);
    const open = `process._debugProcess(${pid})`;
    for (const command of [
      ["kill", "-USR1", pid],
      [process.execPath, "-e", open],
    ]) {
      spawnSync("setpriv", [...asUser(USERS.own), ...command]);
      const [answer] = await ask("own", [get()]);
      table.check(`C8 ${command[0] === "kill" ? "SIGUSR1" : "_debugProcess"}: it serves`, "200 dev", told(answer!));
      table.check("C8 … and listens on nothing more", "127.0.0.1, ::1", listening().join(", "));
    }
  });

  it.each(["--inspect=127.0.0.1:0", "--require=/dev/null", "--heapsnapshot-signal=SIGUSR2"])(
    "NODE_OPTIONS=%s",
    (options) => {
      const home = tempDir("options");
      spawnSync("chown", [`${USERS.own}:${USERS.own}`, home]);
      const got = startOnce(home, { NODE_OPTIONS: options });
      table.check(`C8 NODE_OPTIONS=${options}`, "exit 2", got);
    },
  );
});

describe("C9: a brokerd run by a Node that its user cannot read", () => {
  it("is closed to a program of its own user, debugger included, and leaves no core", async () => {
    const { home } = victim.broker;
    const node = join(home, "node"); // of root's: the test made it
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o111);
    const asOwn = (script: string): string =>
      spawnSync("setpriv", [...asUser(USERS.own), "sh", "-c", script], { encoding: "utf8" }).stdout.trim();
    const readAll = (pid: number): string =>
      ["environ", "maps", "mem"]
        .map((file) => asOwn(`(exec 3</proc/${pid}/${file}) 2>/dev/null && echo ${file}`))
        .join(" ")
        .trim();
    table.check("C9 an ordinary Node, to the same user", "environ maps mem", readAll(victim.broker.pid!));

    await victim.kill();
    await victim.restart({ nodePath: node, shell: `cd '${home}'; ulimit -c unlimited` });

    const pid = victim.broker.pid!;
    table.check("C9 environ, maps, mem", "", readAll(pid));
    table.check("C9 descriptors", "", asOwn(`readlink /proc/${pid}/fd/0`));
    const attached = asOwn(`gdb -p ${pid} -batch -ex 'info proc' 2>&1 | grep -c 'Operation not permitted'`);
    if (spawnSync("which", ["gdb"]).status === 0) table.check("C9 gdb", /^[1-9]/, attached);
    const { daemon } = await victim.broker.call("status", {});
    table.check("C9 status says", "on", daemon.memory?.on === true ? "on" : "off");
    const [answer] = await ask("own", [get()]);
    table.check("C9 it serves", "200 dev", told(answer!));
    await victim.broker.stop("SIGABRT");
    table.check(
      "C9 SIGABRT: cores",
      "",
      readdirSync(home)
        .filter((name) => name.startsWith("core"))
        .join(),
    );
    rmSync(node);
    await victim.restart();
  });
});

describe("C15: what one client can take", () => {
  it("an endless header, a half request and a body are ended, and idle connections keep no other client from being served", async () => {
    const half = { port: victim.port, bytes: "GET /creds HTTP/1.1\r\nHo", waitMs: 30_000 };
    const silent = { port: victim.port, bytes: "", waitMs: 30_000 };
    const [long, cut, mute] = await ask("other", [
      { port: victim.port, bytes: `GET /creds HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(20_480)}\r\n\r\n` },
      half,
      silent,
    ]);
    table.check("C15 a header of 20 KiB", "403 RequestRefused", told(long!));
    table.check(
      "C15 half a request: closed after, s",
      /^[1-9](?:\.\d)?$/,
      String(Math.round(cut!.closedAfterMs / 100) / 10),
    );
    table.check(
      "C15 a silent connection: closed after, s",
      /^[1-9](?:\.\d)?$/,
      String(Math.round(mute!.closedAfterMs / 100) / 10),
    );

    const flood = Array.from({ length: 4 }, () => runAs("other", "idle-connections.mjs", [victim.port, 500, 6]));
    const [, honest] = await besideHonestClient(victim, Promise.all(flood));
    table.check(
      "C15 2,000 idle connections: honest client",
      /^[1-9]\d* asked, 0 failed$/,
      `${honest.asked} asked, ${honest.failed} failed`,
    );
  });

  it("none of it ends brokerd", () => {
    table.check("C15 brokerd", "alive", victim.isAlive() ? "alive" : "dead");
  });
});
