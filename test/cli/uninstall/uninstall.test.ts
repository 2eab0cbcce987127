import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { DataKeyReport } from "../../../src/cli/uninstall/data-key.js";
import { removeFromStartFile } from "../../../src/cli/uninstall/start-files.js";
import { SystemClock } from "../../../src/system/clock.js";
import type { Supervisor, ToolRun } from "../../../src/system/service/supervisor.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import { CONTROL_C } from "../../support/cli-run.js";
import { homeSnapshot } from "../../support/home-snapshot.js";
import { tempDir } from "../../support/temp-dir.js";

const HOOK = `eval "$(brokerctl hook bash)"`;
const yesToAll = ["uninstall", "--yes"];
const children: ReturnType<typeof spawn>[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A home that was used, with nothing running. */
async function usedHome(): Promise<CliFixture> {
  const fixture = await cliFixture({ listening: false });
  fill(fixture);
  return fixture;
}

/** The same with a daemon that ends when it is told to. */
async function servedHome(): Promise<CliFixture> {
  const fixture = await cliFixture();
  fill(fixture);
  const daemon = spawn("sleep", ["600"]);
  children.push(daemon);
  await once(daemon, "spawn");
  fixture.control.pid = daemon.pid ?? 0;
  fixture.control.onStop = () => {
    daemon.kill("SIGKILL");
    void fixture.control.close();
  };
  return fixture;
}

function fill({ home }: CliFixture): void {
  writeFileSync(join(home, "config.schema.json"), "{}");
  for (const name of ["secrets.sealed", "leases.json", "brokerd.lock.1"]) writeFileSync(join(home, "state", name), "x");
  mkdirSync(join(home, "state", "tokens"), { mode: 0o700 });
  writeFileSync(join(home, "state", "tokens", "t"), "x");
}

function write(path: string, text: string, mode = 0o644): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** brokerd --forget-data-key with this keychain; `asked` holds its arguments. */
function keychain(
  outcome: DataKeyReport["outcome"],
  asked: string[][] = [],
): (args: readonly string[]) => Promise<ToolRun> {
  return (args) => {
    asked.push([...args]);
    const isRemoved = outcome === "exists" && !args.includes("--dry-run");
    const report = {
      outcome: isRemoved ? "removed" : outcome,
      account: "data-key:v1:/x",
      byHand: "secret-tool clear x",
    };
    return Promise.resolve({ code: 0, stdout: JSON.stringify(report), stderr: "" });
  };
}

function fakeSupervisor(ownership: "ours" | "foreign", files: readonly string[], log: string[] = []): Supervisor {
  const never = (): never => {
    throw new Error("asked out of turn");
  };
  return {
    name: "systemd",
    files,
    ownership: () => Promise.resolve(log.includes("uninstall") ? "absent" : ownership),
    uninstall: () => {
      log.push("uninstall");
      return Promise.resolve({ removed: files });
    },
    // Asked before control is: a connection to sockets that systemd holds would start brokerd.
    state: () =>
      Promise.resolve({
        ...{ ownership, configFile: null, running: true, holdsSockets: false, confined: false, unreadableNode: null },
        ...{ command: [], problems: [] },
      }),
    install: never,
    start: never,
    stop: never,
    restart: never,
  };
}

describe("uninstall", () => {
  it("removes what it made and says so; a second run finds nothing", async () => {
    const fixture = await usedHome();
    const first = await fixture.run(yesToAll);
    expect([first.code, existsSync(join(fixture.home, "state")), existsSync(fixture.configFile)]).toEqual([
      0,
      false,
      false,
    ]);
    expect(first.stderr).toContain(`removed ${fixture.configFile}`);
    const second = await fixture.run(yesToAll);
    expect([second.code, second.stdout]).toEqual([0, ""]);
    expect(second.stderr).toContain("nothing of credbroker");
  });

  it("names everything and changes nothing in a dry run", async () => {
    const fixture = await servedHome();
    write(join(fixture.home, ".bashrc"), `${HOOK}\n`);
    const before = homeSnapshot(fixture.home);
    const { code, stdout } = await fixture.run(["uninstall", "--dry-run"], { runBrokerd: keychain("exists") });
    expect(code).toBe(0);
    const named = [
      fixture.configFile,
      join(fixture.home, "state"),
      join(fixture.home, ".bashrc:1"),
      "data-key:v1:/x",
      "brokerd",
    ];
    for (const trace of named) expect(stdout).toContain(trace);
    expect(homeSnapshot(fixture.home)).toEqual(before);
    expect(fixture.control.calls.map(({ operation }) => operation)).not.toContain("stop");
  });

  it("gives the dry run to machines as well", async () => {
    const fixture = await usedHome();
    const { json } = await fixture.run(["uninstall", "--dry-run", "--json"]);
    expect(json).toMatchObject({ removed: [], failures: [] });
    const { found } = json as { readonly found: readonly { readonly where: string; readonly becomes: string }[] };
    expect(found.find(({ where }) => where === fixture.configFile)).toMatchObject({ what: "config", becomes: "asked" });
  });

  it("needs --yes where the user cannot be asked, and touches nothing before", async () => {
    const fixture = await servedHome();
    const before = homeSnapshot(fixture.home);
    const { code, stderr } = await fixture.run(["uninstall"]);
    expect([code, homeSnapshot(fixture.home)]).toEqual([2, before]);
    expect(stderr).toContain("--yes");
    expect(fixture.control.calls.map(({ operation }) => operation)).not.toContain("stop");
  });

  it("stops the daemon, and keeps config and secrets where the user says no", async () => {
    const fixture = await servedHome();
    const answers = [[/secret store/, false]] as const;
    const { code, stderr } = await fixture.run(["uninstall"], { answers, clock: new SystemClock() });
    expect([code, existsSync(join(fixture.home, "state", "secrets.sealed")), existsSync(fixture.configFile)]).toEqual([
      0,
      true,
      true,
    ]);
    expect(fixture.control.calls.map(({ operation }) => operation)).toContain("stop");
    expect(stderr).toContain(`stays: config ${fixture.configFile}`);
  });

  it.each([
    ["first", [[/start|lines/, CONTROL_C]]],
    [
      "second",
      [
        [/lines/, true],
        [/secret store/, CONTROL_C],
      ],
    ],
  ] as const)(
    "leaves everything as it was at Ctrl-C in the %s question, brokerd and its service too",
    async (_, answers) => {
      const fixture = await servedHome();
      write(join(fixture.home, ".bashrc"), `${HOOK}\n`);
      const before = homeSnapshot(fixture.home);
      const log: string[] = [];
      const supervisor = fakeSupervisor("ours", [join(fixture.home, ".bashrc")], log);
      const { signal, asked } = await fixture.run(["uninstall"], { answers, supervisor });
      expect([signal, asked.length, log]).toEqual(["SIGINT", answers.length, []]);
      expect(homeSnapshot(fixture.home)).toEqual(before);
      expect(fixture.control.calls.map(({ operation }) => operation)).not.toContain("stop");
    },
  );

  it("says whose long-term keys would be lost, from the daemon before it is stopped", async () => {
    const fixture = await servedHome();
    for (const source of ["ops", "prod"]) {
      fixture.control.keys.push({ source, accessKeyIdSuffix: "MPLE", addedAt: 0, rotatedAt: null });
    }
    const answers = [[/2 sources.*ops, prod/, true]] as const;
    const { code } = await fixture.run(["uninstall"], { answers, clock: new SystemClock() });
    expect([code, existsSync(join(fixture.home, "state"))]).toEqual([0, false]);
  });

  it.each([
    ["does not run", usedHome],
    ["is locked", lockedHome],
  ])("says that it cannot tell which keys are lost where the daemon %s", async (why, makeHome) => {
    const fixture = await makeHome();
    const answers = [[new RegExp(why === "is locked" ? "it is locked" : why), false]] as const;
    expect(await fixture.run(["uninstall"], { answers, clock: new SystemClock() })).toMatchObject({ code: 0 });
  });

  it("takes away the service first, and leaves another home's alone", async () => {
    const fixture = await usedHome();
    const unit = write(join(fixture.home, "units", "brokerd.service"), "unit");
    const log: string[] = [];
    const foreign = await fixture.run(["uninstall", "--dry-run"], {
      supervisor: fakeSupervisor("foreign", [unit], log),
    });
    expect(foreign.stdout).toMatch(/brokerd\.service +stays/);
    const ours = await fixture.run(yesToAll, { supervisor: fakeSupervisor("ours", [unit, "/not/there"], log) });
    expect([ours.code, ours.stderr, log]).toEqual([0, expect.stringContaining(`removed ${unit}`), ["uninstall"]]);
    expect(ours.stderr).toContain(`removed ${unit}`);
  });
});

async function lockedHome(): Promise<CliFixture> {
  const fixture = await servedHome();
  fixture.control.refusing.set("keys-list", { code: "StoreLocked", message: "locked" });
  return fixture;
}

describe("lines in start files", () => {
  it("go after a question, through a link, mode and every other byte kept", async () => {
    const fixture = await usedHome();
    const dotfiles = tempDir("dotfiles");
    const target = write(join(dotfiles, "bashrc"), `# mine\n${HOOK}\nexport A=1`, 0o640);
    symlinkSync(target, join(fixture.home, ".bashrc"));
    const answers = [
      [/lines out of .*\.bashrc/, true],
      [/Remove/, false],
    ] as const;
    expect(await fixture.run(["uninstall"], { answers })).toMatchObject({ code: 0 });
    expect([readFileSync(target, "utf8"), statSync(target).mode & 0o777]).toEqual(["# mine\nexport A=1", 0o640]);
    expect(existsSync(fixture.configFile)).toBe(true);
  });

  it("go once where one start file is a link to another", async () => {
    const fixture = await usedHome();
    const file = write(join(fixture.home, ".bashrc"), `export A=1\n${HOOK}\nexport B=2\n`);
    symlinkSync(file, join(fixture.home, ".bash_profile"));
    expect(await fixture.run(yesToAll)).toMatchObject({ code: 0 });
    expect(readFileSync(file, "utf8")).toBe("export A=1\nexport B=2\n");
  });

  it("are left, with every other line, in a file that was edited while the user was asked", async () => {
    const file = write(join(tempDir("edited"), "bashrc"), `${HOOK}\nexport A=1\n`);
    const found = { path: file, lines: [{ line: 1, removable: true, text: HOOK }], isCompletion: false };
    writeFileSync(file, `export NEW=1\n${HOOK}\nexport A=1\n`);
    await expect(removeFromStartFile(found)).rejects.toMatchObject({ code: "Conflict" });
    expect(readFileSync(file, "utf8")).toBe(`export NEW=1\n${HOOK}\nexport A=1\n`);
  });

  it("stay and are named where the user says no", async () => {
    const fixture = await usedHome();
    const file = write(join(fixture.home, ".zshrc"), `${HOOK}\n`);
    const answers = [
      [/lines/, false],
      [/Remove/, true],
    ] as const;
    const { code, stderr } = await fixture.run(["uninstall"], { answers });
    expect([code, readFileSync(file, "utf8")]).toEqual([0, `${HOOK}\n`]);
    expect(stderr).toContain(`stays: start file ${file}:1`);
  });

  it("are found in every shell's files", async () => {
    const fixture = await usedHome();
    const zdot = tempDir("zdot");
    const fish = join(fixture.home, ".config", "fish");
    const files = [
      ...[".bashrc", ".bash_profile", ".profile"].map((name) => join(fixture.home, name)),
      ...[".zshrc", ".zprofile"].map((name) => join(zdot, name)),
      ...["config.fish", "conf.d/credbroker.fish"].map((name) => join(fish, name)),
    ];
    for (const file of files) write(file, "true\n", 0o600);
    const before = homeSnapshot(fixture.home);
    for (const file of files) write(file, `true\nbrokerctl hook fish | source\n`, 0o600);
    const completion = write(join(fish, "completions", "brokerctl.fish"), "complete -c brokerctl");
    const env = { ZDOTDIR: zdot };
    const { stdout } = await fixture.run(["uninstall", "--dry-run"], { env });
    for (const file of files) expect(stdout).toContain(`${file}:2`);
    expect(stdout).toContain(completion);
    expect(await fixture.run(yesToAll, { env })).toMatchObject({ code: 0 });
    const after = homeSnapshot(fixture.home);
    for (const file of files) expect(readFileSync(file, "utf8")).toBe("true\n");
    expect([after[".bashrc"], existsSync(completion)]).toEqual([before[".bashrc"], false]);
  });

  it("of a file that was made for them alone go with it", async () => {
    const fixture = await usedHome();
    const file = write(
      join(fixture.home, ".config", "fish", "conf.d", "credbroker.fish"),
      "brokerctl hook fish | source\n",
    );
    await fixture.run(yesToAll);
    expect(existsSync(file)).toBe(false);
  });

  it("that hold more are left, and the URL in them is not printed", async () => {
    const fixture = await usedHome();
    const text = `export X='http://127.0.0.1:9171/lease/brk_${"s".repeat(43)}'\nif true; then\n  ${HOOK}\nfi\n`;
    const file = write(join(fixture.home, ".bashrc"), text);
    const { code, stderr, stdout } = await fixture.run(yesToAll);
    expect([code, readFileSync(file, "utf8")]).toEqual([0, text]);
    expect(stderr).toContain(`stays: start file ${file}:1`);
    expect(stderr).toContain(`${file}:3`);
    expect(stdout + stderr).not.toContain("sssss");
  });

  it("of a file that is no UTF-8 are left to the user", async () => {
    const fixture = await usedHome();
    const bytes = Buffer.concat([Buffer.from(`${HOOK}\n# caf`), Buffer.from([0xe9])]);
    writeFileSync(join(fixture.home, ".bashrc"), bytes);
    expect(await fixture.run(yesToAll)).toMatchObject({ code: 0 });
    expect(readFileSync(join(fixture.home, ".bashrc"))).toEqual(bytes);
  });

  it("that cannot be taken out are told with the fix, and the rest goes on", async () => {
    const fixture = await usedHome();
    const file = write(join(fixture.home, ".bashrc"), `${HOOK}\n`, 0o666);
    const { code, stderr } = await fixture.run(yesToAll);
    expect([code, existsSync(join(fixture.home, "state"))]).toEqual([1, false]);
    expect(stderr).toContain(`chmod go-w ${file}`);
  });
});

describe("our own places", () => {
  it("keep the file that a config links to, and name it", async () => {
    const fixture = await usedHome();
    const target = write(join(tempDir("dotfiles"), "credbroker.yaml"), "version: 1\n");
    const home = tempDir("linked");
    symlinkSync(target, join(home, "config.yaml"));
    const { stdout } = await fixture.run(["uninstall", "--dry-run"], { env: { CREDBROKER_HOME: home } });
    expect(stdout).toBeTruthy();
    const { runCommand } = await import("../../support/cli-run.js");
    const { code, stderr } = await runCommand(["uninstall", "--dry-run"], { home });
    expect([code, stderr]).toEqual([0, ""]);
    await runCommand(yesToAll, { home });
    expect([existsSync(join(home, "config.yaml")), readFileSync(target, "utf8")]).toEqual([false, "version: 1\n"]);
  });

  it("never take what other programs have in them", async () => {
    const fixture = await usedHome();
    const mine = write(join(fixture.home, "notes.txt"), "mine");
    const { code } = await fixture.run(yesToAll);
    expect([existsSync(mine), existsSync(fixture.configFile)]).toEqual([true, false]);
    expect(code).toBe(0);
  });

  it("keep what another program put into the state directory, also by its name in a dry run, and everything else goes", async () => {
    const fixture = await usedHome();
    const mine = write(join(fixture.home, "state", "backup", "notes.txt"), "mine");
    const ours = [
      "cache.sealed",
      "lambda-roles.json",
      "service.env",
      "brokerd.log.4",
      "secrets.sealed.broken-20260102T1Z",
    ];
    for (const name of [...ours, "leases.json.old", ".leases.json.1-0123456789ab.credbroker-tmp"]) {
      writeFileSync(join(fixture.home, "state", name), "x");
    }
    const directory = join(fixture.home, "state", "backup");
    const dry = await fixture.run(["uninstall", "--dry-run"]);
    expect(dry.stdout).toMatch(new RegExp(`${directory} +stays`));
    const { code, stderr } = await fixture.run(yesToAll);
    expect([code, readFileSync(mine, "utf8"), readdirSync(join(fixture.home, "state"))]).toEqual([
      0,
      "mine",
      ["backup"],
    ]);
    expect(stderr).toContain(`stays: file ${directory} (not ours`);
    expect(stderr).toContain(`stays: directory ${join(fixture.home, "state")} (something that is not ours`);
  });

  it("are taken whole, with every file that the code names there and docs/architecture.md lists", async () => {
    const fixture = await usedHome();
    const state = join(fixture.home, "state");
    const names = [...namesInCode(), ...namesInDocs()];
    expect(names).toEqual(expect.arrayContaining(["endpoint-port", "requests.json", "service.env", "stopped-at"]));
    for (const name of names.filter((name) => !existsSync(join(state, name)))) writeFileSync(join(state, name), "x");
    const { code, stderr } = await fixture.run(yesToAll);
    expect([code, stderr.match(/stays: .*/g), existsSync(state)]).toEqual([0, null, false]);
  });

  it("do not include a directory of that name which does not look like ours", async () => {
    const fixture = await cliFixture({ listening: false });
    const mine = write(join(fixture.home, "state", "thesis.tex"), "mine");
    const { code, stderr } = await fixture.run(yesToAll);
    expect([code, readFileSync(mine, "utf8")]).toEqual([0, "mine"]);
    expect(stderr).toContain(`stays: directory ${join(fixture.home, "state")}`);
  });

  it("do not include another program's config.yaml where CREDBROKER_HOME names its directory", async () => {
    const home = tempDir("project");
    const mine = write(join(home, "config.yaml"), "# of a site\nversion: 2\ntheme: dark\nmenu:\n  - roles\n");
    const { runCommand } = await import("../../support/cli-run.js");
    const { code, stderr } = await runCommand(yesToAll, { home });
    expect([code, existsSync(mine)]).toEqual([0, true]);
    expect(stderr).toContain(`stays: config ${mine} (does not look like a config of ours)`);
  });

  it("that are links go without what they lead to", async () => {
    const home = tempDir("linked-state");
    const target = tempDir("state-target");
    writeFileSync(join(target, "secrets.sealed"), "x");
    symlinkSync(target, join(home, "state"));
    const { runCommand } = await import("../../support/cli-run.js");
    const { stderr } = await runCommand(yesToAll, { home });
    expect([existsSync(join(home, "state")), existsSync(join(target, "secrets.sealed"))]).toEqual([false, true]);
    expect(stderr).toContain(target);
  });
});

/** What is joined to the state directory anywhere in the source. */
function namesInCode(): readonly string[] {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const sources = files.map((name) => readFileSync(join("src", name), "utf8"));
  return sources.flatMap((source) =>
    [...source.matchAll(/\bstateDir, "([\w.-]+)\/?"/g)].map(([, name = ""]) => name.replace(/-$/, "-a1B2c3")),
  );
}

/** The first column of the table of the state directory. */
function namesInDocs(): readonly string[] {
  const [, table = ""] = readFileSync("docs/architecture.md", "utf8").split("## On disk");
  const cells = table.split("\n").map((line) => /^\| (`[^|]+) \|/.exec(line)?.[1] ?? "");
  return cells
    .flatMap((cell) => [...cell.matchAll(/`(\w[\w.-]*)\/?`/g)].map(([, name = ""]) => name))
    .map((name) => name.replace(/\.N$/, ".3"));
}

describe("the data key in the keychain", () => {
  it("goes after the directories", async () => {
    const fixture = await usedHome();
    const asked: string[][] = [];
    const runBrokerd = keychain("exists", asked);
    const { code, stderr } = await fixture.run(yesToAll, { runBrokerd });
    expect([code, asked]).toEqual([0, [["--forget-data-key", "--dry-run"], ["--forget-data-key"]]]);
    expect(stderr).toContain("data-key:v1:/x");
  });

  it.each(["locked", "unavailable"] as const)("that is %s is named with the command for it", async (outcome) => {
    const fixture = await usedHome();
    writeFileSync(fixture.configFile, "version: 1\nsecret_store: keychain # mine\n");
    const { code, stderr } = await fixture.run(yesToAll, { runBrokerd: keychain(outcome) });
    expect([code, existsSync(join(fixture.home, "state"))]).toEqual([1, false]);
    expect(stderr).toContain("secret-tool clear x");
  });

  it("is not worth a word where none was used and none can be looked for", async () => {
    const fixture = await usedHome();
    writeFileSync(fixture.configFile, "version: 1\nsecret_store: passphrase\n");
    const { code, stderr } = await fixture.run(yesToAll, { runBrokerd: keychain("unavailable") });
    expect(code).toBe(0);
    expect(stderr).not.toContain("data key");
  });

  it("that brokerd cannot look for at all is a failure before anything is touched", async () => {
    const fixture = await usedHome();
    const before = homeSnapshot(fixture.home);
    const runBrokerd = (): Promise<ToolRun> =>
      Promise.resolve({ code: 1, stdout: "", stderr: "brokerd: error: no such luck\n" });
    const { code, stderr } = await fixture.run(yesToAll, { runBrokerd });
    expect([code, homeSnapshot(fixture.home)]).toEqual([1, before]);
    expect(stderr).toContain("no such luck");
  });

  it("is asked for with a prompt only where a user sits", async () => {
    const fixture = await usedHome();
    const asked: string[][] = [];
    await fixture.run(["uninstall"], { runBrokerd: keychain("exists", asked), answers: [[/data key/, true]] });
    expect(asked.at(-1)).toEqual(["--forget-data-key", "--prompt"]);
  });
});

describe("what of us is in the AWS files", () => {
  const MINE = "[profile a]\nregion = x\ncredential_process = /opt/bin/brokerctl credential-process dev";

  async function syncedHome(): Promise<{ fixture: CliFixture; config: string; env: Record<string, string> }> {
    const fixture = await servedHome();
    fixture.control.addRole("prod");
    const config = write(join(fixture.home, ".aws", "config"), MINE, 0o640);
    const env = { HOME: fixture.home };
    expect(await fixture.run(["profiles", "sync"], { env })).toMatchObject({ code: 0 });
    return { fixture, config, env };
  }

  it("is named and left where it is the user's line, in both files", async () => {
    const fixture = await usedHome();
    const config = write(join(fixture.home, ".aws", "config"), MINE, 0o600);
    const credentials = write(join(fixture.home, ".aws", "credentials"), `[b]${MINE}`, 0o600);
    const { stderr } = await fixture.run(yesToAll, { env: { HOME: fixture.home } });
    expect(stderr).toContain(`stays: aws profile ${config}:3`);
    expect(stderr).toContain(`stays: aws profile ${credentials}:3`);
    expect(readFileSync(config, "utf8")).toBe(MINE);
  });

  it("goes where `profiles sync` wrote it, every byte as before", async () => {
    const { fixture, config, env } = await syncedHome();
    const dry = await fixture.run(["uninstall", "--dry-run"], { env });
    expect(dry.stdout).toMatch(new RegExp(`aws profiles +${config}:4-7 +goes`));
    expect(dry.stdout).toMatch(new RegExp(`aws profile +${config}:3 +stays`));
    const { code, stderr } = await fixture.run(yesToAll, { env });
    expect(code).toBe(0);
    expect(stderr).toContain(`removed ${config}:4-7`);
    expect([readFileSync(config, "utf8"), statSync(config).mode & 0o777]).toEqual([MINE, 0o640]);
  });

  it("stays where the block was changed by hand, with the command that takes it out", async () => {
    const { fixture, config, env } = await syncedHome();
    const edited = readFileSync(config, "utf8").replace("[profile prod]", "[profile production]");
    writeFileSync(config, edited);
    const { stderr } = await fixture.run(yesToAll, { env });
    expect(stderr).toContain(`stays: aws profiles ${config}:4-7 (changed by hand: brokerctl profiles remove --force)`);
    expect(readFileSync(config, "utf8")).toBe(edited);
  });

  it("names the copies that an import made, with the keys in them", async () => {
    const fixture = await usedHome();
    const copy = write(join(fixture.home, ".aws", "credentials.credbroker-backup-20260101T000000Z"), "[a]\n", 0o600);
    const { stderr } = await fixture.run(yesToAll, { env: { HOME: fixture.home } });
    expect(stderr).toContain(`stays: aws backup ${copy}`);
    expect(existsSync(copy)).toBe(true);
  });
});
