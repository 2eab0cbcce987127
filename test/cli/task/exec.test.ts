import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { canarySecretKey } from "../../support/canaries.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";
import { tempDir } from "../../support/temp-dir.js";

const PASSWORD = canarySecretKey("container variable");
let fixture: CliFixture;
let seenFile: string;

beforeEach(async () => {
  fixture = await cliFixture();
  seenFile = join(tempDir("seen", "input"), "seen.json");
  fixture.control.addSource("ops").addRole("dev");
  fixture.control.addTask("web", {
    variables: { TABLE: "orders", PASSWORD, AWS_PROFILE: "theirs", HOME: "/tmp", AWS_REGION: "us-east-1" },
    secrets: [{ name: "DB_PASSWORD", valueFrom: "arn:aws:ssm:eu-west-1:111111111111:parameter/db" }],
    environmentFiles: ["arn:aws:s3:::config/web.env"],
  });
});

const PRINT = "require('fs').writeFileSync(process.argv[1], JSON.stringify(process.env))";
const printing = (): string[] => ["--", process.execPath, "-e", PRINT, seenFile];
const seen = (): Record<string, string> => JSON.parse(readFileSync(seenFile, "utf8")) as Record<string, string>;
const exec = (args: readonly string[], env: Record<string, string> = {}): Promise<RunResult> =>
  fixture.run(["task", "exec", ...args], { env: { PATH: process.env["PATH"] ?? "", ...env } });

describe("task exec", () => {
  it("has the yes to a guarded role for its lease", async () => {
    const guard = { confirm: null, reason: true, maxLeaseSeconds: 1800 };
    fixture.control.addRole("task:web@dev", { guard });
    expect(await exec(["web", "--via", "dev", "--", "true"])).toMatchObject({ code: 5 });
    expect(await exec(["web", "--via", "dev", "--reason", "to look", "--", "true"])).toMatchObject({ code: 0 });
    expect(fixture.control.requests("lease-child")).toMatchObject([{ confirmation: "yes to task:web@dev" }]);
  });

  it("runs a command with a lease on the task's role and the container's variables", async () => {
    const env = { ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/other", AWS_ACCESS_KEY_ID: "mine" };
    const { stderr, code } = await exec(["web", "--via", "dev", ...printing()], env);
    expect(code).toBe(0);
    expect(seen()).toMatchObject({
      ...{ TABLE: "orders", PASSWORD, AWS_EXECUTION_ENV: "AWS_ECS_FARGATE" },
      ...{ AWS_REGION: "us-east-1", AWS_DEFAULT_REGION: "eu-west-1" },
      AWS_CONTAINER_CREDENTIALS_FULL_URI: expect.stringContaining("http://127.0.0.1") as string,
    });
    for (const name of ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "ECS_CONTAINER_METADATA_URI_V4", "DB_PASSWORD"]) {
      expect(seen()).not.toHaveProperty(name);
    }
    expect(seen()["HOME"]).not.toBe("/tmp");
    expect(stderr).toContain("left out of the container's variables, as they would win over its lease: AWS_PROFILE");
    expect(stderr).toContain("programs: HOME");
    expect(stderr).toContain(
      "not fetched, and so not set: secrets DB_PASSWORD; environmentFiles arn:aws:s3:::config/web.env",
    );
    expect(stderr).not.toContain(PASSWORD);
    expect(fixture.control.requests("task-role")).toEqual([{ task: "web", container: null, via: "dev" }]);
    expect(fixture.control.requests("lease-child").map(({ role }) => role)).toEqual(["task:web@dev"]);
  });

  it("takes a secret's value from --set, and none that would win over the lease", async () => {
    const { stderr } = await exec(["web", "--via", "dev", "--set", "DB_PASSWORD=local", ...printing()]);
    expect(seen()).toMatchObject({ DB_PASSWORD: "local" });
    expect(stderr).not.toContain("secrets");
    expect(await exec(["web", "--via", "dev", "--set", "AWS_PROFILE=x", ...printing()])).toMatchObject({ code: 2 });
  });

  it("passes the container on, and the command's exit code", async () => {
    const { code } = await exec(["web", "--container", "app", "--via", "dev", "--", "sh", "-c", "exit 7"]);
    expect(fixture.control.requests("task-role")).toEqual([{ task: "web", container: "app", via: "dev" }]);
    expect(code).toBe(7);
    expect(await exec(["nosuch", "--via", "dev", "--", "true"])).toMatchObject({ code: 125 });
  });

  it("names the trust policy and the command that adds to it, where the role cannot be assumed", async () => {
    fixture.control.refusing.set("warm", { code: "AssumeRoleDenied", message: "no" });
    const { code, stderr } = await exec(["web", "--via", "dev", ...printing()]);
    expect(code).toBe(125);
    expect(stderr).toContain("trust policy of arn:aws:iam::111111111111:role/web does not let dev assume it");
    expect(stderr).toContain("brokerctl task trust web --via dev");
  });
});

describe("task trust", () => {
  it("prints, adds and removes the statement of the task's role", async () => {
    const trust = (...argv: string[]): Promise<RunResult> =>
      fixture.run(["task", "trust", "web", "--via", "dev", ...argv]);
    const shown = await trust();
    expect(JSON.parse(shown.stdout)).toMatchObject({ Effect: "Allow" });
    expect(shown.stderr).toContain("brokerctl task trust web --via dev --apply");
    expect((await trust("--apply", "--until", "8h")).stderr).toContain("added to the trust policy");
    expect(fixture.control.requests("task-trust").at(-1)).toMatchObject({
      task: "web",
      action: "apply",
      seconds: 28_800,
    });
    expect((await trust("--undo")).stderr).toContain("removed from the trust policy");
  });
});
