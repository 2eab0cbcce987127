import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { SERVED } from "../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import type { RunResult } from "../support/cli-run.js";
import { tempDir } from "../support/temp-dir.js";

let fixture: CliFixture;
let seenFile: string;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" }).addRole("prod");
  seenFile = join(tempDir("seen", "input"), "seen.json");
});

const PRINT = "require('fs').writeFileSync(process.argv[1], JSON.stringify(process.env))";

/** `exec` with a child that writes down its environment; a terminal sits there, and offers what is missing. */
async function exec(argv: readonly string[], options: Parameters<CliFixture["run"]>[1] = {}): Promise<RunResult> {
  return fixture.run(["exec", ...argv, "--", process.execPath, "-e", PRINT, seenFile], options);
}

const seen = (): Record<string, string> => JSON.parse(readFileSync(seenFile, "utf8")) as Record<string, string>;

describe("exec with a user at the terminal", () => {
  it("offers the login that is missing before anything runs", async () => {
    fixture.control.needMfa("dev", "123456");
    const declined = await exec(["dev"], { answers: [[/Log in now/, false]] });
    expect([declined.code, existsSync(seenFile)]).toEqual([4, false]);
    const { code } = await exec(["dev"], {
      answers: [
        [/Log in now/, true],
        [/MFA code/, "123456"],
      ],
    });
    expect([code, seen()["AWS_REGION"]]).toEqual([0, "eu-west-1"]);
  });

  it.each([
    ["a lease of its own", ["dev"]],
    ["a named lease", ["--lease", "ide"]],
    ["keys, for which no lease stays", ["--lease", "ide", "--as", "static"]],
    ["keys of the default role", ["--as", "static"]],
  ])("gives CMD %s", async (_, argv) => {
    fixture.control.addLease("named", { name: "ide", role: "dev" });
    fixture.control.leases = fixture.control.leases.map((lease) => ({ ...lease, role: "dev" }));
    expect(await exec(argv)).toMatchObject({ code: 0 });
    const isStatic = argv.includes("static");
    expect(seen()["AWS_ACCESS_KEY_ID"]).toBe(isStatic ? SERVED.accessKeyId : undefined);
    expect(seen()["AWS_CONTAINER_AUTHORIZATION_TOKEN"] === undefined).toBe(isStatic);
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default", "named"]);
  });

  it("names the socket of a lease that has one, and not that of the exec around it", async () => {
    expect(await exec(["dev", "--socket"])).toMatchObject({ code: 0 });
    const ofOwn = seen()["CREDBROKER_SOCKET"] ?? "";
    expect(ofOwn).toMatch(/\/leases\/\w+\/lease\.sock$/);
    expect(seen()["AWS_CONTAINER_AUTHORIZATION_TOKEN"]).toBeDefined();
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);

    expect(await exec(["dev"], { env: { CREDBROKER_SOCKET: ofOwn } })).toMatchObject({ code: 0 });
    expect(seen()).not.toHaveProperty("CREDBROKER_SOCKET");
  });

  it.each([[["dev", "--as", "static"]], [["dev", "--as", "profile"]], [["--lease", "ide"]]])(
    "refuses a socket where there is no lease of its own: %j",
    async (argv) => {
      fixture.control.addLease("named", { name: "ide", role: "dev" });
      const { code, stderr } = await exec([...argv, "--socket"]);
      expect([code, stderr]).toEqual([2, expect.stringContaining("--socket")]);
      expect(existsSync(seenFile)).toBe(false);
    },
  );

  it("refuses an end for keys, which nothing can end", async () => {
    expect(await exec(["dev", "--as", "static", "--for", "5m"])).toMatchObject({ code: 2 });
    expect(existsSync(seenFile)).toBe(false);
  });

  it("leaves a NO_PROXY for everything as it is", async () => {
    await exec(["dev"], { env: { NO_PROXY: "*" } });
    expect(seen()).toMatchObject({ NO_PROXY: "*", no_proxy: "*" });
  });

  it("refuses a lease without a role, and an empty command", async () => {
    fixture.control.addLease("named", { name: "free" });
    expect(await exec(["--lease", "free"])).toMatchObject({ code: 125 });
    expect(await fixture.run(["exec", "dev", "--", ""])).toMatchObject({ code: 2 });
    expect(await fixture.run(["exec", "dev"], { env: { SHELL: join(fixture.home, "nosuch") } })).toMatchObject({
      code: 127,
    });
  });

  it("passes exit codes and signals on", async () => {
    expect(await fixture.run(["exec", "dev", "--", "sh", "-c", "exit 7"])).toMatchObject({ code: 7 });
    expect(await fixture.run(["exec", "dev", "--", "sh", "-c", "kill -TERM $$"])).toMatchObject({ signal: "SIGTERM" });
    writeFileSync(join(fixture.home, "plain"), "");
    expect(await fixture.run(["exec", "dev", "--", join(fixture.home, "plain")])).toMatchObject({ code: 126 });
  });
});
