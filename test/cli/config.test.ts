import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { CONTROL_C } from "../support/cli-run.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops");
});

const config = (): string => readFileSync(fixture.configFile, "utf8");
/** Copies of the config that were kept for the user. */
const kept = (): string[] => readdirSync(join(fixture.home, "state")).filter((name) => name.startsWith("edit-"));

describe("source add and role add", () => {
  it("pass the flags on in the config's spelling, write what the daemon made of them, and have it loaded", async () => {
    const { code, stderr } = await fixture.run([
      ...["role", "add", "prod", "--source", "ops", "--role_arn", "arn:aws:iam::1:role/prod"],
      ...["--duration-seconds=900", "--tags", "team=core", "--tags", "a=b=c", "--policy-arns", "arn:p"],
    ]);
    expect(code).toBe(0);
    expect(fixture.control.requests("role-add")).toEqual([
      {
        text: "version: 1\n",
        path: fixture.configFile,
        name: "prod",
        fields: {
          source: "ops",
          role_arn: "arn:aws:iam::1:role/prod",
          duration_seconds: "900",
          tags: ["team=core", "a=b=c"],
          policy_arns: ["arn:p"],
        },
      },
    ]);
    expect(config()).toContain("# role prod ");
    expect(fixture.control.calls.at(-1)).toMatchObject({ operation: "config-reload" });
    expect(stderr).toContain("added role prod");
    expect(stderr).toContain("brokerctl use prod");
  });

  it("read a policy from a file, as the AWS CLI does", async () => {
    writeFileSync(join(fixture.home, "p.json"), '{"Version":"2012-10-17"}');
    await fixture.run(["role", "add", "x", "--source", "ops", "--policy", "file://p.json"]);
    expect(fixture.control.requests("role-add")[0]?.fields).toMatchObject({ policy: '{"Version":"2012-10-17"}' });
  });

  it("add a source", async () => {
    const serial = "arn:aws:iam::111111111111:mfa/me";
    const argv = ["source", "add", "mfa", "--type", "keys", "--mfa-serial", serial, "--json"];
    expect((await fixture.run(argv)).json).toEqual({ source: "mfa", summary: ["added source mfa"] });
    expect(fixture.control.requests("source-add")[0]?.fields).toEqual({ type: "keys", mfa_serial: serial });
  });

  it("leave the file alone when the daemon refuses", async () => {
    await fixture.run(["role", "add", "x", "--source", "ops"]);
    const before = config();
    expect(await fixture.run(["role", "add", "x", "--source", "ops"])).toMatchObject({ code: 1 });
    expect(config()).toBe(before);
  });

  it.each<[string, string[], RegExp]>([
    ["no source", ["role", "add", "x", "--role-arn", "a"], /--source and --source-role/],
    ["two sources", ["role", "add", "x", "--source", "a", "--source-role", "b"], /--source and --source-role/],
    ["a tag without =", ["role", "add", "x", "--source", "a", "--tags", "team"], /--tags must be KEY=VALUE/],
    ["a policy that is not there", ["role", "add", "x", "--source", "a", "--policy", "file://no"], /--policy: cannot/],
    ["a name with a colon", ["role", "add", "a:b", "--source", "a"], /NAME 'a:b'/],
    ["a source without type", ["source", "add", "x"], /--type is needed/],
    ["a type that does not exist", ["source", "add", "x", "--type", "kyes"], /must be one of keys, sso.*not 'kyes'/],
  ])("exit 2 for %s", async (_, argv, message) => {
    const { code, stderr } = await fixture.run(argv);
    expect([code, config()]).toEqual([2, "version: 1\n"]);
    expect(stderr).toMatch(message);
  });
});

describe("config check and path", () => {
  it("checks the config in use, or another file", async () => {
    expect(await fixture.run(["config", "check"])).toMatchObject({ code: 0, stdout: "" });
    writeFileSync(join(fixture.home, "other.yaml"), "broken\n");
    const { code, stderr } = await fixture.run(["config", "check", "other.yaml"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`${join(fixture.home, "other.yaml")}:1: 'broken' is no key`);
  });

  it("warns of what is odd, which is no failure", async () => {
    fixture.control.configNotes = ["role alias is the same role of AWS as prod, and has no guard"];
    const { code, stderr } = await fixture.run(["config", "check"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("warning: role alias is the same role of AWS as prod")]);
    expect((await fixture.run(["config", "check", "--json"])).json).toMatchObject({
      notes: fixture.control.configNotes,
    });
  });

  it("says which file is missing", async () => {
    const { code, stderr } = await fixture.run(["config", "check", "nosuch.yaml"]);
    expect(code).toBe(2);
    expect(stderr).toContain("nosuch.yaml");
  });

  it("prints the path, without a daemon", async () => {
    await fixture.control.close();
    expect((await fixture.run(["config", "path"])).stdout).toBe(`${fixture.configFile}\n`);
    expect((await fixture.run(["config", "path", "--json"])).json).toMatchObject({ path: fixture.configFile });
  });
});

describe("config edit", () => {
  /** An editor that runs this piece of shell on the file. */
  function editor(script: string): { env: Record<string, string> } {
    const path = join(fixture.home, "editor.sh");
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o700);
    return { env: { EDITOR: `${path} --flag`, PATH: process.env["PATH"] ?? "" } };
  }

  it("takes a valid edit, has it loaded, and leaves no copy", async () => {
    const { code } = await fixture.run(["config", "edit"], editor('echo "# mine" >> "$2"'));
    expect([code, config(), kept()]).toEqual([0, "version: 1\n# mine\n", []]);
    expect(fixture.control.calls.map(({ operation }) => operation)).toEqual(["config-check", "config-reload"]);
  });

  it("does nothing when nothing was changed", async () => {
    const { code, stderr } = await fixture.run(["config", "edit"], editor("true"));
    expect([code, kept()]).toEqual([0, []]);
    expect(stderr).toContain("nothing was changed");
    expect(fixture.control.calls).toEqual([]);
  });

  it("offers to fix an invalid edit, and takes the fixed one", async () => {
    const script = 'grep -q broken "$2" && echo "# fine" > "$2" || echo broken >> "$2"';
    const { code, stderr } = await fixture.run(["config", "edit"], {
      ...editor(script),
      answers: [[/Edit again/, true]],
    });
    expect([code, config(), kept()]).toEqual([0, "# fine\n", []]);
    expect(stderr).toContain("'broken' is no key");
  });

  it.each([
    ["at a terminal", { answers: [[/Edit again/, false]] as const }],
    ["without one", {}],
  ])("keeps an invalid edit in a file of its own when it is given up: %s", async (_, options) => {
    const { code, stderr } = await fixture.run(["config", "edit"], { ...editor('echo broken >> "$2"'), ...options });
    expect([code, config()]).toEqual([2, "version: 1\n"]);
    const copy = join(fixture.home, "state", kept()[0] ?? "", "config.yaml");
    expect(stderr).toContain(copy);
    expect(readFileSync(copy, "utf8")).toBe("version: 1\nbroken\n");
  });

  it("keeps an invalid edit, and says where, after Ctrl-C at the question", async () => {
    const { signal, stderr } = await fixture.run(["config", "edit"], {
      ...editor('echo broken >> "$2"'),
      answers: [[/Edit again/, CONTROL_C]],
    });
    expect([signal, config()]).toEqual(["SIGINT", "version: 1\n"]);
    expect(stderr).toContain(join(fixture.home, "state", kept()[0] ?? "none", "config.yaml"));
  });

  it("survives the Ctrl-C that ends the editor, and keeps what had been written", async () => {
    const script = `echo "# half" >> "$2"; kill -INT ${process.pid}; kill -INT $$`;
    const { code, stderr } = await fixture.run(["config", "edit"], editor(script));
    expect([code, config()]).toEqual([2, "version: 1\n"]);
    const copy = join(fixture.home, "state", kept()[0] ?? "none", "config.yaml");
    expect(readFileSync(copy, "utf8")).toBe("version: 1\n# half\n");
    expect(stderr).toContain(copy);
  });

  it("keeps the edit, and the config, when another program changed the config meanwhile", async () => {
    const script = `echo "# mine" >> "$2"; echo "# theirs" >> ${fixture.configFile}`;
    const { code, stderr } = await fixture.run(["config", "edit"], editor(script));
    expect([code, config()]).toEqual([1, "version: 1\n# theirs\n"]);
    expect(stderr).toContain(kept()[0]);
  });

  it("does nothing when the editor fails", async () => {
    const { code, stderr } = await fixture.run(["config", "edit"], editor("exit 3"));
    expect([code, config(), kept()]).toEqual([2, "version: 1\n", []]);
    expect(stderr).toContain("exit code 3");
  });

  it("needs an editor where there is no terminal for vi", async () => {
    const { code, stderr } = await fixture.run(["config", "edit"], { env: { EDITOR: "" } });
    expect(code).toBe(2);
    expect(stderr).toContain("EDITOR");
  });

  it("prefers VISUAL", async () => {
    const { env } = editor('echo "# visual" >> "$2"');
    await fixture.run(["config", "edit"], { env: { ...env, VISUAL: env["EDITOR"] ?? "", EDITOR: "false" } });
    expect(config()).toContain("# visual");
  });
});

describe("a config that is not safe to write", () => {
  it("is refused by name, with the command that fixes it", async () => {
    chmodSync(fixture.configFile, 0o666);
    const { code, stderr } = await fixture.run(["role", "add", "x", "--source", "ops"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`chmod go-w ${fixture.configFile}`);
  });

  it("is not made where there is none", async () => {
    rmSync(fixture.configFile);
    const { code, stderr } = await fixture.run(["role", "add", "x", "--source", "ops"]);
    expect(code).toBe(2);
    expect(stderr).toContain("brokerctl init");
  });
});
