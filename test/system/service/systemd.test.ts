import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunTool } from "../../../src/system/service/supervisor.js";
import { Systemd } from "../../../src/system/service/systemd.js";
import { FakeSystemd } from "../../fakes/fake-systemd.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { canarySecretKey } from "../../support/canaries.js";
import { tempDir } from "../../support/temp-dir.js";

const CONFINED = "brokerd.service.d/credbroker-confined.conf";
const PROGRAMS = "brokerd.service.d/credbroker-programs.conf";
const INSTALL = { port: 9171, unconfinedBecause: [], needsPath: false };

interface Fixture {
  readonly fake: FakeSystemd;
  readonly systemd: Systemd;
  readonly stateDir: string;
  readonly nodePath: string;
  readonly unit: (file: string) => string;
  readonly text: (file: string) => string;
}

function fixture(
  options: { env?: Record<string, string>; home?: string; name?: string; script?: string } = {},
): Fixture {
  const homeDir = options.home ?? tempDir("units");
  const base = join(homeDir, options.name ?? "broker");
  const paths = {
    configFile: join(base, "config.yaml"),
    stateDir: join(base, "state"),
    runtimeDir: join(base, "run"),
    controlSocket: join(base, "run", "control.sock"),
    logFile: join(base, "state", "brokerd.log"),
  };
  mkdirSync(paths.stateDir, { recursive: true, mode: 0o700 });
  const units = join(homeDir, ".config", "systemd", "user");
  const fake = new FakeSystemd(units);
  const scriptPath = join(homeDir, options.script ?? "brokerd.js");
  writeFileSync(scriptPath, "");
  const env = { CREDBROKER_HOME: base, ...options.env };
  const nodePath = join(realpathSync(homeDir), "node");
  writeFileSync(nodePath, "a program");
  const place = {
    env,
    homeDir,
    uid: 501,
    paths,
    nodePath,
    scriptPath,
    run: ((...given) => fake.run(...given)) satisfies RunTool,
  };
  const unit = (file: string): string => join(units, file);
  return {
    ...{ fake, systemd: new Systemd(place), stateDir: paths.stateDir, nodePath, unit },
    text: (file) => readFileSync(unit(file), "utf8"),
  };
}

describe("a Node that programs of the user cannot read", () => {
  /** As where users cannot make namespaces. */
  function withoutDropIn(): Fixture & { readonly copy: string } {
    const made = fixture();
    made.fake.trial = { code: 217 };
    return { ...made, copy: join(realpathSync(made.stateDir), "program", "node") };
  }

  it("runs brokerd where there is no drop-in, and install says so", async () => {
    const { systemd, copy, nodePath, text } = withoutDropIn();
    const { notes, written } = await systemd.install(INSTALL);
    expect(statSync(copy).mode & 0o777).toBe(0o111);
    expect(readFileSync(copy, "utf8")).toBe(readFileSync(nodePath, "utf8"));
    expect(text("brokerd.service")).toMatch(new RegExp(`^ExecStart="${copy}" `, "m"));
    expect(written).toContain(copy);
    expect(notes.join()).toContain("programs of yours cannot read brokerd's memory");
    expect(await systemd.state()).toMatchObject({ unreadableNode: "user", problems: [] });
    expect((await systemd.install(INSTALL)).written).toEqual([]);
  });

  it("is not made under the drop-in, where it would not help, and install says what would", async () => {
    const { systemd, unit, stateDir, nodePath, text } = fixture();
    const { notes } = await systemd.install(INSTALL);
    expect(existsSync(join(stateDir, "program"))).toBe(false);
    expect(text("brokerd.service")).toContain(`ExecStart="${nodePath}"`);
    expect(existsSync(unit(CONFINED))).toBe(true);
    expect(notes.join()).toMatch(/only a Node of root's helps: sudo install -D -m 0111 .*\/usr\/lib\/credbroker\/node/);
    expect((await systemd.state()).unreadableNode).toBeNull();
  });

  it("goes when the drop-in comes, and with uninstall", async () => {
    const { systemd, fake, copy } = withoutDropIn();
    await systemd.install(INSTALL);
    fake.trial = { code: 0 };
    await systemd.install(INSTALL);
    expect(existsSync(copy)).toBe(false);
    fake.trial = { code: 217 };
    await systemd.install(INSTALL);
    expect(systemd.files).toContain(copy);
    expect((await systemd.uninstall()).removed).toContain(copy);
    expect(existsSync(join(copy, ".."))).toBe(false);
  });

  it.each<[string, (made: ReturnType<typeof withoutDropIn>) => void]>([
    ["another file", ({ nodePath }) => writeFileSync(nodePath, "another program")],
    ["of another version", ({ fake, nodePath }) => void fake.versions.set(nodePath, { code: 0, stdout: "v2\n" })],
  ])("is said to be older when Node is %s, and made anew by a restart", async (_name, change) => {
    const made = withoutDropIn();
    const { systemd, fake, copy, nodePath } = made;
    await systemd.install(INSTALL);
    change(made);
    expect((await systemd.state()).problems).toMatchObject([
      { message: expect.stringContaining("out of date") as string, hint: "brokerctl restart" },
    ]);
    fake.run = withSameVersions(fake);
    await systemd.restart();
    expect(readFileSync(copy, "utf8")).toBe(readFileSync(nodePath, "utf8"));
    expect((await systemd.state()).problems).toEqual([]);
  });

  it("stays, and is said to be older, when Node is gone or the disk takes no other", async () => {
    const { systemd, fake, copy, nodePath } = withoutDropIn();
    await systemd.install(INSTALL);
    rmSync(nodePath);
    await systemd.restart();
    expect(existsSync(copy)).toBe(true);
    expect((await systemd.state()).problems).toMatchObject([{ message: expect.stringContaining("is gone") as string }]);
    expect(fake.verbs()).toContain("restart");
  });

  it("is left out where the copy does not run, and nothing of it stays", async () => {
    const { systemd, fake, stateDir, nodePath, text } = withoutDropIn();
    const run = fake.run;
    fake.run = async (file, args, options) =>
      file.endsWith(".credbroker-tmp") ? { code: null, stdout: "", stderr: "EACCES" } : run(file, args, options);
    const { notes } = await systemd.install(INSTALL);
    expect(text("brokerd.service")).toContain(`ExecStart="${nodePath}"`);
    expect(notes.join()).toContain("can read brokerd's memory: a copy of Node does not run where it would lie");
    expect(existsSync(join(stateDir, "program", "node"))).toBe(false);
  });

  it("does not stay when the installation fails", async () => {
    const { systemd, fake, copy } = withoutDropIn();
    fake.refusing.set("daemon-reload", "no space left");
    await brokerErrorOf(() => systemd.install(INSTALL));
    expect(existsSync(copy)).toBe(false);
  });
});

/** A copy says the version of what it is a copy of. */
function withSameVersions(fake: FakeSystemd): FakeSystemd["run"] {
  const run = fake.run;
  return async (file, args, options) => {
    const [version] = fake.versions.values();
    return args[0] === "--version" && version ? { stderr: "", stdout: "", ...version } : run(file, args, options);
  };
}

describe("the drop-in", () => {
  it("is written after a trial that worked", async () => {
    const { systemd, unit, fake } = fixture();
    const { notes } = await systemd.install(INSTALL);
    expect([existsSync(unit(CONFINED)), existsSync(unit(PROGRAMS))]).toEqual([true, false]);
    expect(fake.asked.find((line) => line.startsWith("systemd-run"))).toContain("--property=PrivateUsers=yes");
    expect(notes.join()).not.toContain("namespaces");
    expect((await systemd.state()).confined).toBe(true);
  });

  it.each([217, 218, 226])("is left out, with the reason, where systemd ends the trial with %i", async (code) => {
    const { systemd, unit, fake } = fixture();
    fake.trial = { code };
    const { notes } = await systemd.install(INSTALL);
    expect(existsSync(unit(CONFINED))).toBe(false);
    expect(notes.join()).toContain("this system does not let users make namespaces");
  });

  it("is left out with brokerd's own words where its directories cannot be written", async () => {
    const { systemd, unit, fake } = fixture();
    fake.trial = { code: 1, stderr: "Error: EROFS: read-only file system" };
    expect((await systemd.install(INSTALL)).notes.join()).toContain("EROFS");
    expect(existsSync(unit(CONFINED))).toBe(false);
  });

  it("gives way to one that takes nothing away where the config runs programs, without a trial", async () => {
    const { systemd, unit, fake } = fixture({ env: { PATH: "/opt/bin:/usr/bin" } });
    await systemd.install(INSTALL);
    fake.asked.length = 0;
    const options = { port: 9171, unconfinedBecause: ["source legacy runs a program"], needsPath: true };
    const { notes, written } = await systemd.install(options);
    expect([existsSync(unit(CONFINED)), existsSync(unit(PROGRAMS))]).toEqual([false, true]);
    expect(written).toEqual(expect.arrayContaining([unit(CONFINED), unit(PROGRAMS)]));
    expect(fake.asked.join()).not.toContain("systemd-run");
    expect(notes.join()).toContain("source legacy runs a program");
  });
});

describe("what the units say", () => {
  it("is the port, the home, and nothing of this shell but what brokerd obeys", async () => {
    const { systemd, text, stateDir } = fixture({
      env: { HTTPS_PROXY: 'http://me:"$p`@proxy:3128', AWS_PROFILE: "other", NODE_OPTIONS: "--inspect" },
    });
    const { notes } = await systemd.install({ ...INSTALL, port: 9333 });
    expect(text("brokerd.socket")).toContain("ListenStream=127.0.0.1:9333\n");
    const service = text("brokerd.service");
    expect(service).not.toMatch(/@[A-Z_]+@|3128|AWS_PROFILE/);
    const file = join(stateDir, "service.env");
    expect(readFileSync(file, "utf8")).toBe('HTTPS_PROXY="http://me:\\"\\$p\\`@proxy:3128"\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(notes.join()).toMatch(/HTTPS_PROXY$|HTTPS_PROXY,/);
    expect(notes.join()).not.toContain("3128");
  });

  it("keeps no token of the container it is installed in", async () => {
    const variables = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN: canarySecretKey("Token"),
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/run/token",
    };
    const { systemd, stateDir } = fixture({ env: variables });
    await systemd.install(INSTALL);
    const kept = readFileSync(join(stateDir, "service.env"), "utf8");
    expect(kept).toContain("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=");
    expect(kept).not.toContain("AWS_CONTAINER_AUTHORIZATION_TOKEN=");
  });

  it("reads back as the command that runs, whatever stands in a path", async () => {
    const script = `a $HOME "b" 50% \\c.js`;
    const { systemd, nodePath, text } = fixture({ script });
    await systemd.install(INSTALL);
    const { command, problems } = await systemd.state();
    expect(command[0]).toBe(nodePath);
    expect(command.some((word) => word.endsWith(`/${script}`))).toBe(true);
    expect(problems).toEqual([]);
    expect(text("brokerd.service")).toContain("50%% ");
  });

  it("that the user should know is told: lingering that is off, and only then", async () => {
    const { systemd, fake } = fixture();
    expect((await systemd.install(INSTALL)).notes.join()).toContain("loginctl enable-linger");
    fake.lingers = true;
    expect((await systemd.install(INSTALL)).notes.join()).not.toContain("linger");
  });
});

describe("an installation", () => {
  it("is written once: a second one changes nothing and reloads nothing", async () => {
    const { systemd, fake } = fixture();
    expect((await systemd.install(INSTALL)).socketsChanged).toBe(true);
    fake.asked.length = 0;
    expect(await systemd.install(INSTALL)).toMatchObject({ written: [], socketsChanged: false });
    expect(fake.asked.join()).not.toContain("daemon-reload");
  });

  it.each(["daemon-reload", "enable"])("leaves everything as it was when systemd refuses %s", async (verb) => {
    const { systemd, fake, unit } = fixture();
    fake.refusing.set(verb, "Failed: no space left");
    expect((await brokerErrorOf(() => systemd.install(INSTALL))).message).toContain("no space left");
    expect(readdirSync(unit("."))).toEqual([]);
    expect(await systemd.ownership()).toBe("absent");
    expect(fake.verbs().at(-1)).toBe("daemon-reload");
  });

  it("is known to systemd before it is enabled, and forgotten once its files are gone", async () => {
    const { systemd, fake } = fixture();
    await systemd.install(INSTALL);
    expect(fake.verbs()).toEqual(["show", "daemon-reload", "enable"]);
    fake.asked.length = 0;
    await systemd.uninstall();
    expect(fake.verbs()).toEqual(["stop", "reset-failed", "disable", "daemon-reload", "reset-failed"]);
  });

  it("that systemd does not forget is told", async () => {
    const { systemd, fake } = fixture();
    await systemd.install(INSTALL);
    fake.refusing.set("daemon-reload", "Failed to reload daemon: timed out");
    expect((await brokerErrorOf(() => systemd.uninstall())).message).toContain("timed out");
  });

  it("goes with exactly its files", async () => {
    const { systemd, unit, stateDir } = fixture({ env: { HTTPS_PROXY: "http://proxy:3128" } });
    await systemd.install(INSTALL);
    writeFileSync(unit("other.service"), "");
    await systemd.uninstall();
    expect(readdirSync(unit("."))).toEqual(["other.service"]);
    expect(readdirSync(stateDir)).toEqual([]);
    expect(await systemd.uninstall()).toEqual({ removed: [] });
  });

  it("of another home is named and left alone", async () => {
    const one = fixture();
    await one.systemd.install(INSTALL);
    const home = join(one.unit("."), "../../..");
    const other = fixture({ home, name: "second" });
    expect(await other.systemd.ownership()).toBe("foreign");
    for (const verb of ["install", "uninstall"] as const) {
      const error = await brokerErrorOf(() => other.systemd[verb](INSTALL));
      expect([error.code, error.message]).toEqual(["Conflict", expect.stringContaining("serves another home")]);
    }
    expect(await one.systemd.ownership()).toBe("ours");
  });

  it("cannot be where no user manager answers: the error says what is missing, and nothing is written", async () => {
    const { systemd, fake, unit } = fixture();
    fake.unreachable = "Failed to connect to bus: No medium found";
    const error = await brokerErrorOf(() => systemd.install(INSTALL));
    expect([error.code, error.message]).toEqual(["NotSupported", expect.stringContaining("/run/user/501")]);
    expect(error.hint).toContain("brokerctl start works without it");
    expect(await systemd.isReachable()).toBe(false);
    expect(existsSync(unit("brokerd.service"))).toBe(false);
  });

  it("tells of a program that is gone", async () => {
    const { systemd, text, unit } = fixture();
    await systemd.install(INSTALL);
    writeFileSync(unit("brokerd.service"), text("brokerd.service").replaceAll("brokerd.js", "gone.js"));
    const { problems } = await systemd.state();
    expect(problems).toEqual([
      { message: expect.stringContaining("gone.js") as string, hint: "brokerctl service install" },
    ]);
  });
});

describe("a port that systemd cannot hold", () => {
  const MARKER = "port-was-taken";

  it("is an error with its owner, and the tokens are marked as known to others", async () => {
    const { systemd, fake, stateDir } = fixture();
    const owner = createServer();
    await new Promise<void>((listening) => owner.listen(0, "127.0.0.1", listening));
    const { port } = owner.address() as { port: number };
    await systemd.install({ ...INSTALL, port });
    fake.isPortTaken = true;
    const error = await brokerErrorOf(() => systemd.start());
    await new Promise((closed) => owner.close(closed));
    expect([error.code, error.message]).toEqual(["Conflict", expect.stringContaining(String(port))]);
    expect(existsSync(join(stateDir, MARKER))).toBe(true);
  });

  it("is not what a user manager that does not answer means, whatever listens there", async () => {
    const { systemd, fake, stateDir } = fixture();
    const owner = createServer();
    await new Promise<void>((listening) => owner.listen(0, "127.0.0.1", listening));
    const { port } = owner.address() as { port: number };
    await systemd.install({ ...INSTALL, port });
    fake.unreachable = "Failed to connect to bus: No such file or directory";
    const codes = [await brokerErrorOf(() => systemd.start()), await brokerErrorOf(() => systemd.restart())];
    await new Promise((closed) => owner.close(closed));
    expect(codes.map(({ code }) => code)).toEqual(["NotSupported", "NotSupported"]);
    expect(existsSync(join(stateDir, MARKER))).toBe(false);
  });

  it("marks them too when it was at the login, and is free by now", async () => {
    const { systemd, fake, stateDir } = fixture();
    await systemd.install(INSTALL);
    fake.failed.add("brokerd.socket");
    await systemd.start();
    expect(existsSync(join(stateDir, MARKER))).toBe(true);
  });

  it("is not what an ordinary start leaves behind", async () => {
    const { systemd, stateDir } = fixture();
    await systemd.install(INSTALL);
    await systemd.start();
    expect(existsSync(join(stateDir, MARKER))).toBe(false);
    expect(await systemd.state()).toMatchObject({ running: true, holdsSockets: true, problems: [] });
    await systemd.stop();
    expect(await systemd.state()).toMatchObject({ running: false, holdsSockets: false });
  });
});
