import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { HOOKED_SHELLS } from "../../src/core/shell-files.js";
import { TestBroker } from "../support/broker.js";
import { InProcessBroker, ROLES_YAML } from "../support/in-process-broker.js";

const asRoot = process.getuid?.() === 0;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** Listens, and writes down whatever it is sent; another user's where we may make one. */
async function squat(port: number): Promise<{ readonly child: ChildProcess; readonly heard: () => string }> {
  const script = `
    const server = require("node:net").createServer((socket) => socket.on("data", (data) => process.stdout.write(data)));
    server.listen(${port}, "127.0.0.1", () => process.stderr.write("ready"));`;
  const child = spawn(process.execPath, ["-e", script], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "" },
    ...(asRoot && { uid: 65_534, gid: 65_534 }),
  });
  cleanUp.push(() => child.kill("SIGKILL"));
  let heard = "";
  child.stdout.on("data", (data: Buffer) => (heard += data.toString()));
  // Rejects where it cannot be started at all, as where the other user may not run this Node.
  await Promise.race([
    once(child.stderr, "data"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`it ended with ${code}`))),
  ]);
  return { child, heard: () => heard };
}

describe("a port that another user's program has", () => {
  it("is named with its owner by every command, and no URL to it is ever handed out", {
    timeout: 120_000,
  }, async () => {
    const broker = await TestBroker.create({ name: "squat", config: ROLES_YAML });
    const port = Number(/port: (\d+)/.exec(readFileSync(broker.configFile, "utf8"))?.[1]);
    const { child, heard } = await squat(port);
    const owner = asRoot ? /pid (\d+) \([^)]*user \w+, uid 65534\)/ : /pid (\d+) \(/;

    const commands = [
      ["env"],
      ["env", "dev"],
      ["exec", "dev", "--", "true"],
      ["use", "dev"],
      ["lease", "create", "ide", "dev"],
      ["start"],
    ];
    for (const command of commands) {
      const { code, stdout, stderr } = await broker.ctl(command);
      expect([command, code === 0]).toEqual([command, false]);
      expect(owner.exec(stderr)?.[1]).toBe(String(child.pid));
      expect(stdout + stderr).not.toContain(`:${port}/`);
    }
    const printed = await broker.ctl(["env"]);
    expect(printed.stdout).not.toMatch(/FULL_URI=/);
    expect(printed.stdout).toMatch(/unset .*AWS_CONTAINER_CREDENTIALS_FULL_URI|false/);
    expect((await broker.ctl(["status"])).code).toBe(3);
    expect(heard()).toBe("");
  });
});

describe("a port that was lost while brokerd was down", () => {
  it("is in no file that a new shell reads, nor in what any form of access says, once that was noticed", {
    timeout: 120_000,
  }, async () => {
    const broker = await TestBroker.create({ name: "squat", config: ROLES_YAML });
    const port = Number(/port: (\d+)/.exec(readFileSync(broker.configFile, "utf8"))?.[1]);
    expect((await broker.ctl(["start"])).code).toBe(0);
    cleanUp.push(() => broker.ctl(["stop"]));
    await broker.call("store-create", {});
    const hooks = await Promise.all(HOOKED_SHELLS.map((shell) => broker.ctl(["hook", shell, "--install-line"])));
    expect(hooks.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect((await broker.ctl(["env"])).code).toBe(0);
    const filesWithUrl = (): readonly string[] => filesNaming(join(broker.home, "state"), `:${port}/`);
    // The sweep comes every 15 s.
    await expect.poll(filesWithUrl).toHaveLength(HOOKED_SHELLS.length);
    await broker.ctl(["stop"]);
    const { heard } = await squat(port);

    const forms = ["header", "token-file", "static"].map((form) => ["env", "dev", "--as", form]);
    for (const outcome of [...forms, ["credential-process", "dev"]].map((command) => broker.ctl(command))) {
      const { code, stdout, stderr } = await outcome;
      expect(code).not.toBe(0);
      expect(stdout + stderr).not.toContain(`:${port}/`);
    }
    expect(filesWithUrl()).toEqual([]);
    expect(heard()).toBe("");
  });
});

/** Log and configuration say the port, and no URL with a token. */
function filesNaming(directory: string, text: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile() && !path.includes("brokerd.log"))
    .filter((path) => readFileSync(path).includes(text));
}

describe("a running daemon", () => {
  it("that could not bind says so, hands out nothing, and binds by itself once the port is free", async () => {
    const broker = await InProcessBroker.ready();
    cleanUp.push(() => broker.close());
    const file = join(broker.home, "config.yaml");
    const good = readFileSync(file, "utf8");
    await broker.call("use", { lease: { by: "default" }, role: "dev" }).catch(() => undefined);
    await broker.stop();
    writeFileSync(join(broker.home, "state", "endpoint-port"), "", { mode: 0o600 });
    writeFileSync(file, "version: 9\n");
    await broker.start();
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(Number(/port: (\d+)/.exec(good)?.[1]), "127.0.0.1", resolve));
    writeFileSync(file, good);
    await broker.clock.advance(15_000);
    await expect(broker.call("lease-access", { pinnedRole: "dev" })).rejects.toBeInstanceOf(BrokerError);
    expect((await broker.call("status", {})).daemon.endpoint).toBeNull();

    await new Promise((resolve) => squatter.close(resolve));
    await expect
      .poll(async () => {
        await broker.clock.advance(15_000);
        return (await broker.call("status", {})).daemon.endpoint;
      })
      .not.toBeNull();
  });

  it("warns in status of another program on [::1]", async () => {
    const broker = await InProcessBroker.create();
    cleanUp.push(() => broker.close());
    const port = Number(/port: (\d+)/.exec(readFileSync(join(broker.home, "config.yaml"), "utf8"))?.[1]);
    const six: Server = createServer();
    await new Promise<void>((resolve) => six.listen({ port, host: "::1", ipv6Only: true }, resolve));
    cleanUp.push(() => new Promise((resolve) => six.close(resolve)));
    await broker.start();
    expect((await broker.call("status", {})).daemon.warnings.join()).toContain("[::1]");
  });

  it("takes up by itself a config that was fixed on the disk", async () => {
    const broker = await InProcessBroker.create();
    cleanUp.push(() => broker.close());
    const file = join(broker.home, "config.yaml");
    const good = readFileSync(file, "utf8");
    writeFileSync(file, "version: 9\n");
    await broker.start();
    writeFileSync(file, good);
    await broker.clock.advance(15_000);
    await expect.poll(() => broker.log.some(({ message }) => message === "config loaded")).toBe(true);
  });
});

describe.runIf(process.platform === "linux")("brokerd with 200 descriptors", () => {
  it("still opens files while 200 idle connections hang on it", async () => {
    const broker = await TestBroker.create({ name: "few", config: ROLES_YAML });
    cleanUp.push(() => broker.stop("SIGKILL"));
    await broker.start([], [], ["prlimit", "--nofile=200:200"]);
    const { endpoint } = (await broker.call("status", {})).daemon;
    const idle = Array.from({ length: 200 }, () => connect(Number(new URL(endpoint ?? "").port), "127.0.0.1"));
    cleanUp.push(() => idle.forEach((socket) => socket.destroy()));
    for (const socket of idle) socket.on("error", () => undefined);
    await Promise.all(idle.map((socket) => once(socket, "connect")));
    await broker.call("store-create", {});
    await broker.call("config-reload", {});
    expect((await broker.call("status", {})).daemon.state).toBe("ready");
    expect(broker.log()).not.toContain("EMFILE");
  });
});
