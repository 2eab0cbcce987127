import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tempDir } from "../support/temp-dir.js";
import { AWS_CLI, BOTO3 } from "./aws-clients.js";
import { type Bench, DEV, PROD, startBench, type UserShell } from "./bench.js";
import { COMPETING_HOMES, competingHome } from "./homes.js";
import { arnsIn } from "./outcomes.js";
import { SIGNERS, serverless3 } from "./signers.js";

const SESSION_SECONDS = 12;
const WATCH_SECONDS = SESSION_SECONDS + 4;

let bench: Bench;
let short: Bench;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
  short = await startBench({ sessionSeconds: SESSION_SECONDS });
}, 180_000);
afterAll(async () => {
  await bench.stop();
  await short.stop();
});

function rolesOf(on: Bench, label: string): readonly (string | undefined)[] {
  return on.proxy.keysOf(label).map((key) => on.proxy.roleOf(key));
}

/** A service of the user's with a plugin that asks again and again. */
function service(): string {
  const directory = tempDir("service");
  writeFileSync(
    join(directory, "serverless.yml"),
    "service: repeat\nprovider:\n  name: aws\nplugins: [./repeat.cjs]\n",
  );
  copyFileSync(resolve("test/clients/programs/repeat.cjs"), join(directory, "repeat.cjs"));
  return directory;
}

const QUIET = "SLS_TELEMETRY_DISABLED=1 SLS_NOTIFICATIONS_MODE=off CI=1";

function serverless(shell: UserShell, { before, flags }: { before: string; flags: string }) {
  const script = `cd '${service()}' && exec ${before} env ${QUIET} REPEAT_SECONDS=${WATCH_SECONDS} "$@" repeat ${flags}`;
  return shell.script(script, serverless3());
}

const HOMES = COMPETING_HOMES.filter(({ name }) => ["nothing", "keys", "SSO", "a process"].includes(name));

describe("exec --as profile", () => {
  it.concurrent.each(SIGNERS.flatMap((signer) => HOMES.map((home) => ({ signer, home }))))(
    "has $signer.name, [default] with $home.name, sign as the role",
    async ({ signer, home }) => {
      const directory = competingHome(home);
      const label = `profile/${signer.name}/${home.name}`;
      const shell = bench.shell({ kind: "empty", directory, env: { HOME: directory } }, label);
      const outcome = await shell.withExec(`${PROD.name} --as profile`, signer.command());
      expect([rolesOf(bench, label), outcome.stdout + outcome.stderr]).toEqual([[PROD.roleArn], expect.any(String)]);
    },
  );

  it("has a profile of each role that is named, and `aws --profile` is that role", async () => {
    const shell = bench.shell("[default] with keys", "by flag");
    for (const [profile, { arn }] of [
      ["dev", DEV],
      ["mine", PROD],
    ] as const) {
      const command = [...AWS_CLI.identity, "--profile", profile];
      const outcome = await shell.withExec(`dev --as profile --profile mine=${PROD.name}`, command);
      expect([arnsIn(outcome), outcome.code]).toEqual([[arn], 0]);
    }
  });

  it("is what Serverless 3 takes by --aws-profile, and goes on with after the first key has ended", async () => {
    const label = "Serverless 3, repeating";
    const shell = short.shell("[default] with keys", label);
    const flags = `--aws-profile ${DEV.name}`;
    const outcome = await serverless(shell, { before: `brokerctl exec ${DEV.name} --as profile --`, flags });
    expect([outcome.code, [...new Set(arnsIn(outcome))], outcome.stderr]).toEqual([0, [DEV.arn], expect.any(String)]);
    const keys = short.proxy.keysOf(label);
    expect(keys.length).toBeGreaterThanOrEqual(2);
    expect(rolesOf(short, label)).toEqual(keys.map(() => DEV.roleArn));
    const calls = short.proxy.callsOf(label);
    expect(calls.at(-1)).toMatchObject({ status: 200, accessKeyId: keys.at(-1) });
    expect(calls.at(-1)!.at).toBeGreaterThan(short.proxy.endOf(keys[0]!));
  });

  it("does what a `credential_process` cannot: Serverless 3 takes no such profile", async () => {
    const shell = bench.shell("empty", "Serverless 3, synced");
    mkdirSync(join(shell.home.directory, ".aws"), { recursive: true });
    expect(await shell.script("brokerctl profiles sync")).toMatchObject({ code: 0 });
    const outcome = await serverless(shell, { before: "", flags: `--aws-profile ${DEV.name}` });
    expect([outcome.code, outcome.stdout + outcome.stderr]).toEqual([
      1,
      expect.stringContaining("doesn't seem to be configured"),
    ]);
    expect(bench.proxy.callsOf("Serverless 3, synced")).toEqual([]);
  });

  it("says until when keys are good to a program that reads the file once: boto3 is refused after that", async () => {
    const label = "boto3, once";
    const shell = short.shell("empty", label);
    const outcome = await shell.withExec(`${DEV.name} --as profile`, [...BOTO3.identity, String(WATCH_SECONDS)]);
    expect([outcome.code === 0, outcome.stderr]).toEqual([false, expect.stringContaining("good until")]);
    expect(short.proxy.keysOf(label).length).toBe(1);
    expect(arnsIn(outcome).length).toBeGreaterThan(0);
  });
});
