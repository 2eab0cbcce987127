import { beforeEach, describe, expect, it } from "vitest";
import type { LeftOutView } from "../../src/control-api/contract.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

let fixture: CliFixture;

const entry = (kind: LeftOutView["kind"], name: string, because: string | null = null): LeftOutView => {
  const message = `${kind} ${name} is not in force: config.yaml:9:1: what is wrong`;
  return { kind, name, because, error: { code: "ConfigInvalid", message, hint: "brokerctl config edit" } };
};

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev");
  fixture.control.state = "degraded";
  fixture.control.leftOut = [
    entry("source", "corp"),
    entry("role", "prod"),
    entry("role", "one", "source corp"),
    entry("role", "two", "source corp"),
    entry("setting", "lambda.via", "role prod"),
  ];
});

describe("entries of the config that are not in force", () => {
  it.each(["status", "roles", "start"])(
    "are told by `%s` on stderr, with what builds on them and one way to fix them",
    async (command) => {
      const { code, stderr } = await fixture.run([command]);

      expect(code).toBe(0);
      const told = stderr.split("\n").filter((line) => /warning|hint/.test(line));
      expect(told).toEqual([
        "brokerctl: warning: source corp is not in force: config.yaml:9:1: what is wrong; nor what builds on it: one, two",
        "brokerctl: warning: role prod is not in force: config.yaml:9:1: what is wrong; nor what builds on it: lambda.via",
        "brokerctl: hint: brokerctl config edit",
      ]);
    },
  );

  it.each(["status", "roles"])("are a list in `%s --json`, which is empty where there are none", async (command) => {
    const { json, stderr } = await fixture.run([command, "--json"]);
    expect(stderr).toBe("");
    expect((json as { left_out: unknown[] }).left_out).toHaveLength(5);
    expect(json).toMatchObject({
      left_out: [
        {
          kind: "source",
          name: "corp",
          because: null,
          error: { code: "ConfigInvalid", hint: "brokerctl config edit" },
        },
        { name: "prod" },
        { kind: "role", name: "one", because: "source corp" },
        {},
        { kind: "setting", name: "lambda.via" },
      ],
    });

    fixture.control.leftOut = undefined;
    expect((await fixture.run([command, "--json"])).json).toMatchObject({ left_out: [] });
  });

  it("are counted where there are many", async () => {
    fixture.control.leftOut = [
      ...Array.from({ length: 30 }, (_, n) => entry("role", `bad-${n}`)),
      ...Array.from({ length: 30 }, (_, n) => entry("role", `built-${n}`, "role bad-0")),
    ];
    const { stderr } = await fixture.run(["roles"]);

    expect(stderr.match(/is not in force/g)).toHaveLength(10);
    expect(stderr).toContain("built-9 and 20 more");
    expect(stderr).toContain("20 more entries of the config are not in force");
  });

  it("are no reason to say that the config has no roles", async () => {
    fixture.control.roles.splice(0);
    const { stderr } = await fixture.run(["roles"]);

    expect(stderr).not.toContain("no roles yet");
    expect(stderr).toContain("role prod is not in force");
  });

  it("are named to a login that cannot be had for it", async () => {
    const { code, stderr } = await fixture.run(["login", "corp"]);

    expect(code).toBe(2);
    expect(stderr).toContain("source corp is not in force: config.yaml:9:1");
    expect(stderr).toContain("brokerctl config edit");
  });
});
