import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { splitCommand } from "../../src/core/split-command.js";
import { CANARY } from "../support/canaries.js";
import { type RunResult, runCommand } from "../support/cli-run.js";
import { get, InProcessBroker, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";

const CONFIG = `[profile me]
region = eu-west-1

[profile dev]
role_arn = ${roleArn("dev")}
source_profile = me
region = eu-west-1

[profile "far away"]
role_arn = ${roleArn("chained")}
source_profile = dev

[profile lost]
role_arn = ${roleArn("lost")}
source_profile = missing
`;
const CREDENTIALS = `# mine
[me]
aws_access_key_id = ${USER_KEY.accessKeyId}
aws_secret_access_key = ${USER_KEY.secretAccessKey}
`;

let broker: InProcessBroker;
let env: Record<string, string>;

beforeEach(async () => {
  broker = await InProcessBroker.create({ config: "# nothing yet\n" });
  await broker.start();
  await broker.call("store-create", {});
  const directory = tempDir("aws", "input");
  env = { AWS_CONFIG_FILE: join(directory, "config"), AWS_SHARED_CREDENTIALS_FILE: join(directory, "credentials") };
  writeAwsFiles(CONFIG, CREDENTIALS);
});

afterEach(() => broker.close());

function writeAwsFiles(config: string, credentials: string): void {
  writeFileSync(env["AWS_CONFIG_FILE"]!, config);
  writeFileSync(env["AWS_SHARED_CREDENTIALS_FILE"]!, credentials);
}

const ctl = (...argv: string[]): Promise<RunResult> => runCommand(argv, { home: broker.home, env });
const brokerConfig = (): string => readFileSync(join(broker.home, "config.yaml"), "utf8");
const fixture = (name: string): string =>
  readFileSync(new URL(`../config/import/fixtures/${name}`, import.meta.url), "utf8");

describe("import into a running broker", () => {
  it("serves the roles at once, also the chained one, with the key out of the AWS files", async () => {
    const { code, stderr } = await ctl("import", "--yes", "--remove-keys");
    expect(code).toBe(0);
    expect(stderr).toMatch(/lost +not taken +its source_profile missing/);
    expect(readFileSync(env["AWS_SHARED_CREDENTIALS_FILE"]!, "utf8")).toBe("# mine\n[me]\n");
    for (const role of ["dev", "far-away"]) {
      expect(await get(await broker.urlOf(role))).toMatchObject({ status: 200 });
    }
    expect(brokerConfig()).not.toContain(CANARY);
    expect(JSON.stringify(broker.log)).not.toContain(CANARY);
    expect(stderr).not.toContain(CANARY);
  });

  it("--replace leaves a profile that asks the broker, and gets a session of the key", async () => {
    const { code, stderr } = await ctl("import", "--yes", "--replace");
    expect([code, stderr]).toEqual([0, expect.not.stringContaining(CANARY)]);
    const replaced = readFileSync(env["AWS_SHARED_CREDENTIALS_FILE"]!, "utf8");
    const line = /^# mine\n\[me\]\ncredential_process = (.+)\n$/.exec(replaced)?.[1] ?? "";
    const split = splitCommand(line);
    const argv = "argv" in split ? split.argv : [];
    expect(argv.slice(0, 2)).toEqual(["/usr/bin/env", `CREDBROKER_HOME=${broker.home}`]);
    const { stdout } = await ctl(...argv.slice(4));
    const printed = JSON.parse(stdout) as { AccessKeyId: string };
    expect(broker.aws.whoIs(printed.AccessKeyId)).toMatchObject({ kind: "session" });

    const again = await ctl("import", "--yes", "--replace");
    expect([again.code, readFileSync(env["AWS_SHARED_CREDENTIALS_FILE"]!, "utf8")]).toEqual([0, replaced]);
    expect(again.stderr).toContain("nothing to do");
  });

  it("changes nothing the second time, and says so", async () => {
    await ctl("import", "--yes");
    const before = brokerConfig();
    const { code, stderr } = await ctl("import", "--yes");
    expect([code, brokerConfig()]).toEqual([0, before]);
    expect(stderr).toContain("nothing to do");
    await ctl("import", "--yes", "--remove-keys");
    const third = await ctl("import", "--yes");
    expect([third.code, brokerConfig()]).toEqual([0, before]);
    expect(third.stderr).toContain("nothing to do");
  });

  it("takes or names each of the mixed profiles", async () => {
    writeAwsFiles(fixture("aws-config"), fixture("aws-credentials"));
    const first = await ctl("import", "--yes", "--json");
    expect(first.code).toBe(0);
    const { profiles } = first.json as { profiles: { profile: string; outcome: string; notes: string[] }[] };
    expect(profiles.length).toBeGreaterThan(50);
    for (const { profile, outcome, notes } of profiles) {
      if (outcome !== "add") expect([profile, notes.join("")]).not.toEqual([profile, ""]);
    }
    expect((await broker.call("keys-list", {})).keys.map(({ source }) => source)).toEqual([
      ...["china-keys", "keys-in-config", "ops", "plain", "self"],
    ]);
    expect((await broker.call("status", {})).roles).toHaveLength(29);
    expect(await ctl("import", "--yes")).toMatchObject({ code: 0 });
    expect(JSON.stringify(broker.log)).not.toContain(CANARY);
  });

  it("writes nothing while the store is locked, and goes on after the unlock", async () => {
    const before = brokerConfig();
    await broker.call("lock", {});
    expect(await ctl("import", "--yes", "--remove-keys")).toMatchObject({ code: 4 });
    expect(brokerConfig()).toBe(before);
    expect(readFileSync(env["AWS_SHARED_CREDENTIALS_FILE"]!, "utf8")).toBe(CREDENTIALS);
    await broker.call("unlock", {});
    expect(await ctl("import", "--yes")).toMatchObject({ code: 0 });
  });
});
