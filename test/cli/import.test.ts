import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { ImportItem, ImportKeyView } from "../../src/core/aws-import.js";
import { canarySecretKey } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { tempDir } from "../support/temp-dir.js";

const SECRET = canarySecretKey("Import");
const ID_LINE = "aws_access_key_id = AKIA0000000000000001\r\n";
const KEY_LINES = `${ID_LINE}aws_secret_access_key = ${SECRET}\r\n`;
const CREDENTIALS = `\uFEFF[ops]\r\n${KEY_LINES}region = eu-west-1\r\n`;
const OPS: ImportItem = {
  what: "ops",
  outcome: "add",
  role: "ops",
  source: "ops",
  type: "keys",
  sourceRole: null,
  notes: ["a note"],
};
const KEY: ImportKeyView = {
  ...{ source: "ops", accessKeyIdSuffix: "0001", state: "missing" },
  breaks: ["ops", "prod"],
  lines: [{ profile: "ops", file: "credentials", role: "ops" }],
  isReplaceable: true,
};

let fixture: CliFixture;
let directory: string;
/** In the place of the key. */
let line: string;
let env: Record<string, string>;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addRole("ops");
  fixture.control.importing = { items: [OPS], keys: [KEY], storeProblem: null, adds: true };
  const start = CREDENTIALS.indexOf(KEY_LINES);
  fixture.control.importPlaces = {
    config: [],
    credentials: [
      { start, end: start + ID_LINE.length, source: "ops", role: "ops" },
      { start: start + ID_LINE.length, end: start + KEY_LINES.length, source: "ops" },
    ],
  };
  line = `credential_process = /usr/bin/env CREDBROKER_HOME=${fixture.home} /opt/node/bin/node /opt/credbroker/dist/brokerctl.js credential-process ops`;
  directory = tempDir("aws", "input");
  env = {
    AWS_CONFIG_FILE: join(directory, "config"),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, "credentials"),
  };
  writeFileSync(join(directory, "config"), "[profile ops]\nregion = eu-west-1\n", { mode: 0o644 });
  writeFileSync(join(directory, "credentials"), CREDENTIALS, { mode: 0o640 });
});

const config = (): string => readFileSync(fixture.configFile, "utf8");
const credentials = (): string => readFileSync(join(directory, "credentials"), "utf8");
const operations = (): string[] => fixture.control.calls.map(({ operation }) => operation);

describe("import", () => {
  it("shows, asks, writes the config, stores the keys, and leaves the AWS files alone", async () => {
    const result = await fixture.run(["import"], { env, answers: [[/add 1 to the config, store 1 keys/, true]] });
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/PROFILE +BECOMES +NOTES\nops +role ops on source ops \(keys\) +a note/);
    expect(result.stderr).toContain("still holds keys in clear text");
    expect(config()).toBe("version: 1\n# imported\n");
    expect(operations()).toEqual(["import-plan", "config-reload", "import-keys"]);
    expect(credentials()).toBe(CREDENTIALS);
    expect(result.stdout + result.stderr).not.toContain(SECRET);
  });

  it("sends the text of both files as it is, and for the keys the config as it is now", async () => {
    await fixture.run(["import", "ops", "dev", "--yes"], { env });
    expect(fixture.control.requests("import-plan")).toEqual([
      {
        text: "version: 1\n",
        path: fixture.configFile,
        aws: {
          config: { path: env["AWS_CONFIG_FILE"], text: "[profile ops]\nregion = eu-west-1\n" },
          credentials: { path: env["AWS_SHARED_CREDENTIALS_FILE"], text: CREDENTIALS },
        },
        profiles: ["ops", "dev"],
        withDefault: false,
      },
    ]);
    expect(fixture.control.requests("import-keys")).toMatchObject([{ text: "version: 1\n# imported\n" }]);
  });

  it("finds the files in the home directory, or only one of them", async () => {
    mkdirSync(join(fixture.home, ".aws"));
    writeFileSync(join(fixture.home, ".aws", "config"), "[profile a]\n");
    await fixture.run(["import", "--dry-run"]);
    const aws = { config: { path: join(fixture.home, ".aws", "config"), text: "[profile a]\n" } };
    expect(fixture.control.requests("import-plan")).toMatchObject([{ profiles: null, aws }]);
    expect(fixture.control.requests("import-plan")[0]?.aws.credentials).toBeUndefined();
  });

  it("does not take our own copies of the files for the user's", async () => {
    mkdirSync(join(fixture.home, ".aws"));
    writeFileSync(join(fixture.home, ".aws", "config"), "[profile mine]\n");
    const copies = join(fixture.home, "state", "aws", "abc");
    mkdirSync(copies, { recursive: true });
    for (const name of ["config", "credentials"]) writeFileSync(join(copies, name), "[profile copy]\n");
    const ours = {
      AWS_CONFIG_FILE: join(copies, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(copies, "credentials"),
    };
    await fixture.run(["import", "--dry-run"], { env: ours });
    expect(JSON.stringify(fixture.control.requests("import-plan"))).toContain("[profile mine]");
    expect(JSON.stringify(fixture.control.requests("import-plan"))).not.toContain("[profile copy]");
  });

  it("--dry-run prints what would be done, on stdout, and does nothing", async () => {
    const { code, stdout } = await fixture.run(["import", "--dry-run", "--remove-keys"], { env });
    expect([code, config(), credentials()]).toEqual([0, "version: 1\n", CREDENTIALS]);
    expect(stdout).toMatch(/^PROFILE/);
    expect(operations()).toEqual(["import-plan"]);
  });

  it("does nothing when the user says no, or cannot be asked", async () => {
    expect(await fixture.run(["import"], { env, answers: [[/Import/, false]] })).toMatchObject({ code: 1 });
    const { code, stderr } = await fixture.run(["import"], { env });
    expect(code).toBe(2);
    expect(stderr).toContain("--yes");
    expect([config(), credentials()]).toEqual(["version: 1\n", CREDENTIALS]);
    expect(new Set(operations())).toEqual(new Set(["import-plan"]));
  });

  it("asks for [default] by itself, and plans anew with it", async () => {
    const left = { ...OPS, what: "default", outcome: "left" as const };
    fixture.control.importing = { ...fixture.control.importing, items: [OPS, left] };
    const yes = [
      [/\[default\]/, true],
      [/Import/, true],
    ] as const;
    await fixture.run(["import"], { env, answers: yes });
    expect(fixture.control.requests("import-plan").map(({ withDefault }) => withDefault)).toEqual([false, true]);
    expect(fixture.control.requests("import-keys")).toMatchObject([{ withDefault: true }]);
  });

  it("with --yes takes no [default]", async () => {
    const left = { ...OPS, what: "default", outcome: "left" as const };
    fixture.control.importing = { ...fixture.control.importing, items: [OPS, left] };
    const { asked } = await fixture.run(["import", "--yes"], { env, interactive: true });
    expect(asked).toEqual([]);
    expect(fixture.control.requests("import-keys")).toMatchObject([{ withDefault: false }]);
  });

  it("says so when there is nothing to do, without a question", async () => {
    const items = [{ ...OPS, outcome: "same" as const }];
    fixture.control.importing = { items, keys: [{ ...KEY, state: "held" }], storeProblem: null, adds: false };
    const { code, stderr, asked } = await fixture.run(["import"], { env, interactive: true });
    expect([code, asked]).toEqual([0, []]);
    expect(stderr).toContain("nothing to do");
    expect(stderr).toContain("1 there already");
    expect(operations()).toEqual(["import-plan"]);
  });

  it("exits 1 when a profile that was named is not taken, having taken the others", async () => {
    const refused = { ...OPS, what: "x", outcome: "refused" as const, role: null, notes: ["why not"] };
    fixture.control.importing = { ...fixture.control.importing, items: [OPS, refused] };
    const { code, stderr } = await fixture.run(["import", "ops", "x", "--yes"], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/x +not taken +why not/);
    expect(config()).toContain("# imported");
    expect(await fixture.run(["import", "--yes"], { env })).toMatchObject({ code: 0 });
  });

  it("needs the store open before anything is written, and only for keys", async () => {
    const storeProblem = { code: "StoreLocked" as const, message: "locked", hint: "brokerctl unlock" };
    fixture.control.importing = { items: [OPS], keys: [{ ...KEY, state: "unknown" }], storeProblem, adds: true };
    const { code, stderr } = await fixture.run(["import", "--yes"], { env });
    expect([code, config()]).toEqual([4, "version: 1\n"]);
    expect(stderr).toContain("brokerctl unlock");
    expect(await fixture.run(["import", "--dry-run"], { env })).toMatchObject({ code: 0 });
    fixture.control.importing = { ...fixture.control.importing, keys: [] };
    expect(await fixture.run(["import", "--yes"], { env })).toMatchObject({ code: 0 });
  });

  it("warns of a key that is another one than the store's", async () => {
    fixture.control.importing = { ...fixture.control.importing, keys: [{ ...KEY, state: "other" }] };
    const { stderr } = await fixture.run(["import", "--yes"], { env });
    expect(stderr).toContain("brokerctl keys add ops --replace");
  });

  it("warns where brokerd will look for profiles, when that is elsewhere", async () => {
    fixture.control.importing = { ...fixture.control.importing, items: [{ ...OPS, type: "profile" }] };
    expect((await fixture.run(["import", "--dry-run"], { env })).stderr).toContain(
      join(fixture.home, ".aws", "config"),
    );
  });

  it("prints JSON, and then asks nothing", async () => {
    expect((await fixture.run(["import", "--dry-run", "--json"], { env })).json).toEqual({
      dry_run: true,
      config_path: fixture.configFile,
      aws_files: [env["AWS_CONFIG_FILE"], env["AWS_SHARED_CREDENTIALS_FILE"]],
      profiles: [
        {
          profile: "ops",
          outcome: "add",
          role: "ops",
          source: "ops",
          source_type: "keys",
          source_role: null,
          notes: ["a note"],
        },
      ],
      keys: [
        {
          source: "ops",
          access_key_id_suffix: "0001",
          state: "missing",
          breaks: ["ops", "prod"],
          credential_process_lines: [{ profile: "ops", file: "credentials", line }],
        },
      ],
      edits: [],
      keys_removed_from: [],
      backups: [],
    });
    expect((await fixture.run(["import", "--json"], { env, interactive: true })).error).toMatchObject({
      code: "UsageInvalid",
    });
    const done = (await fixture.run(["import", "--json", "--yes", "--remove-keys"], { env })).json;
    expect(done).toMatchObject({ keys: [{ state: "held" }], keys_removed_from: [env["AWS_SHARED_CREDENTIALS_FILE"]] });
  });
});

describe("import --remove-keys", () => {
  it("cuts out what is stored and leaves every other byte, the mode and the link", async () => {
    const real = join(directory, "real");
    writeFileSync(real, CREDENTIALS);
    chmodSync(real, 0o640);
    const link = join(directory, "link");
    symlinkSync(real, link);
    const argv = ["import", "--yes", "--remove-keys"];
    await fixture.run(argv, { env: { ...env, AWS_SHARED_CREDENTIALS_FILE: link } });
    expect(readFileSync(real, "utf8")).toBe("\uFEFF[ops]\r\nregion = eu-west-1\r\n");
    expect(statSync(real).mode & 0o777).toBe(0o640);
    expect(readFileSync(link, "utf8")).toBe(readFileSync(real, "utf8"));
  });

  it("says which uses of --profile end, and what would keep them", async () => {
    const { stderr } = await fixture.run(["import", "--yes", "--remove-keys"], { env });
    expect(stderr).toContain("stops working for ops, prod; with --replace in place of --remove-keys it goes on");
    expect(credentials()).not.toContain("credential_process");
    expect((await fixture.run(["import", "--yes"], { env })).stderr).not.toContain("stops working");
  });

  it("works on a later run, when the keys are stored already", async () => {
    const items = [{ ...OPS, outcome: "same" as const }];
    fixture.control.importing = { items, keys: [{ ...KEY, state: "held" }], storeProblem: null, adds: false };
    const answers = [[/take the stored keys out/, true]] as const;
    expect(await fixture.run(["import", "--remove-keys"], { env, answers })).toMatchObject({ code: 0 });
    expect(credentials()).not.toContain(SECRET);
  });

  it("leaves a file that changed meanwhile", async () => {
    fixture.control.onImportKeys = () => writeFileSync(join(directory, "credentials"), `${CREDENTIALS}# theirs\n`);
    const { code, stderr } = await fixture.run(["import", "--yes", "--remove-keys"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain("no longer what was read");
    expect(credentials()).toBe(`${CREDENTIALS}# theirs\n`);
  });

  it("removes nothing when the keys could not be stored", async () => {
    fixture.control.refusing.set("import-keys", { code: "StoreUnavailable", message: "disk full" });
    expect(await fixture.run(["import", "--yes", "--remove-keys"], { env })).toMatchObject({ code: 1 });
    expect(credentials()).toBe(CREDENTIALS);
  });
});

describe("import --replace", () => {
  const argv = ["import", "--yes", "--replace"];
  const copies = (): string[] => readdirSync(directory).filter((name) => name.includes("backup"));

  it("has the profile ask brokerctl, keeps a copy of the file, and says how to go back", async () => {
    const { code, stderr } = await fixture.run(argv, { env });
    expect(code).toBe(0);
    expect(credentials()).toBe(`\uFEFF[ops]\r\n${line}\r\nregion = eu-west-1\r\n`);
    expect(statSync(join(directory, "credentials")).mode & 0o777).toBe(0o640);
    expect(copies()).toEqual(["credentials.credbroker-backup-20260101T000000Z"]);
    const copy = join(directory, copies()[0]!);
    expect([readFileSync(copy, "utf8"), statSync(copy).mode & 0o777]).toEqual([CREDENTIALS, 0o600]);
    expect(stderr).toContain(`to undo: cp ${copy} ${directory}/credentials    # once all works: rm ${copy}`);
    expect(stderr).toContain("credentials of ops will be those of a session");
    expect(stderr).not.toContain("stops working");
    expect(operations()).toEqual(["import-plan", "config-reload", "import-keys", "warm"]);
  });

  it("writes through a link, with the copy beside the link and not in what it leads to", async () => {
    const dotfiles = tempDir("dotfiles", "input");
    writeFileSync(join(dotfiles, "c"), CREDENTIALS, { mode: 0o600 });
    const link = join(directory, "link");
    symlinkSync(join(dotfiles, "c"), link);
    await fixture.run(argv, { env: { ...env, AWS_SHARED_CREDENTIALS_FILE: link } });
    expect(readFileSync(join(dotfiles, "c"), "utf8")).toContain(line);
    expect([readdirSync(dotfiles), copies().length]).toEqual([["c"], 1]);
  });

  it("--dry-run shows the edit without a secret, and does nothing", async () => {
    const { code, stdout, stderr } = await fixture.run(["import", "--dry-run", "--replace"], { env });
    expect([code, credentials(), copies()]).toEqual([0, CREDENTIALS, []]);
    const shown = ["  2 - aws_access_key_id = …0001", `  2 + ${line}`, "  3 - aws_secret_access_key = [secret]"];
    expect(stdout).toContain(`${directory}/credentials:\n${shown.join("\n")}\n`);
    expect(stdout + stderr).not.toContain(SECRET);
    const { json } = await fixture.run(["import", "--dry-run", "--replace", "--json"], { env });
    expect(json).toMatchObject({
      edits: [
        { line: 2, removed: "aws_access_key_id = …0001", added: line },
        { line: 3, added: null },
      ],
    });
  });

  it.each(["MfaRequired", "LoginRequired", "AssumeRoleDenied", "AwsUnreachable"] as const)(
    "leaves the key where it is when AWS gives no credentials for it (%s)",
    async (code) => {
      fixture.control.failing.set("ops", { code, message: "why not", hint: "brokerctl login ops" });
      const result = await fixture.run(argv, { env });
      expect(result.code).toBe({ MfaRequired: 4, LoginRequired: 4, AssumeRoleDenied: 5, AwsUnreachable: 1 }[code]);
      expect(result.stderr).toMatch(
        /the keys stay in \S+credentials, because role ops cannot be had: why not[^]*brokerctl login ops/,
      );
      expect([credentials(), copies()]).toEqual([CREDENTIALS, []]);
    },
  );

  it("leaves a key without which a profile would stop", async () => {
    const keys = [{ ...KEY, lines: [], isReplaceable: false }];
    fixture.control.importing = { ...fixture.control.importing, keys };
    const { code, stderr } = await fixture.run(argv, { env });
    expect([code, credentials(), copies()]).toEqual([0, CREDENTIALS, []]);
    expect(stderr).toContain("the key of source ops stays in the AWS files: ops, prod cannot do with a line");
  });

  it("leaves a file that changed meanwhile", async () => {
    fixture.control.onImportKeys = () => writeFileSync(join(directory, "credentials"), `${CREDENTIALS}# theirs\n`);
    expect(await fixture.run(argv, { env })).toMatchObject({ code: 1 });
    expect([credentials(), copies()]).toEqual([`${CREDENTIALS}# theirs\n`, []]);
  });

  it("is no --remove-keys", async () => {
    const { code, stderr } = await fixture.run([...argv, "--remove-keys"], { env });
    expect([code, operations()]).toEqual([2, []]);
    expect(stderr).toContain("brokerctl import --replace");
  });
});

describe("AWS files that cannot be read", () => {
  const at = (name: string): string => join(directory, name);

  it.each<[string, (path: string) => void, RegExp]>([
    ["a directory", (path) => mkdirSync(path), /not a regular file/],
    ["not text", (path) => writeFileSync(path, "[a]\n\0\n"), /not UTF-8 text/],
    ["not UTF-8", (path) => writeFileSync(path, Buffer.from([0x5b, 0xff, 0xfe, 0x5d])), /not UTF-8 text/],
    ["huge", (path) => writeFileSync(path, "x".repeat(600 * 1024)), /larger than 512 KiB/],
    ["writable by others", (path) => (writeFileSync(path, ""), chmodSync(path, 0o666)), /writable by others/],
  ])("are refused by name when they are %s", async (_, make, message) => {
    make(at("odd"));
    const { code, stderr } = await fixture.run(["import", "--yes"], { env: { ...env, AWS_CONFIG_FILE: at("odd") } });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toContain(at("odd"));
    expect(operations()).toEqual([]);
  });

  it.each<[string, string]>([
    ["AWS_CONFIG_FILE", "/dev/zero"],
    ["AWS_SHARED_CREDENTIALS_FILE", "/dev/zero"],
    ["AWS_CONFIG_FILE", "fifo"],
  ])("are to be left out by unsetting %s where it names %s", async (variable, name) => {
    const path = name === "fifo" ? at("fifo") : name;
    if (name === "fifo") spawnSync("mkfifo", [path]);
    const { code, stderr } = await fixture.run(["import", "--yes"], { env: { ...env, [variable]: path } });
    expect([code, stderr]).toEqual([
      2,
      `brokerctl: error: ${path} is not a regular file\nbrokerctl: hint: unset ${variable}\n`,
    ]);
  });

  it("are to be removed where a FIFO stands in the home directory", async () => {
    mkdirSync(join(fixture.home, ".aws"));
    const path = join(fixture.home, ".aws", "config");
    spawnSync("mkfifo", [path]);
    expect((await fixture.run(["import", "--yes"])).stderr).toContain(`hint: rm ${path}\n`);
  });

  it("are none where a variable names /dev/null", async () => {
    await fixture.run(["import", "--dry-run"], { env: { ...env, AWS_CONFIG_FILE: "/dev/null" } });
    expect(fixture.control.requests("import-plan")[0]?.aws).toEqual({
      credentials: { path: env["AWS_SHARED_CREDENTIALS_FILE"], text: CREDENTIALS },
    });
  });

  it("in UTF-16 are refused with the command that converts them", async () => {
    writeFileSync(at("odd"), Buffer.from("\uFEFF[profile ops]\r\nregion = eu-west-1\r\n", "utf16le"), { mode: 0o600 });
    const { stderr } = await fixture.run(["import"], { env: { ...env, AWS_CONFIG_FILE: at("odd") } });
    const command = /hint: +(.*)/.exec(stderr)?.[1] ?? "";
    expect(spawnSync("sh", ["-c", command]).status).toBe(0);
    const result = await fixture.run(["import", "--dry-run"], { env: { ...env, AWS_CONFIG_FILE: at("odd") } });
    expect([command.startsWith("iconv "), result.code]).toEqual([true, 0]);
  });

  it("are named when there are none", async () => {
    const none = { AWS_CONFIG_FILE: at("no"), AWS_SHARED_CREDENTIALS_FILE: at("nor") };
    const { code, stderr } = await fixture.run(["import"], { env: none });
    expect(code).toBe(2);
    expect(stderr).toContain(at("no"));
    expect(stderr).toContain("AWS_CONFIG_FILE=");
  });
});
