import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";
import { homeSnapshot } from "../../support/home-snapshot.js";
import { tempDir } from "../../support/temp-dir.js";

const NODE = "/opt/node/bin/node";
const SCRIPT = "/opt/credbroker/dist/brokerctl.js";
const MINE = "# mine\r\n[default]\r\nregion = us-east-1\r\n\r\n[profile own]\r\noutput = json";

let fixture: CliFixture;
let home: string;
let config: string;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" }).addRole("prod", { region: null });
  home = tempDir("aws-home", "input");
  config = join(home, ".aws", "config");
});

const run = (...argv: string[]): Promise<RunResult> => fixture.run(argv, { env: { HOME: home } });
const text = (): string => readFileSync(config, "utf8");
const lineOf = (role: string): string =>
  `credential_process = /usr/bin/env CREDBROKER_HOME=${fixture.home} ${NODE} ${SCRIPT} credential-process ${role}`;

function write(content: string, mode = 0o600, path = config): string {
  mkdirSync(join(home, ".aws"), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function dangle(): void {
  mkdirSync(join(home, ".aws"));
  symlinkSync(join(home, "nowhere"), config);
}

describe("profiles sync", () => {
  it("makes the file, private, with a profile for each role, and remove takes all of it away", async () => {
    const before = homeSnapshot(home);
    const { code, stderr } = await run("profiles", "sync");
    expect(code).toBe(0);
    expect(stderr).toContain("added: dev, prod");
    expect(text().split("\n").slice(1, -2)).toEqual([
      ...["[profile dev]", lineOf("dev"), "region = eu-west-1"],
      ...["[profile prod]", lineOf("prod")],
    ]);
    expect([statSync(config).mode & 0o777, statSync(join(home, ".aws")).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(await run("profiles", "remove")).toMatchObject({ code: 0 });
    expect(homeSnapshot(home)).toEqual(before);
  });

  it("keeps every other byte, the mode and a link, and says nothing the second time", async () => {
    mkdirSync(join(home, "dotfiles"));
    write(MINE, 0o644, join(home, "dotfiles", "aws-config"));
    symlinkSync("../dotfiles/aws-config", config);
    const before = homeSnapshot(home);
    await run("profiles", "sync");
    expect(text().startsWith(`${MINE}\r\n# >>> credbroker`)).toBe(true);
    expect(readlinkSync(config)).toBe("../dotfiles/aws-config");
    expect(statSync(config).mode & 0o777).toBe(0o644);
    const after = homeSnapshot(home);
    expect((await run("profiles", "sync")).stderr).toContain("nothing to change");
    expect(homeSnapshot(home)).toEqual(after);
    expect(await run("profiles", "remove")).toMatchObject({ code: 0 });
    expect(homeSnapshot(home)).toEqual(before);
  });

  it("lets go of roles that went, and changes those whose region changed", async () => {
    await run("profiles", "sync");
    fixture.control.roles.splice(0);
    fixture.control.addRole("dev", { region: "eu-central-1" }).addRole("new", { region: null });
    const { json } = await run("profiles", "sync", "--json");
    expect(json).toMatchObject({ added: ["new"], changed: ["dev"], removed: ["prod"], profiles: ["dev", "new"] });
    expect(text()).not.toContain("prod");
    fixture.control.roles.splice(0);
    expect((await run("profiles", "sync")).stderr).toContain("removed: dev, new");
    expect(() => statSync(config)).toThrow("ENOENT");
  });

  it("keeps the profile of a role whose entry is wrong at the moment", async () => {
    await run("profiles", "sync");
    const before = text();
    const [dev] = fixture.control.roles.splice(0, 1);
    const error = { code: "ConfigInvalid" as const, message: "wrong" };
    fixture.control.leftOut = [{ kind: "role", name: dev!.name, because: null, error }];
    await run("profiles", "sync");
    expect(text().split("\n").sort()).toEqual(expect.arrayContaining(before.split("\n").slice(1, -2)));
  });

  it("changes nothing while no config is in force", async () => {
    await run("profiles", "sync");
    const before = text();
    fixture.control.problem = { code: "ConfigInvalid", message: "line 3", hint: "brokerctl config check" };
    fixture.control.roles.splice(0);
    expect(await run("profiles", "sync")).toMatchObject({ code: 2 });
    expect(text()).toBe(before);
  });

  it.each<[string, string, string]>([
    ["config", "[profile dev]\nregion = x\n", "config:1"],
    ["config", '\n[ profile "dev" ]\nregion = x\n', "config:2"],
    ["config", "[profile a]\nregion = x\n  [profile dev]\n", "config:3"],
    ["config", "[dev]\nregion = x\n", "config:1"],
    ["credentials", "[dev]\nregion = x\n", "credentials:1"],
  ])("leaves out a role that the %s has a profile for (%j), and says where", async (name, own, where) => {
    write(own, 0o600, join(home, ".aws", name));
    const { code, stderr } = await run("profiles", "sync");
    expect(code).toBe(0);
    expect(stderr).toContain(`role dev gets no profile dev: you have a profile of that name: ${home}/.aws/${where}`);
    expect(stderr).toContain("--prefix");
    expect(text()).not.toContain(lineOf("dev"));
    expect(text()).toContain("[profile prod]");
    expect(await run("profiles", "sync", "dev")).toMatchObject({ code: 1 });
    expect(await run("profiles", "sync", "--prefix", "broker-")).toMatchObject({ code: 0 });
    expect(text()).toContain(`[profile broker-dev]\n${lineOf("dev")}\n`);
  });

  it("counts a profile of the user's that asks brokerctl as served", async () => {
    write("[profile dev]\ncredential_process = brokerctl credential-process dev\n");
    const { code, stderr } = await run("profiles", "sync", "dev");
    expect(code).toBe(0);
    expect(stderr).toContain(`role dev needs no profile here: ${config}:1 asks brokerctl already`);
  });

  it("never writes a profile that would speak for everything", async () => {
    fixture.control.addRole("default");
    const { stderr } = await run("profiles", "sync");
    expect(stderr).toContain("role default gets no profile default: it would speak for every program");
    expect(text()).not.toContain("profile default");
  });

  it("takes SOURCE:ACCOUNT/ROLE with the account's id, and no role that is not known", async () => {
    fixture.control.addSource("corp", "ready", "sso");
    expect(await run("profiles", "sync", "corp:111111111111/Admin")).toMatchObject({ code: 0 });
    expect(text()).toContain("[profile corp:111111111111/Admin]");
    const { error } = await fixture.run(["profiles", "sync", "corp:My Team/Admin", "--json"], { env: { HOME: home } });
    expect(error).toMatchObject({ code: "NotSupported", hint: "brokerctl sso roles corp" });
    expect(await run("profiles", "sync", "nope")).toMatchObject({ code: 2 });
    expect(await run("profiles", "sync", "nope:111111111111/Admin")).toMatchObject({ code: 2 });
  });

  it("--dry-run prints the block and writes nothing", async () => {
    const before = homeSnapshot(home);
    const { code, stdout, stderr } = await run("profiles", "sync", "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toContain(`[profile dev]\n${lineOf("dev")}\nregion = eu-west-1\n`);
    expect(stderr).toContain("would be added: dev, prod");
    expect(homeSnapshot(home)).toEqual(before);
  });

  it("does not touch a block that was changed by hand, unless it is told to", async () => {
    await run("profiles", "sync");
    const edited = text().replace("region = eu-west-1", "region = eu-west-1\noutput = json");
    write(edited);
    for (const verb of ["sync", "remove"]) {
      const { code, stderr } = await run("profiles", verb);
      expect([code, text()]).toEqual([1, edited]);
      expect(stderr).toMatch(/changed by hand \(lines 1 to 8\)[^]*--force/);
    }
    expect(await run("profiles", "sync", "--force")).toMatchObject({ code: 0 });
    expect(text()).not.toContain("output");
  });

  it("does not take a setting behind the block for the user's previous profile, not even by force", async () => {
    write(MINE);
    await run("profiles", "sync");
    const appended = `${text()}output = text\r\n`;
    write(appended);
    for (const argv of [["sync"], ["remove", "--force"]]) {
      const { code, stderr } = await run("profiles", ...argv);
      expect([code, text()]).toEqual([1, appended]);
      expect(stderr).toContain("belongs to a profile in it");
    }
  });

  it("warns of a file that the AWS CLI refuses, and keeps its byte order mark", async () => {
    write("\uFEFF[default]\nregion = x\n");
    const { code, stderr } = await run("profiles", "sync");
    expect(code).toBe(0);
    expect(stderr).toContain("which begins with a byte order mark");
    expect(text().startsWith("\uFEFF[default]\nregion = x\n#")).toBe(true);
  });

  it.each<[string, () => void, RegExp]>([
    ["others may write", () => write("[default]\n", 0o666), /chmod/],
    ["is a link that leads nowhere", () => dangle(), /leads nowhere/],
    ["is no text", () => writeFileSync(write(""), Buffer.from([0xff, 0xfe, 0x5b, 0])), /not UTF-8/],
  ])("refuses a file that %s, as it is", async (_, make, told) => {
    make();
    const before = homeSnapshot(home);
    const { code, stderr } = await run("profiles", "sync");
    expect(code).toBe(2);
    expect(stderr).toMatch(told);
    expect(homeSnapshot(home)).toEqual(before);
  });

  it("refuses to write where AWS_CONFIG_FILE says that there is none", async () => {
    const { code, stderr } = await fixture.run(["profiles", "sync"], {
      env: { HOME: home, AWS_CONFIG_FILE: "/dev/null" },
    });
    expect(code).toBe(2);
    expect(stderr).toContain("unset AWS_CONFIG_FILE");
  });

  it("writes into the file that AWS_CONFIG_FILE names, not into our copy of it", async () => {
    const named = join(home, "elsewhere");
    writeFileSync(named, "[default]\nregion = x\n", { mode: 0o600 });
    await fixture.run(["profiles", "sync"], { env: { HOME: home, AWS_CONFIG_FILE: named } });
    expect(readFileSync(named, "utf8")).toContain("[profile dev]");
    expect(() => lstatSync(config)).toThrow("ENOENT");
  });

  it("writes into the user's file in a shell that has our copies, and renews them", async () => {
    write("[default]\nregion = x\naws_access_key_id = AKIA0000000000000000\n");
    const { stdout } = await fixture.run(["env", "dev", "--format", "json"], { env: { HOME: home } });
    const { set } = JSON.parse(stdout) as { set: Record<string, string> };
    const copy = set["AWS_CONFIG_FILE"]!;
    expect(copy.startsWith(join(fixture.home, "state"))).toBe(true);
    const env = { HOME: home, ...set };
    expect(await fixture.run(["profiles", "sync"], { env })).toMatchObject({ code: 0 });
    expect(text()).toContain("[profile dev]");
    expect(readFileSync(copy, "utf8")).toContain(`[profile dev]\n${lineOf("dev")}`);
    await fixture.run(["profiles", "remove"], { env });
    expect(readFileSync(copy, "utf8")).not.toContain("[profile dev]");
  });

  it("says that brokerctl has moved, and names its new place", async () => {
    await run("profiles", "sync");
    const files = { node: NODE, brokerctl: "/usr/lib/node_modules/credbroker/dist/brokerctl.js" };
    const { stderr } = await fixture.run(["profiles", "sync"], { env: { HOME: home }, files });
    expect(stderr).toContain(`the profiles named ${SCRIPT}, which is gone`);
    expect(stderr).toContain(`the profiles named ${NODE}, which is gone`);
    expect(stderr).not.toContain("/usr/bin/env, which");
    expect(stderr).toContain("changed: dev, prod");
    expect(text()).toContain(`${files.brokerctl} credential-process dev`);
  });

  it("names the launcher where the package has one, and the Node that it hands over to", async () => {
    const root = tempDir("package");
    mkdirSync(join(root, "bin", "native"), { recursive: true });
    const files = { node: NODE, brokerctl: join(root, "dist", "brokerctl.js") };
    const launcher = join(root, "bin", "brokerctl");
    await fixture.run(["profiles", "sync"], { env: { HOME: home }, files });
    const inHome = `CREDBROKER_HOME=${fixture.home}`;
    const words = `/usr/bin/env CREDBROKER_NODE=${NODE} ${inHome} ${launcher}`;
    expect(text()).toContain(`credential_process = ${words} credential-process dev\n`);
    const { stderr } = await fixture.run(["profiles", "sync"], { env: { HOME: home } });
    expect(stderr).toContain(`the profiles named ${NODE}, which is gone`);
    expect(stderr).toContain(`the profiles named ${launcher}, which is gone`);
  });

  it("says what may take Node away under a version manager", async () => {
    const files = { node: "/home/me/.nvm/versions/node/v20.19.0/bin/node", brokerctl: SCRIPT };
    const { stderr } = await fixture.run(["profiles", "sync"], { env: { HOME: home }, files });
    expect(stderr).toContain("v20.19.0/bin/node ends with nvm, when that version is uninstalled");
  });
});

describe("profiles remove", () => {
  it("needs no daemon, shows first, and says when there is nothing", async () => {
    write(MINE);
    await run("profiles", "sync");
    const synced = text();
    await fixture.control.close();
    const dry = await run("profiles", "remove", "--dry-run");
    expect(dry.stdout).toContain("[profile dev]");
    expect([dry.code, text()]).toEqual([0, synced]);
    expect((await run("profiles", "remove", "--json")).json).toMatchObject({ removed: ["dev", "prod"] });
    expect(text()).toBe(MINE);
    expect((await run("profiles", "remove")).stderr).toContain("there is no block");
  });

  it("leaves the file that it made when something else came into it", async () => {
    await run("profiles", "sync");
    write(`${text()}[profile later]\nregion = x\n`);
    await run("profiles", "remove");
    expect(text()).toBe("[profile later]\nregion = x\n");
  });
});
