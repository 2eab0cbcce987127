import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FakeLaunch } from "../fakes/fake-launch.js";
import { type Outcome, runProgram } from "../support/broker.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { fromOf, makeCopiesFor } from "../support/copies.js";
import { InProcessBroker, roleArn } from "../support/in-process-broker.js";
import { launcher, pathWithoutNode } from "../support/launcher.js";
import { exchange } from "../support/raw-http.js";
import { tempDir } from "../support/temp-dir.js";

const WITHOUT_NODE = "brokerctl: error: node is not in PATH";

let fixture: CliFixture;
let env: Record<string, string>;
const servers: Server[] = [];

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.knowsLaunches = true;
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" });
  env = { PATH: pathWithoutNode(), HOME: tempDir("user", "input"), CREDBROKER_HOME: fixture.home };
  await makeCopiesFor(env);
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Where there is no Node: what it does, it does itself; what it hands over fails, and says so. */
function launched(argv: readonly string[], extra: Record<string, string> = {}): Promise<Outcome> {
  return runProgram([launcher(), ...argv], { env: { ...env, ...extra } });
}

async function expectHandedOver(argv = ["exec", "dev", "--", "true"], extra: Record<string, string> = {}) {
  const { code, stdout, stderr } = await launched(argv, extra);
  expect([code, stdout, stderr.split("\n")[0]]).toEqual([argv[0] === "exec" ? 125 : 1, "", WITHOUT_NODE]);
}

const operations = (): readonly string[] => fixture.control.calls.map(({ operation }) => operation);

describe("the launcher", () => {
  it.each([
    ["exec", ["exec", "dev", "--", "true"], ["warm", "lease-child", "lease-hand-over", "lease-revoke"]],
    ["credential-process", ["credential-process", "dev"], ["warm", "lease-child", "lease-revoke"]],
    ["env ROLE", ["env", "dev"], ["warm", "lease-access"]],
  ])("does %s without Node, in one connection to brokerd", async (_, argv, expected) => {
    expect(await launched(argv)).toMatchObject({ code: 0, stderr: "" });
    await expect.poll(operations).toEqual(expected);
  });

  it("makes few system calls and starts no process but the command", async () => {
    const trace = join(tempDir("trace"), "calls");
    const argv = ["-f", "-o", trace, launcher(), "exec", "dev", "--", "/bin/true"];
    expect(await runProgram(["/usr/bin/strace", ...argv], { env })).toMatchObject({ code: 0, stderr: "" });
    const lines = readFileSync(trace, "utf8").split("\n");
    const own = lines.filter((line) => line.startsWith(`${lines[0]?.split(" ")[0] ?? ""} `));
    const count = (name: string): number => own.filter((line) => line.includes(` ${name}(`)).length;
    expect([count("connect"), count("fork") + count("clone") + count("vfork"), count("execve")]).toEqual([1, 1, 1]);
    expect(count("read")).toBeLessThanOrEqual(3);
    expect(own.length).toBeLessThan(110);
  });

  it("hands everything else over to Node, with the same arguments and environment", async () => {
    const tools = tempDir("tools");
    const script = `#!/bin/sh\nprintf '%s|' "$@"; echo "$CREDBROKER_HOME $AWS_PROFILE"; exit 41\n`;
    writeFileSync(join(tools, "node"), script, { mode: 0o755 });
    const cases = [
      ["status"],
      ["exec", "dev", "--for", "10m", "--", "true"],
      ["exec", "dev", "--read-only", "--", "true"],
      ["exec", "--session-for", "1m", "dev", "--", "true"],
      ["exec", "--service", "s3", "--", "true"],
      ["env", "dev", "--policy", "policy.json"],
      ["exec", "dev", "--confine", "--", "true"],
      ["exec", "--confine", "--", "true"],
      ["exec", "dev", "true"],
      ["exec", "--json", "dev", "--", "true"],
      ["exec", "dev", "--", ""],
      ["exec", "", "--", "true"],
      ["env"],
      ["env", "dev", "--format", "fish"],
      ["credential-process", "--help"],
      ["credential-process", "a b"],
      ["--version"],
    ];
    for (const argv of cases) {
      const { code, stdout } = await launched(argv, { PATH: `${tools}:/bin`, AWS_PROFILE: "x" });
      const words = [resolve("dist/brokerctl.js"), ...argv].map((word) => `${word}|`).join("");
      expect([code, stdout]).toEqual([41, `${words}${fixture.home} x\n`]);
    }
    expect(operations()).toEqual([]);
  });

  it("leaves to Node what has to be told or asked: an older hook, a sleeping brokerd, a refusal, a guard", async () => {
    await expectHandedOver(undefined, { CREDBROKER_HOOK: "bash:0.0.9" });
    await expectHandedOver(undefined, { CREDBROKER_NO_AUTOSTART: "1" });
    await expectHandedOver(["env", "dev"], { CREDBROKER_HOOK: "bash:0.1.0" });
    expect(operations()).toEqual([]);
    fixture.control.failing.set("dev", { code: "AssumeRoleDenied", message: "not authorized" });
    await expectHandedOver();
    fixture.control.addRole("prod", { guard: { confirm: "terminal", reason: false, maxLeaseSeconds: 60 } as never });
    await expectHandedOver(["exec", "prod", "--", "true"]);
    expect(operations()).toEqual(["warm"]);
  });

  it("hands over to the Node that CREDBROKER_NODE names, and without it to that of PATH", async () => {
    const node = join(tempDir("node"), "node");
    writeFileSync(node, '#!/bin/sh\nshift\necho "node $*"\n', { mode: 0o755 });
    const named = { CREDBROKER_NODE: node, CREDBROKER_NO_AUTOSTART: "1" };
    expect(await launched(["env", "dev"], named)).toMatchObject({ code: 0, stdout: "node env dev\n" });
    unlinkSync(node);
    await expectHandedOver(undefined, named);
  });

  it("leaves to Node a brokerd of another version, before it does anything", async () => {
    fixture.control.version = "0.1.1";
    await expectHandedOver();
    expect(operations()).toEqual([]);
  });
});

describe("the launcher, before it sends anything", () => {
  it.each<[string, () => void]>([
    ["a runtime directory that others can enter", () => chmodSync(`${fixture.home}/run`, 0o711)],
    ["a socket that others can write to", () => chmodSync(`${fixture.home}/run/control.sock`, 0o666)],
    ["a home that others can write to", () => chmodSync(fixture.home, 0o777)],
    [
      "a socket that is a link",
      () => {
        renameSync(`${fixture.home}/run/control.sock`, `${fixture.home}/run/real.sock`);
        symlinkSync("real.sock", `${fixture.home}/run/control.sock`);
      },
    ],
    [
      "a runtime directory that is a link",
      () => {
        renameSync(`${fixture.home}/run`, `${fixture.home}/elsewhere`);
        symlinkSync("elsewhere", `${fixture.home}/run`);
      },
    ],
    ["a state directory that others can enter", () => chmodSync(`${fixture.home}/state`, 0o755)],
  ])("refuses %s", async (_, spoil) => {
    spoil();
    await expectHandedOver();
    expect(operations()).toEqual([]);
  });

  it("refuses a home below a directory that others can write to", async () => {
    const open = tempDir("open");
    chmodSync(open, 0o777);
    renameSync(fixture.home, join(open, "home"));
    await expectHandedOver(undefined, { CREDBROKER_HOME: join(open, "home") });
    renameSync(join(open, "home"), fixture.home);
    expect(operations()).toEqual([]);
  });

  it.each(["relative", "/tmp/../tmp", "/tmp//x", `/tmp/${"x".repeat(100)}`])(
    "leaves the home %s to Node",
    async (home) => expectHandedOver(undefined, { CREDBROKER_HOME: home }),
  );

  it("takes the copies of ~/.aws only while each file is what their stamp says", async () => {
    const config = join(env["HOME"]!, ".aws", "config");
    mkdirSync(join(env["HOME"]!, ".aws"));
    writeFileSync(config, "[profile a]\nregion = x\n");
    await expectHandedOver();
    await makeCopiesFor(env);
    expect((await launched(["exec", "dev", "--", "true"])).code).toBe(0);
    const text = readFileSync(config, "utf8");
    unlinkSync(config);
    writeFileSync(config, text); // the same bytes, another file
    await expectHandedOver();
    await makeCopiesFor(env);
    const stamp = join(fromOf(env).directory, "stamp");
    const said = readFileSync(stamp, "utf8");
    for (const spoilt of [
      "",
      said.replace("stamp 1", "stamp 2"),
      said.replace("generator 0.1.0", "generator 0.1.1"),
      said.replace("end -\n", ""),
      said.replace(/copy .*\n/, ""),
      said.replace("set AWS_CONFIG_FILE=", "set AWS_CONFIG_FILE"),
      said + "x".repeat(70_000),
    ]) {
      writeFileSync(stamp, spoilt);
      await expectHandedOver();
    }
    expect(operations().filter((name) => name === "lease-child").length).toBeLessThanOrEqual(2);
  });
});

describe("the launcher, answered by something else than brokerd,", () => {
  const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n";
  const token = `brk_${"a".repeat(43)}`;
  const lines = `launch 1\nversion 0.1.0\nlease x\ntoken ${token}\nlease-url http://127.0.0.1:1/lease/${token}\ncredentials-url http://127.0.0.1:1/creds\n\n`;

  async function answering(answer: (socket: Socket) => void): Promise<void> {
    await fixture.control.close();
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => answer(socket));
    });
    servers.push(server);
    server.listen(fixture.control.socketPath);
    await once(server, "listening");
    chmodSync(fixture.control.socketPath, 0o600);
  }

  it.each<[string, string]>([
    ["nothing", ""],
    ["no HTTP", "hello\n\n"],
    ["another status", `HTTP/1.1 403 Forbidden\r\n\r\n${lines}`],
    ["another form", `${head}${lines.replace("launch 1", "launch 2")}`],
    ["another version", `${head}${lines.replace("0.1.0", "0.1.00")}`],
    ["an error", `${head}launch 1\nversion 0.1.0\nerror X\nmessage y\n\n`],
    ["no token", `${head}${lines.replace(/token brk.*\n/, "")}`],
    ["a token of another form", `${head}${lines.replace(token, `${token}x`)}`],
    ["bytes without an end", head + "x".repeat(100_000)],
    ["zeros", "\0".repeat(9000)],
    ["an answer that breaks off", `${head}${lines.slice(0, 80)}`],
  ])("hands over: %s", async (_, bytes) => {
    await answering((socket) => socket.end(bytes));
    await expectHandedOver();
    await expectHandedOver(["env", "dev"]);
  });

  it.each([
    ["http://127.0.0.2:1/creds"],
    ["http://127.0.0.1:x/creds"],
    ["http://127.0.0.1:99999/creds"],
    ["http://127.0.0.1:1/creds"], // where no program listens
    [`http://127.0.0.1:1${"x".repeat(3000)}`],
  ])("sends the token of credential-process nowhere else: %s", async (url) => {
    await answering((socket) => socket.end(head + lines.replace("http://127.0.0.1:1/creds", url)));
    await expectHandedOver(["credential-process", "dev"]);
  });

  it.each<NodeJS.Signals>(["SIGINT", "SIGTERM", "SIGHUP"])(
    "while it waits, dies of %s, and env says first what a shell is to drop",
    async (signal) => {
      const asked = new Promise<void>((done) => void answering(() => done()));
      await expect.poll(() => servers[0]?.listening).toBe(true);
      const child = spawn(launcher(), ["env", "dev"], { env, stdio: ["ignore", "pipe", "ignore"] });
      let stdout = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      await asked;
      child.kill(signal);
      expect(await once(child, "close")).toEqual([null, signal]);
      expect(stdout).toMatch(/^unset AWS_ACCESS_KEY_ID .* AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;\nfalse\n$/);
    },
  );
});

describe("a notice of brokerd", () => {
  it("is shown where stderr is a terminal, whole, while the command goes on, and nowhere else", async () => {
    const go = join(tempDir("go"), "go");
    const launches: FakeLaunch[] = [];
    fixture.control.onLaunch = (launch) => void launches.push(launch);
    const command = `${launcher()} exec dev -- sh -c 'until [ -e ${go} ]; do sleep 0.05; done; exit 7'`;
    const onTerminal = spawn("script", ["-qec", command, "/dev/null"], { env: { ...env, SHELL: "/bin/sh" } });
    const inPipe = runProgram(["/bin/sh", "-c", command], { env });
    let shown = "";
    onTerminal.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
    await expect.poll(() => fixture.control.requests("lease-hand-over").length).toBe(2);
    for (const launch of launches) launch.notice("role dev was refused: ünïcode, see brokerctl why");
    await expect.poll(() => shown).toBe("brokerctl: role dev was refused: ünïcode, see brokerctl why\r\n");
    writeFileSync(go, "");
    expect(await once(onTerminal, "close")).toEqual([7, null]);
    expect(await inPipe).toEqual({ code: 7, signal: null, stdout: "", stderr: "" });
  });
});

describe("a command of the launcher", () => {
  it("runs with an environment and arguments as large as the system takes", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 4000 }, (_, index) => [`LARGE_${String(index)}`, "x".repeat(100)]),
    );
    const words = Array.from({ length: 3000 }, () => "y".repeat(100));
    const script = 'echo "$# $LARGE_3999"';
    const { code, stdout } = await launched(["exec", "dev", "--", "sh", "-c", script, "sh", ...words], many);
    expect([code, stdout]).toEqual([0, `3000 ${"x".repeat(100)}\n`]);
  });

  it("has no descriptor but its streams, whatever was open", async () => {
    const script = `exec 3</dev/null 9</dev/null; exec "$0" exec dev -- ls /proc/self/fd`;
    const { stdout } = await runProgram(["/bin/sh", "-c", script, launcher()], { env });
    // Node, too, keeps those up to 15 from it, and no others. 3 is that of ls.
    expect(stdout.split("\n").filter((fd) => fd !== "" && Number(fd) < 16)).toEqual(["0", "1", "2", "3"]);
  });

  it("has streams of its own where ours are closed", async () => {
    const out = join(tempDir("closed"), "out");
    const script = `exec "$0" exec dev -- sh -c 'readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 >${out}' <&- >&- 2>&-`;
    expect((await runProgram(["/bin/sh", "-c", script, launcher()], { env })).code).toBe(0);
    expect(readFileSync(out, "utf8")).toBe(
      "/dev/null\n".repeat(3).replace("/dev/null\n/dev/null\n", `/dev/null\n${out}\n`),
    );
  });
});

/** As in a container: a socket, a static program, and nothing else of ours. */
describe("the launcher's forward, where there is no Node,", () => {
  let broker: InProcessBroker;
  let socket: string;
  let bare: Record<string, string>;
  beforeEach(async () => {
    broker = await InProcessBroker.ready();
    socket = join(tempDir("shared"), "lease.sock");
    await broker.call("lease-create", { name: "agent", role: "dev", socket });
    bare = { PATH: env["PATH"] ?? "", HOME: tempDir("user", "input") };
  });
  afterEach(async () => broker.close());

  const forward = (argv: readonly string[]): Promise<Outcome> =>
    runProgram([launcher(), "forward", ...argv], { env: bare });
  const FETCH = 'curl -sS -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI"';

  it("gives a command the lease's credentials, and passes its exit code on", async () => {
    const { code, stdout, stderr } = await forward(["--socket", socket, "--", "sh", "-c", `${FETCH}; exit 7`]);
    expect([code, stderr]).toEqual([7, ""]);
    expect(JSON.parse(stdout)).toMatchObject({ Code: "Success", RoleArn: roleArn("dev") });
  });

  it("has SDKs read nothing of a ~/.aws, whose copies it cannot make", async () => {
    mkdirSync(join(bare["HOME"] ?? "", ".aws"));
    writeFileSync(join(bare["HOME"] ?? "", ".aws", "credentials"), "[default]\naws_access_key_id = AKIAOLD\n");
    const { stdout } = await forward(["--socket", socket, "--", "env"]);
    expect(stdout).toContain("AWS_SHARED_CREDENTIALS_FILE=/dev/null\n");
    expect(stdout).toContain("AWS_CONFIG_FILE=/dev/null\n");
  });

  it.each<[string, () => readonly string[] | Promise<readonly string[]>, number, RegExp]>([
    [
      "a brokerd that is away",
      () => ["--socket", "/nonexistent/lease.sock", "--", "true"],
      125,
      /\/nonexistent\/lease\.sock: brokerd does not run, or the lease has ended/,
    ],
    ["what is no socket", () => ["--socket", "/etc/hostname", "--", "true"], 125, /\/etc\/hostname is not a socket/],
    ["what it does not take", () => ["--socket", socket, "--tokenless"], 2, /forward takes --socket PATH/],
    ["a command that there is not", () => ["--socket", socket, "--", "/no/such"], 127, /command not found: \/no\/such/],
    ["a command that cannot be run", () => ["--socket", socket, "--", "/"], 126, /cannot run: \//],
    [
      "a lock, with what to do",
      async () => {
        await broker.call("lock", {});
        return ["--socket", socket, "--", "true"];
      },
      4,
      /brokerctl unlock/,
    ],
    [
      "a port that is taken",
      () => ["--socket", socket, "--listen", "127.0.0.1:" + new URL(broker.aws.url).port, "--", "true"],
      125,
      /cannot listen on 127\.0\.0\.1:/,
    ],
  ])("tells %s", async (_, argv, expected, told) => {
    const { code, stdout, stderr } = await forward(await argv());
    expect([code, stdout, stderr]).toEqual([expected, "", expect.stringMatching(told)]);
  });

  it("ends its port with its command, also when it is killed", async () => {
    const child = spawn(
      launcher(),
      ["forward", "--socket", socket, "--", "sh", "-c", 'echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI"; exec cat'],
      {
        env: bare,
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const port = Number(new URL(line).port);
    expect((await exchange(port, "GET / HTTP/1.1\r\n\r\n")).status).toBe(403);
    child.kill("SIGKILL");
    await expect.poll(async () => (await exchange(port, "GET / HTTP/1.1\r\n\r\n")).status).toBeUndefined();
    child.stdin.end();
  });
});
