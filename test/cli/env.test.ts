import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { SERVED, TOKEN } from "../fakes/fake-control.js";
import { canarySecretKey } from "../support/canaries.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { CONTROL_C } from "../support/cli-run.js";
import { tempDir } from "../support/temp-dir.js";

interface Changes {
  readonly set: Record<string, string>;
  readonly unset: string[];
}

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" }).addRole("prod");
});

async function changes(...argv: string[]): Promise<Changes> {
  const { stdout, stderr, code } = await fixture.run(["env", ...argv, "--format", "json"]);
  expect([code, stderr]).toEqual([0, stderr]);
  return JSON.parse(stdout) as Changes;
}

describe("env", () => {
  it("prints the default lease's URL also when no role is chosen yet, and says so on stderr", async () => {
    const { code, stdout, stderr } = await fixture.run(["env"]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `export AWS_CONTAINER_CREDENTIALS_FULL_URI='${fixture.control.endpointUrl}/lease/${TOKEN}';\nunset AWS_ACCESS_KEY_ID `,
    );
    expect(stderr).toContain("brokerctl use ROLE");
  });

  it("sets the region where the role names one, and only then", async () => {
    expect((await changes("dev")).set).toMatchObject({ AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1" });
    expect((await changes("prod")).set).not.toHaveProperty("AWS_REGION");
  });

  it("unsets everything that would win, Serverless's stages that are set included", async () => {
    const { stdout } = await fixture.run(["env", "--format", "json"], {
      env: { AWS_PROD_PROFILE: "x", AWS_DEV_ACCESS_KEY_ID: "y", AWS_DEV_OTHER: "z" },
    });
    const { unset } = JSON.parse(stdout) as Changes;
    expect(unset).toEqual(
      expect.arrayContaining([
        "AWS_PROD_PROFILE",
        "AWS_DEV_ACCESS_KEY_ID",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
      ]),
    );
    expect(unset).not.toContain("AWS_DEV_OTHER");
    expect(unset).not.toContain("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  });

  it("gives a role the same lease each time, after having fetched the role", async () => {
    const first = await changes("dev");
    expect(await changes("dev")).toEqual(first);
    expect(fixture.control.requests("warm")).toEqual([{ role: "dev" }, { role: "dev" }]);
  });

  it("takes the token out of the URL with --as header", async () => {
    const { set, unset } = await changes("--as", "header");
    expect(set).toEqual({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/creds`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: TOKEN,
    });
    expect(unset).toContain("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  });

  it("writes the token's file privately and without a newline with --as token-file", async () => {
    const { set } = await changes("--as", "token-file");
    const path = set["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] ?? "";
    expect(readFileSync(path, "utf8")).toBe(TOKEN);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(set["AWS_CONTAINER_AUTHORIZATION_TOKEN"]).toBe(TOKEN);
    expect((await changes("--as", "token-file")).set["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).toBe(path);
  });

  it("prints the keys themselves with --as static, and leaves no lease behind", async () => {
    fixture.control.pendingAnswers.push(503);
    const { set, unset } = await changes("dev", "--as", "static");
    expect(set).toEqual({
      AWS_ACCESS_KEY_ID: SERVED.accessKeyId,
      AWS_SECRET_ACCESS_KEY: SERVED.secretAccessKey,
      AWS_SESSION_TOKEN: SERVED.sessionToken,
      AWS_CREDENTIAL_EXPIRATION: SERVED.expiration,
      AWS_ACCOUNT_ID: "111111111111",
      AWS_REGION: "eu-west-1",
      AWS_DEFAULT_REGION: "eu-west-1",
    });
    expect(unset).toContain("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    expect(fixture.control.requests("lease-child")).toEqual([{ role: "dev", pid: process.pid, forSeconds: 60 }]);
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);
  });

  it("takes the role of a named or the default lease with --as static", async () => {
    fixture.control.addLease("named", { name: "ide", role: "prod" });
    await changes("--lease", "ide", "--as", "static");
    expect(fixture.control.requests("lease-child")[0]).toMatchObject({ role: "prod" });
    expect(await fixture.run(["env", "--as", "static"])).toMatchObject({ code: 2 });
  });

  it("uses a named lease, or one that ends with a shell", async () => {
    const lease = fixture.control.addLease("named", { name: "ide", role: "dev" });
    expect((await changes("--lease", "ide")).set["AWS_CONTAINER_CREDENTIALS_FULL_URI"]).toContain(lease.token);
    await changes("--new", "--pid", "4711");
    await changes("dev", "--new", "--pid=4711");
    expect(fixture.control.requests("lease-child")).toEqual([
      { role: null, pid: 4711 },
      { role: "dev", pid: 4711 },
    ]);
  });

  it("says on stderr what dotenv cannot do", async () => {
    const { stdout, stderr } = await fixture.run(["env", "--format", "dotenv"]);
    expect(stdout).toBe(`AWS_CONTAINER_CREDENTIALS_FULL_URI=${fixture.control.endpointUrl}/lease/${TOKEN}\n`);
    expect(stderr).toContain("AWS_PROFILE");
  });
});

describe("env that fails", () => {
  it.each([
    ["an unknown role", ["nosuch"], 2],
    ["wrong flags", ["--pid", "1"], 2],
    ["an unknown flag", ["--nope"], 2],
    ["a flag of a later version", ["--policy", "x"], 2],
    ["a format that does not exist", ["--format", "cmd"], 2],
  ])("undoes old credentials and fails in the shell: %s", async (_, argv, code) => {
    const result = await fixture.run(["env", ...argv]);
    expect(result.code).toBe(code);
    const [unset = "", last] = result.stdout.trim().split("\n");
    expect(unset).toMatch(/^unset .*AWS_ACCESS_KEY_ID .*AWS_CONTAINER_CREDENTIALS_FULL_URI/);
    expect(last).toBe("false");
    expect(result.stderr).toContain("brokerctl: error:");
  });

  it("speaks the format that was asked for", async () => {
    expect((await fixture.run(["env", "nosuch", "--format=fish"])).stdout).toMatch(/^set -e .*;\nfalse;\n$/);
    const { json } = await fixture.run(["env", "nosuch", "--format", "json"]);
    expect(json).toMatchObject({ set: {} });
    expect((await fixture.run(["env", "nosuch", "--format", "dotenv"])).stdout).toBe("");
  });

  it("does so too when there is no daemon and none may be started", async () => {
    await fixture.control.close();
    const result = await fixture.run(["env"], { env: { CREDBROKER_NO_AUTOSTART: "1" } });
    expect(result).toMatchObject({ code: 3 });
    expect(result.stdout).toMatch(/\nfalse\n$/);
  });
});

describe("env where a login is missing", () => {
  beforeEach(() => {
    fixture.control.needMfa("dev", "123456");
  });

  it("exits 4 and names the login where the user cannot be asked", async () => {
    const result = await fixture.run(["env", "dev"]);
    expect(result.code).toBe(4);
    expect(result.stderr).toContain("brokerctl login ops");
    expect(result.stdout).toMatch(/\nfalse\n$/);
  });

  it("offers it at a terminal, and goes on with it", async () => {
    const result = await fixture.run(["env", "dev"], {
      answers: [
        [/Log in now/, true],
        [/MFA code of arn:aws:iam::111111111111:mfa\/me/, "123 456"],
      ],
    });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  });

  it("lets a code be typed again", async () => {
    const result = await fixture.run(["env", "dev"], {
      answers: [
        [/Log in now/, true],
        [/MFA code/, "12345"],
        [/MFA code/, "999999"],
        [/MFA code/, "123456"],
      ],
    });
    expect(result.code).toBe(0);
  });

  it("exits 4 when the offer is declined, and dies of ^C at it", async () => {
    expect(await fixture.run(["env", "dev"], { answers: [[/Log in now/, false]] })).toMatchObject({ code: 4 });
    const interrupted = await fixture.run(["env", "dev"], { answers: [[/Log in now/, CONTROL_C]] });
    expect(interrupted.signal).toBe("SIGINT");
    expect(interrupted.stdout).toMatch(/\nfalse\n$/);
  });

  it("looks at the role of the default lease too, without waiting for AWS", async () => {
    fixture.control.leases = fixture.control.leases.map((lease) => ({ ...lease, role: "dev" }));
    expect(await fixture.run(["env"])).toMatchObject({ code: 4 });
    expect(fixture.control.requests("warm")).toEqual([]);
  });

  it("leaves a role alone whose credentials are still valid", async () => {
    const index = fixture.control.roles.findIndex(({ name }) => name === "dev");
    fixture.control.roles[index] = { ...fixture.control.roles[index]!, expiration: Date.parse("2026-01-01T00:30:00Z") };
    fixture.control.leases = fixture.control.leases.map((lease) => ({ ...lease, role: "dev" }));
    expect(await fixture.run(["env"])).toMatchObject({ code: 0 });
  });
});

describe("env beside a ~/.aws that wins over the endpoint", () => {
  const SECRET = canarySecretKey("aws");
  let home: string;

  beforeEach(() => {
    home = tempDir("user", "input");
    mkdirSync(join(home, ".aws"));
    writeFileSync(join(home, ".aws", "config"), "[default]\nregion = eu-west-1\n[profile other]\nregion = us-east-1\n");
  });

  it.each(["~/alt", "$HOME/alt", "${HOME}/alt"])("finds keys in a file named %s, as botocore does", async (path) => {
    writeFileSync(join(home, "alt"), `[default]\naws_access_key_id = AKIAALT0000000000000\n`);
    const { stdout, stderr } = await fixture.run(["env", "dev"], {
      env: { HOME: home, AWS_SHARED_CREDENTIALS_FILE: path },
    });
    expect(stdout).toContain("AWS_SHARED_CREDENTIALS_FILE=");
    expect(stderr).toContain(`of ${join(home, "alt")} would win over the broker`);
  });

  it.each([".boto", "other"])("takes keys of boto 2 in ~/%s out of botocore's sight, and says so", async (name) => {
    writeFileSync(join(home, name), "[Credentials]\naws_access_key_id = AKIABOTO000000000000\n");
    const env = { HOME: home, ...(name === "other" && { BOTO_CONFIG: "~/other" }) };
    const { stdout, stderr } = await fixture.run(["env", "dev"], { env });
    expect(stdout).toMatch(/export BOTO_CONFIG='.*\/state\/aws\/[0-9a-f]+\/credentials'/);
    expect(stderr).toContain(`of ${join(home, name)} would win over the broker`);
  });

  it.each<[string, Buffer, string]>([
    [
      "a key before any section",
      Buffer.from(
        `# mine\naws_access_key_id = AKIAHEADLESS00000000\naws_secret_access_key = ${SECRET}\n[other]\nregion = x\n`,
      ),
      "has a setting before any [section], in line 2",
    ],
    [
      "UTF-16",
      Buffer.from("\uFEFF[default]\r\naws_access_key_id = AKIAUTF1600000000000\r\n", "utf16le"),
      "is not UTF-8 text",
    ],
    ["UTF-16 without a mark", Buffer.from("[other]\nregion = x\n", "utf16le"), "is not UTF-8 text"],
    ["a byte order mark", Buffer.from("\uFEFF[other]\nregion = x\n"), "begins with a byte order mark"],
  ])("gives copies where %s in the credentials file stops the AWS CLI, and says so", async (_, bytes, why) => {
    writeFileSync(join(home, ".aws", "config"), "[profile other]\nregion = us-east-1\n");
    const path = join(home, ".aws", "credentials");
    writeFileSync(path, bytes);
    const { stdout, stderr } = await fixture.run(["env", "dev", "--format", "json"], { env: { HOME: home } });
    const { set } = JSON.parse(stdout) as Changes;
    expect(stderr).toContain(`the AWS CLI stops at ${path}, which ${why}: this shell gets copies without it`);
    const copies = [set["AWS_CONFIG_FILE"]!, set["AWS_SHARED_CREDENTIALS_FILE"]!].map((each) =>
      readFileSync(each, "utf8"),
    );
    expect(copies[0]).toMatch(/^# Written by brokerctl .*\n\[profile other\]\nregion = us-east-1\n$/);
    expect(copies[1]).toMatch(/^# Written by brokerctl[^\n]*\n$/);
  });

  it("gives a copy of a config whose first setting stands before any section, without that setting", async () => {
    writeFileSync(
      join(home, ".aws", "config"),
      "aws_access_key_id = AKIAHEADLESS00000000\n[profile other]\nregion = us-east-1\n",
    );
    const { stdout } = await fixture.run(["env", "dev", "--format", "json"], { env: { HOME: home } });
    const { set } = JSON.parse(stdout) as Changes;
    expect(readFileSync(set["AWS_CONFIG_FILE"]!, "utf8").split("\n").slice(1)).toEqual([
      "[profile other]",
      "region = us-east-1",
      "",
    ]);
  });

  it("sets the other of AWS_REGION and AWS_DEFAULT_REGION where only one is set and the role has no region", async () => {
    writeFileSync(join(home, ".aws", "config"), "[profile other]\nregion = us-east-1\n");
    const regionsOf = async (role: string, env: Record<string, string>): Promise<unknown[]> => {
      const { stdout } = await fixture.run(["env", role, "--format", "json"], { env: { HOME: home, ...env } });
      const { set } = JSON.parse(stdout) as Changes;
      return [set["AWS_REGION"], set["AWS_DEFAULT_REGION"]];
    };
    expect(await regionsOf("prod", { AWS_REGION: "x" })).toEqual([undefined, "x"]);
    expect(await regionsOf("prod", { AWS_DEFAULT_REGION: "x", AWS_REGION: "" })).toEqual(["x", undefined]);
    expect(await regionsOf("prod", { AWS_REGION: "x", AWS_DEFAULT_REGION: "y" })).toEqual([undefined, undefined]);
    expect(await regionsOf("prod", {})).toEqual([undefined, undefined]);
    expect(await regionsOf("dev", { AWS_REGION: "x" })).toEqual(["eu-west-1", "eu-west-1"]);
  });

  it("leaves files without a default profile alone", async () => {
    writeFileSync(join(home, ".aws", "config"), "[profile other]\nregion = us-east-1\n");
    const { stdout, stderr } = await fixture.run(["env", "dev"], { env: { HOME: home } });
    expect(stdout).not.toContain("AWS_CONFIG_FILE");
    expect(stderr).toBe("");
  });

  it("takes away a [default] with only a region, at which osls stops, and says so; the region goes by variables", async () => {
    const options = { env: { HOME: home } };
    const { stdout, stderr } = await fixture.run(["env", "prod", "--format", "json"], options);
    const { set } = JSON.parse(stdout) as Changes;
    expect(readFileSync(set["AWS_CONFIG_FILE"]!, "utf8")).not.toContain("[default]");
    expect(set).toMatchObject({ AWS_SDK_LOAD_CONFIG: "1", AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1" });
    expect(stderr).toContain(`without the [default] of ${join(home, ".aws", "config")}`);
  });

  it("does not let the region of [default] take the place of the role's, or of one that the user has set", async () => {
    writeFileSync(join(home, ".aws", "config"), "[default]\nregion = us-west-2\noutput = text\n");
    const regionOf = async (role: string, env: Record<string, string>): Promise<unknown[]> => {
      const { stdout } = await fixture.run(["env", role, "--format", "json"], { env: { HOME: home, ...env } });
      const { set } = JSON.parse(stdout) as Changes;
      return [set["AWS_REGION"], set["AWS_DEFAULT_REGION"], set["AWS_DEFAULT_OUTPUT"]];
    };
    expect(await regionOf("dev", {})).toEqual(["eu-west-1", "eu-west-1", "text"]);
    expect(await regionOf("prod", { AWS_REGION: "x" })).toEqual([undefined, "x", "text"]);
    const all = { AWS_REGION: "x", AWS_DEFAULT_REGION: "y", AWS_DEFAULT_OUTPUT: "json" };
    expect(await regionOf("prod", all)).toEqual([undefined, undefined, undefined]);
  });

  it("says so and sets files without the keys, which it copies nowhere", async () => {
    writeFileSync(
      join(home, ".aws", "credentials"),
      `[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = ${SECRET}\n`,
    );
    const { stdout, stderr } = await fixture.run(["env", "dev", "--format", "json"], { env: { HOME: home } });
    const { set } = JSON.parse(stdout) as Changes;
    expect(stderr).toContain(`aws_access_key_id in [default] of ${join(home, ".aws", "credentials")}`);
    const [config = "", credentials = ""] = [set["AWS_CONFIG_FILE"], set["AWS_SHARED_CREDENTIALS_FILE"]];
    expect(readFileSync(config, "utf8")).toContain("[profile other]\nregion = us-east-1");
    expect(readFileSync(credentials, "utf8")).not.toContain("AKIA");
    expect([config, credentials].map((path) => statSync(path).mode & 0o777)).toEqual([0o400, 0o400]);
  });

  it("honours the variables that name other files, and keeps files of ours that a shell has already", async () => {
    const other = join(home, "other-config");
    writeFileSync(other, "[default]\nsso_session = corp\n");
    const first = await fixture.run(["env", "dev", "--format", "json"], {
      env: { HOME: home, AWS_CONFIG_FILE: other },
    });
    const { set } = JSON.parse(first.stdout) as Changes;
    expect(set).toHaveProperty("AWS_CONFIG_FILE");
    const again = await fixture.run(["env", "dev", "--format", "json"], {
      env: {
        HOME: home,
        AWS_CONFIG_FILE: set["AWS_CONFIG_FILE"]!,
        AWS_SHARED_CREDENTIALS_FILE: set["AWS_SHARED_CREDENTIALS_FILE"]!,
      },
    });
    expect(again.stderr).toBe("");
    expect((JSON.parse(again.stdout) as Changes).set).not.toHaveProperty("AWS_CONFIG_FILE");
  });
});
