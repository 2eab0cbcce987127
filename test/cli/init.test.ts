import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { holdFreePort, holdPort } from "../../src/cli/config/initial-config.js";
import type { SpawnedDaemon } from "../../src/system/spawn-daemon.js";
import { NOW } from "../fakes/fake-control.js";
import { canaryPassphrase } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import type { RunOptions, RunResult } from "../support/cli-run.js";

const PASSPHRASE = canaryPassphrase("init");
const ABSENT = { code: "KeyMissing", message: "no data key has been made", hint: "brokerctl init" } as const;

let fixture: CliFixture;
let starts: number;
const taken: Server[] = [];

beforeEach(async () => {
  fixture = await cliFixture({ listening: false });
  rmSync(fixture.configFile);
  Object.assign(fixture.control, { problem: ABSENT, state: "degraded", pid: 2 ** 30 });
  fixture.control.onStop = () => void fixture.control.close();
  starts = 0;
});

afterEach(() => {
  for (const server of taken.splice(0)) server.close();
});

/** A daemon that follows the config as it is when it starts. */
async function launchDaemon(): Promise<SpawnedDaemon> {
  starts++;
  fixture.control.secretStore = (config()["secret_store"] as string | undefined) ?? "none";
  await fixture.control.listen();
  return { pid: fixture.control.pid, ended: new Promise(() => undefined) };
}

function init(argv: readonly string[] = [], options: Omit<RunOptions, "home"> = {}): Promise<RunResult> {
  return fixture.run(["init", ...argv], { launchDaemon, ...options });
}

const text = (): string => readFileSync(fixture.configFile, "utf8");
const config = (): Record<string, unknown> => parse(text()) as Record<string, unknown>;
const port = (): number => (config()["endpoint"] as { port: number }).port;

async function take(wanted: number): Promise<void> {
  const server = createServer();
  taken.push(server);
  await new Promise<void>((resolve) => server.once("error", () => resolve()).listen(wanted, "127.0.0.1", resolve));
}

/** A brokerd that finds its port taken: what another user's `init` does to ours. */
function launchOnTaken(times: number): () => Promise<SpawnedDaemon> {
  let left = times;
  return async () => {
    if (left-- === 0) return launchDaemon();
    await take(port());
    const line = { time: new Date(NOW + 1e7).toISOString(), level: "error", code: "Conflict" };
    const msg = `not started: port ${port()} on 127.0.0.1 is taken by pid 1`;
    appendFileSync(join(fixture.home, "state", "brokerd.log"), `${JSON.stringify({ ...line, msg })}\n`);
    return { pid: 1, ended: Promise.resolve({ code: 1, signal: null }) };
  };
}

describe("two users' init at once", () => {
  it("take different ports: each is held until its config is written and brokerd starts", async () => {
    const holds = await Promise.all(Array.from({ length: 5 }, () => holdFreePort(1000)));
    expect(new Set(holds.map((held) => held.port)).size).toBe(5);
    for (const held of holds) await held.release();
    let isFree = false;
    const checked = async (): Promise<SpawnedDaemon> => {
      const held = await holdPort(port());
      await held.release();
      isFree = true;
      return launchDaemon();
    };
    expect(await init([], { launchDaemon: checked })).toMatchObject({ code: 0 });
    expect(isFree).toBe(true);
  });

  it("begin at different ports", async () => {
    const [one, other] = [await holdFreePort(1020), await holdFreePort(1050)];
    expect(other.port - one.port).not.toBe(0);
    expect(one.port).toBeGreaterThanOrEqual(9171);
    for (const held of [one, other]) await held.release();
  });

  it("take another port where brokerd finds the first one taken, and say so", async () => {
    const { code, stderr } = await init([], { launchDaemon: launchOnTaken(2) });
    expect(code).toBe(0);
    expect(stderr.match(/is another process's by now: took \d+/g)).toHaveLength(2);
    expect(stderr.trim().split("took ").at(-1)).toContain(String(port()));
    expect(fixture.control.requests("store-create")).toEqual([{}]);
  });

  it("leave the port that was asked for, and name who has it", async () => {
    const held = await holdFreePort(1077);
    await held.release();
    const { code, stderr } = await init(["--port", String(held.port)], { launchDaemon: launchOnTaken(1) });
    expect(code).toBe(1);
    expect(stderr).toContain(`port ${held.port} on 127.0.0.1 is taken by pid 1`);
  });

  it("leave no half-made one that a second init cannot complete", async () => {
    expect(await init([], { launchDaemon: launchOnTaken(9) })).toMatchObject({ code: 1 });
    expect(await init([], { launchDaemon: launchOnTaken(1) })).toMatchObject({ code: 0 });
    expect(fixture.control.requests("store-create")).toEqual([{}]);
  });

  it("leave a config that was edited as it is", async () => {
    const edit = async (): Promise<SpawnedDaemon> => {
      const launched = await launchOnTaken(1)();
      appendFileSync(fixture.configFile, "# mine\n");
      return launched;
    };
    const { code, stderr } = await init([], { launchDaemon: edit });
    expect([code, text().endsWith("# mine\n")]).toEqual([1, true]);
    expect(stderr).toContain("is taken by pid 1");
  });
});

describe("init", () => {
  it("writes a private, commented config, starts the daemon, makes the data key and the schema", async () => {
    const { code, stdout, stderr } = await init();
    expect([code, stdout]).toEqual([0, ""]);
    expect(config()).toMatchObject({ version: 1, secret_store: "keychain" });
    expect(statSync(fixture.configFile).mode & 0o777).toBe(0o600);
    expect(text()).toMatch(/^# yaml-language-server: \$schema=config\.schema\.json\n/);
    expect(JSON.parse(readFileSync(join(fixture.home, "config.schema.json"), "utf8"))).toEqual({ type: "object" });
    expect(fixture.control.requests("store-create")).toEqual([{}]);
    expect(starts).toBe(1);
    expect(stderr).toContain("brokerctl keys add");
  });

  it("picks a port that no program listens on", async () => {
    await take(9171);
    await init();
    expect(port()).toBeGreaterThan(9171);
  });

  it("takes the port it is told, unless it is taken", async () => {
    await take(9199);
    const { code, stderr } = await init(["--port", "9199"]);
    expect([code, existsSync(fixture.configFile)]).toEqual([2, false]);
    expect(stderr).toContain("--port 9199");
    await init(["--port", "9399"]);
    expect(port()).toBe(9399);
  });

  it("asks who keeps the key at a terminal, unless told or --yes", async () => {
    await init([], {
      answers: [
        [/What opens/, "passphrase"],
        [/New passphrase/, PASSPHRASE],
        [/again/, PASSPHRASE],
      ],
    });
    expect(config()["secret_store"]).toBe("passphrase");
    rmSync(fixture.configFile);
    await fixture.control.close();
    fixture.control.problem = ABSENT;
    expect(await init(["--yes"], { interactive: true })).toMatchObject({ code: 0 });
    expect(config()["secret_store"]).toBe("keychain");
  });

  it("has a new passphrase typed twice alike, and shows it nowhere", async () => {
    const { code, stdout, stderr } = await init(["--secret-store", "passphrase"], {
      answers: [
        [/New passphrase/, ""],
        [/New passphrase/, "x"],
        [/New passphrase/, "aaaaaaaaaaaa"],
        [/New passphrase/, PASSPHRASE],
        [/again/, "other"],
        [/New passphrase/, PASSPHRASE],
        [/again/, PASSPHRASE],
      ],
    });
    expect(code).toBe(0);
    expect(stderr).toContain("fewer than 8 characters");
    expect(stderr).toContain("fewer than 4 different characters");
    expect(fixture.control.passphrase).toBe(PASSPHRASE);
    expect(stdout + stderr + text()).not.toContain(PASSPHRASE);
  });

  it("takes the passphrase from stdin, or leaves it to the daemon's file", async () => {
    await init(["--secret-store", "passphrase", "--passphrase-stdin"], { stdin: `${PASSPHRASE}\n` });
    expect(fixture.control.passphrase).toBe(PASSPHRASE);
    rmSync(fixture.configFile);
    await fixture.control.close();
    fixture.control.problem = ABSENT;
    const env = { CREDBROKER_PASSPHRASE_FILE: "/somewhere" };
    expect(await init(["--secret-store", "passphrase"], { env, interactive: true })).toMatchObject({ code: 0 });
    expect(fixture.control.requests("store-create").at(-1)).toEqual({});
  });

  it("writes the command that fetches the data key", async () => {
    await init(["--secret-store", "command", "--data-key-command", "pass show credbroker"]);
    expect(config()["data_key_command"]).toEqual(["pass", "show", "credbroker"]);
    rmSync(fixture.configFile);
    await fixture.control.close();
    fixture.control.problem = ABSENT;
    await init(["--secret-store", "command", "--data-key-command", '["op", "read", "a b"]']);
    expect(config()["data_key_command"]).toEqual(["op", "read", "a b"]);
  });

  it("repeats what the daemon finds weak", async () => {
    fixture.control.warnings = ["the data key lies in clear"];
    expect((await init(["--secret-store", "key_file"])).stderr).toContain("warning: the data key lies in clear");
  });
});

describe("init where there is no usable keychain", () => {
  const detail = "org.freedesktop.DBus.Error.ServiceUnknown: The name is not activatable";
  const runBrokerd: RunOptions["runBrokerd"] = () =>
    Promise.resolve({ code: 0, stdout: JSON.stringify({ outcome: "unavailable", detail }), stderr: "" });

  it("says what the choice means, and offers the keychain last, with the reason", async () => {
    const { code, stderr, offered } = await init([], { runBrokerd, answers: [[/What opens/, "key_file"]] });
    expect(code).toBe(0);
    expect(stderr).toContain("you choose what opens it.");
    expect(offered[0]?.map(({ value }) => value)).toEqual(["passphrase", "key_file", "keychain"]);
    expect(offered[0]?.at(-1)?.label).toContain(detail);
    expect(config()["secret_store"]).toBe("key_file");
  });

  it.each([[["--yes"]], [[]]])("takes none by itself with %j, writes nothing, and names the kinds", async (argv) => {
    const { code, stderr } = await init(argv, { runBrokerd });
    expect([code, existsSync(fixture.configFile), starts]).toEqual([1, false, 0]);
    expect(stderr).toContain(detail);
    expect(stderr).toContain("brokerctl init --secret-store passphrase, command, or key_file (weak)");
  });

  it("takes the keychain for one that cannot be looked at before it is tried", async () => {
    const broken = () => Promise.resolve({ code: 1, stdout: "", stderr: "brokerd: error: no" });
    expect(await init(["--yes"], { runBrokerd: broken })).toMatchObject({ code: 0 });
    expect(config()["secret_store"]).toBe("keychain");
  });

  it("asks again after an init that failed, and Enter takes what was chosen before", async () => {
    fixture.control.refusing.set("store-create", { code: "StoreUnavailable", message: "the prompt was dismissed" });
    const first = await init([], { answers: [[/What opens/, "keychain"]] });
    expect([first.code, first.offered[0]?.[0]?.value]).toEqual([1, "keychain"]);
    fixture.control.refusing.clear();
    const second = await init([], { answers: [[/What opens/, "key_file"]] });
    expect([second.code, second.offered[0]?.[0]?.value, config()["secret_store"]]).toEqual([0, "keychain", "key_file"]);
    expect(fixture.control.secretStore).toBe("key_file");
  });

  it("does not ask again once something is sealed, nor for a config that was edited", async () => {
    await init(["--secret-store", "key_file"]);
    writeFileSync(join(fixture.home, "state", "secrets.sealed"), "x");
    expect((await init([], { interactive: true })).asked).toEqual([]);
    rmSync(join(fixture.home, "state", "secrets.sealed"));
    writeFileSync(fixture.configFile, `${text()}# mine\n`);
    expect((await init([], { interactive: true })).asked).toEqual([]);
  });
});

describe("a new passphrase", () => {
  it.each(["x", "1234567", "aaaaaaaa", "        ", "ü".repeat(20)])("from stdin is refused: %j", async (typed) => {
    const argv = ["--secret-store", "passphrase", "--passphrase-stdin"];
    const { code, stderr } = await init(argv, { stdin: `${typed}\n` });
    expect(code).toBe(2);
    expect(stderr).toMatch(/the passphrase (has fewer than|is empty)/);
    expect(fixture.control.requests("store-create")).toEqual([]);
    expect(await init(argv, { stdin: `${PASSPHRASE}\n` })).toMatchObject({ code: 0 });
  });
});

describe("init once more", () => {
  it("refuses when all is there, and names `config edit`", async () => {
    await init();
    const before = text();
    const { code, stderr } = await init();
    expect([code, text()]).toEqual([2, before]);
    expect(stderr).toContain("brokerctl config edit");
    expect(fixture.control.requests("store-create")).toHaveLength(1);
  });

  it("goes on where it stopped", async () => {
    fixture.control.refusing.set("store-create", { code: "InternalError", message: "disk full" });
    expect(await init()).toMatchObject({ code: 1 });
    const before = text();
    fixture.control.refusing.clear();
    expect(await init()).toMatchObject({ code: 0 });
    expect(text()).toBe(before);
    expect(existsSync(join(fixture.home, "config.schema.json"))).toBe(true);
  });

  it("names the other kinds of store when there is no keychain, takes none by itself, and then the one it is told", async () => {
    fixture.control.refusing.set("store-create", { code: "StoreUnavailable", message: "no keychain answers" });
    const { code, stderr } = await init();
    expect(code).toBe(1);
    expect(stderr).toMatch(/no keychain answers[^]*passphrase, command, or key_file/);
    expect(config()["secret_store"]).toBe("keychain");
    const first = port();
    fixture.control.refusing.clear();
    expect(await init(["--secret-store", "key_file"])).toMatchObject({ code: 0 });
    expect([config()["secret_store"], port(), fixture.control.secretStore]).toEqual(["key_file", first, "key_file"]);
    expect(starts).toBe(2);
  });

  it("makes the data key for a config that the user brought along, and does not touch it", async () => {
    writeFileSync(fixture.configFile, "version: 1\nsecret_store: key_file\n# mine\n", { mode: 0o644 });
    expect(await init()).toMatchObject({ code: 0 });
    expect(text()).toBe("version: 1\nsecret_store: key_file\n# mine\n");
    expect(fixture.control.requests("store-create")).toHaveLength(1);
  });

  it("does not put its flags into a config that was edited", async () => {
    writeFileSync(fixture.configFile, "version: 1\nsecret_store: keychain\n# mine\n");
    const { code, stderr } = await init(["--secret-store", "key_file"]);
    expect([code, starts]).toEqual([2, 0]);
    expect(stderr).toContain("brokerctl config edit");
  });

  it("says what is wrong with the config it finds", async () => {
    fixture.control.problem = { code: "ConfigInvalid", message: "config.yaml:3: no", hint: "brokerctl config edit" };
    writeFileSync(fixture.configFile, "nonsense\n");
    expect(await init()).toMatchObject({ code: 2 });
    expect(fixture.control.requests("store-create")).toEqual([]);
  });
});

describe("init's flags", () => {
  it.each<[string, string[], RegExp]>([
    ["a store that does not exist", ["--secret-store", "keyring"], /--secret-store must be one of keychain, /],
    ["a port that is none", ["--port", "http"], /--port must be a number/],
    ["a port of the system", ["--port", "80"], /--port must be a number/],
    ["a command without the store", ["--data-key-command", "x"], /belong together/],
    ["the store without a command", ["--secret-store", "command"], /belong together/],
    ["a command of no words", ["--secret-store", "command", "--data-key-command", "[1]"], /--data-key-command must be/],
    ["a broken list", ["--secret-store", "command", "--data-key-command", '["a"'], /--data-key-command must be/],
    ["a passphrase for another store", ["--passphrase-stdin"], /--secret-store passphrase only/],
  ])("exit 2 for %s, and nothing is written", async (_, argv, message) => {
    const { code, stderr } = await init(argv);
    expect([code, existsSync(fixture.configFile), starts]).toEqual([2, false, 0]);
    expect(stderr).toMatch(message);
  });

  it("needs a user who types the passphrase, or a file", async () => {
    const { code, stderr } = await init(["--secret-store", "passphrase"]);
    expect(code).toBe(2);
    expect(stderr).toContain("CREDBROKER_PASSPHRASE_FILE");
  });
});
