import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { canarySecretKey } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { tempDir } from "../support/temp-dir.js";

const ID = "AKIAIOSFODNN7EXAMPLE";
const SECRET = canarySecretKey("Keys");

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops");
});

describe("keys add", () => {
  it("asks for id and secret at a terminal, and shows neither", async () => {
    const { code, stdout, stderr } = await fixture.run(["keys", "add", "ops"], {
      answers: [
        [/Access key id/, ID],
        [/Secret access key/, SECRET],
      ],
    });
    expect(code).toBe(0);
    expect(fixture.control.requests("keys-add")).toEqual([
      { source: "ops", accessKeyId: ID, secretAccessKey: SECRET, replace: false },
    ]);
    expect(stdout + stderr).not.toContain(SECRET);
    expect(stderr).toContain("…MPLE");
  });

  it("adds a role of the source with it, so that one command leads to a role that works", async () => {
    const words = [
      "keys",
      "add",
      "new",
      "--access-key-id",
      ID,
      "--secret-stdin",
      "--role",
      "dev",
      "--role-arn",
      "arn:x",
    ];
    const { code, stderr } = await fixture.run(words, { stdin: SECRET });
    expect([code, stderr]).toEqual([0, expect.stringContaining("brokerctl use dev")]);
    expect(fixture.control.requests("role-add")).toMatchObject([
      { name: "dev", fields: { source: "new", role_arn: "arn:x" } },
    ]);
  });

  it.each([
    ["a role that there is", ["--role", "prod"], 1],
    ["an ARN of no role", ["--role-arn", "arn:x"], 2],
    ["a name that none can have", ["--role", "a b"], 2],
  ])("refuses %s before the secret is read", async (_, flags, code) => {
    fixture.control.addRole("prod");
    expect(await fixture.run(["keys", "add", "ops", ...flags], { interactive: true })).toMatchObject({
      code,
      asked: [],
    });
    expect(fixture.control.requests("keys-add")).toEqual([]);
  });

  it("reads the secret from stdin, its line end left out", async () => {
    const argv = ["keys", "add", "ops", "--access-key-id", ID, "--secret-stdin"];
    expect(await fixture.run(argv, { stdin: `${SECRET}\r\n` })).toMatchObject({ code: 0 });
    expect(fixture.control.secrets.get("ops")).toBe(SECRET);
  });

  it("reads the console's CSV, leaves it where it is, and says that it still holds the key", async () => {
    const directory = tempDir("csv", "input");
    const csv = join(directory, "my keys.csv");
    writeFileSync(csv, `\uFEFFAccess key ID,Secret access key\r\n${ID},${SECRET}\r\n`);
    const { code, stderr } = await fixture.run(["keys", "add", "ops", "--csv", "my keys.csv"], { cwd: directory });
    expect(code).toBe(0);
    expect(fixture.control.secrets.get("ops")).toBe(SECRET);
    expect(existsSync(csv)).toBe(true);
    expect(stderr).toContain(`${csv} still holds the key in clear text`);
    expect(stderr).toContain(`rm '${csv}'`);
  });

  it("takes the named key of a CSV that holds several", async () => {
    const csv = join(tempDir("csv", "input"), "k.csv");
    const other = "AKIAIOSFODNN7OTHERSS";
    writeFileSync(csv, `Access key ID,Secret access key\n${other},${SECRET}\n${ID},${SECRET}\n`);
    expect(await fixture.run(["keys", "add", "ops", "--csv", csv])).toMatchObject({ code: 2 });
    await fixture.run(["keys", "add", "ops", "--csv", csv, "--access-key-id", ID]);
    expect(fixture.control.requests("keys-add")).toMatchObject([{ accessKeyId: ID }]);
  });

  it("makes the source that is missing, in the config, before the key", async () => {
    const argv = ["keys", "add", "new", "--access-key-id", ID, "--secret-stdin"];
    const { code, stderr } = await fixture.run(argv, { stdin: SECRET });
    expect(code).toBe(0);
    expect(readFileSync(fixture.configFile, "utf8")).toBe('version: 1\n# source new {"type":"keys"}\n');
    expect(stderr).toContain("added source new");
    const order = fixture.control.calls.map(({ operation }) => operation);
    expect(order.slice(-4)).toEqual(["status", "source-add", "config-reload", "keys-add"]);
  });

  it("takes a CSV from a pipe, of which nothing stays", async () => {
    const pipe = join(tempDir("csv", "input"), "pipe");
    execFileSync("mkfifo", [pipe]);
    const [written, { code, stderr }] = await Promise.all([
      writeFile(pipe, `Access key ID,Secret access key\n${ID},${SECRET}\n`),
      fixture.run(["keys", "add", "ops", "--csv", pipe]),
    ]);
    expect([written, code]).toEqual([undefined, 0]);
    expect(stderr).not.toContain("still holds");
  });

  it("refuses a second key before the user has typed it", async () => {
    fixture.control.keys.push({ source: "ops", accessKeyIdSuffix: "OLD1", addedAt: 0, rotatedAt: null });
    const { code, stderr, asked } = await fixture.run(["keys", "add", "ops"], { interactive: true });
    expect(code).toBe(1);
    expect(stderr).toContain("brokerctl keys add ops --replace");
    expect(asked).toEqual([]);
    const argv = ["keys", "add", "ops", "--access-key-id", ID, "--secret-stdin", "--replace"];
    expect(await fixture.run(argv, { stdin: SECRET })).toMatchObject({ code: 0 });
  });

  it.each<[string, string[], string, RegExp]>([
    ["a temporary key", ["--access-key-id", "ASIAIOSFODNN7EXAMPLE", "--secret-stdin"], SECRET, /temporary/],
    ["an id that is none", ["--access-key-id", "AKIA", "--secret-stdin"], SECRET, /'AKIA' is not an access key id/],
    ["a secret that is too short", ["--access-key-id", ID, "--secret-stdin"], SECRET.slice(1), /39 characters, not 40/],
    ["a secret in quotes", ["--access-key-id", ID, "--secret-stdin"], `"${SECRET}"`, /42 characters/],
    ["a secret with a space", ["--access-key-id", ID, "--secret-stdin"], `${SECRET.slice(1)} `, /characters that no/],
    ["an empty stdin", ["--access-key-id", ID, "--secret-stdin"], "", /stdin is empty/],
    ["a secret without its id", ["--secret-stdin"], SECRET, /--access-key-id is needed/],
    ["two secrets", ["--csv", "x", "--secret-stdin"], SECRET, /choose one/],
    ["a CSV that is not there", ["--csv", "nosuch.csv"], "", /--csv: cannot read .*nosuch.csv/],
    ["a CSV that never ends", ["--csv", "/dev/zero"], "", /--csv: cannot read \/dev\/zero: it has more than 64 KiB/],
    ["no terminal to ask at", [], "", /there is no terminal/],
  ])("refuses %s with exit 2, telling why and not the secret", async (_, flags, stdin, message) => {
    const { code, stderr } = await fixture.run(["keys", "add", "ops", ...flags], { stdin });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toContain("brokerctl: hint:");
    expect(stderr).not.toContain(SECRET.slice(1));
    expect(fixture.control.requests("keys-add")).toEqual([]);
  });

  it.each([
    ["as an argument", [SECRET]],
    ["as access key id", ["--access-key-id", SECRET]],
    ["behind the flag of other tools", ["--secret-access-key", SECRET]],
  ])("refuses a secret %s without repeating it", async (_, argv) => {
    const { code, stderr } = await fixture.run(["keys", "add", "ops", ...argv]);
    expect(code).toBe(2);
    expect(stderr).not.toContain(SECRET);
    expect(fixture.control.calls).toEqual([]);
  });

  it("refuses --secret-stdin at a terminal, where it would be echoed", async () => {
    const argv = ["keys", "add", "ops", "--access-key-id", ID, "--secret-stdin"];
    expect(await fixture.run(argv, { interactive: true })).toMatchObject({ code: 2 });
  });
});

describe("keys list, rotate, remove", () => {
  beforeEach(() => {
    fixture.control.keys.push({
      source: "ops",
      accessKeyIdSuffix: "OLD1",
      addedAt: Date.parse("2025-12-31"),
      rotatedAt: null,
    });
  });

  it("lists the ends of key ids", async () => {
    expect((await fixture.run(["keys", "list"])).stdout).toMatch(/SOURCE .*\nops +…OLD1 /);
    expect((await fixture.run(["keys", "list", "--json"])).json).toEqual({
      keys: [{ source: "ops", access_key_id_suffix: "OLD1", added_at: "2025-12-31T00:00:00Z", rotated_at: null }],
    });
  });

  it("says what to do when there are none", async () => {
    fixture.control.keys.splice(0);
    expect(await fixture.run(["keys", "list"])).toMatchObject({ code: 0, stdout: "" });
    expect((await fixture.run(["keys", "list", "--json"])).json).toEqual({ keys: [] });
  });

  it.each(["rotate", "remove"] as const)("%s asks first, and does nothing on no", async (verb) => {
    const operation = `keys-${verb}` as const;
    const no = await fixture.run(["keys", verb, "ops"], { answers: [[/…OLD1 of ops\?/, false]] });
    expect([no.code, fixture.control.requests(operation)]).toEqual([1, []]);
    const yes = await fixture.run(["keys", verb, "ops"], { answers: [[/…OLD1 of ops\?/, true]] });
    expect([yes.code, fixture.control.requests(operation)]).toEqual([0, [{ source: "ops" }]]);
  });

  it.each(["rotate", "remove"])("%s needs --yes where the user cannot be asked", async (verb) => {
    const { code, stderr } = await fixture.run(["keys", verb, "ops"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--yes");
    expect(await fixture.run(["keys", verb, "ops", "--yes"])).toMatchObject({ code: 0 });
  });

  it.each(["rotate", "remove"])("%s names the source that was meant", async (verb) => {
    const { code, stderr } = await fixture.run(["keys", verb, "osp", "--yes"]);
    expect(code).toBe(2);
    expect(stderr).toContain("did you mean ops?");
  });
});
