import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import {
  type FakeIdentityCenter,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { freePort, type Outcome } from "../support/broker.js";
import { canaryPassphrase, canarySecretKey } from "../support/canaries.js";
import { ACCOUNT, awsOptions, get, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { installPacked, npmInstallCommand, pack, registrySettings } from "../support/packed.js";
import { runToEnd } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

const SERIAL = `arn:aws:iam::${ACCOUNT}:mfa/me`;
const MFA_KEY = { accessKeyId: "AKIA0000000000000002", secretAccessKey: canarySecretKey("mfa") };
const NPM_LIMIT_S = 150;

let aws: FakeAws;
let center: FakeIdentityCenter;
let prefix: string;
let home: string;
let url: string;

const configText = (port: number): string => `version: 1
secret_store: key_file
endpoint: { port: ${port} }
defaults: { region: eu-west-1 }
sources:
  ops-keys: { type: keys }
  ops-mfa: { type: keys, mfa_serial: "${SERIAL}" }
  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
roles:
  dev: { source: ops-keys, role_arn: "${roleArn("dev")}" }
  prod: { source: ops-keys, role_arn: "${roleArn("prod")}" }
  careful: { source: ops-mfa, role_arn: "${roleArn("careful")}" }
  power: { source: corp, sso_account_id: "100000000001", sso_role_name: AdministratorAccess }
`;

beforeAll(async () => {
  const me = { account: ACCOUNT, userName: "me" };
  aws = await startFakeAws({
    users: [
      { ...USER_KEY, ...me },
      { ...MFA_KEY, account: ACCOUNT, userName: "careful", mfaSerial: SERIAL },
    ],
    roles: [...(awsOptions().roles ?? []), { arn: roleArn("careful"), requireMfa: true }],
  });
  center = await startFakeIdentityCenter({ aws });
  prefix = installPacked(pack());
  home = tempDir("upgrade");
  writeFileSync(join(home, "config.yaml"), configText(await freePort()), { mode: 0o600 });
});

afterAll(async () => {
  await ctl(["stop"]);
  await center.close();
  await aws.close();
});

interface CtlOptions {
  readonly input?: string;
  readonly at?: string;
}

/** The installed brokerctl, whichever version that is. */
function ctl(args: readonly string[], { input, at = home }: CtlOptions = {}): Promise<Outcome> {
  const env = {
    PATH: `${join(prefix, "bin")}:${process.env["PATH"] ?? ""}`,
    HOME: at,
    CREDBROKER_HOME: at,
    AWS_ENDPOINT_URL: aws.url,
    AWS_ENDPOINT_URL_SSO: center.url,
    AWS_ENDPOINT_URL_SSO_OIDC: center.url,
    BROWSER: `${process.execPath} ${resolve("test/flows/programs/approving-browser.mjs")}`,
    APPROVING_BROWSER_LOG: join(at, "browser.log"),
  };
  return runToEnd([join(prefix, "bin", "brokerctl"), ...args], { env, ...(input !== undefined && { input }) });
}

async function done(args: readonly string[], options?: CtlOptions): Promise<Outcome> {
  const outcome = await ctl(args, options);
  expect([args.join(" "), outcome.code, outcome.code === 0 ? "" : outcome.stderr]).toEqual([args.join(" "), 0, ""]);
  return outcome;
}

interface Status {
  readonly daemon: { readonly version: string; readonly state: string; readonly pid: number };
  readonly default_role: string | null;
  readonly sources: readonly { readonly name: string; readonly state: string; readonly expires_at: string | null }[];
  readonly leases: readonly { readonly name: string | null; readonly role: string | null }[];
}

const statusOf = async (): Promise<Status> => JSON.parse((await done(["status", "--json"])).stdout) as Status;

async function urlOf(lease: readonly string[]): Promise<string> {
  const { set } = JSON.parse((await done(["env", ...lease, "--format", "json"])).stdout) as {
    readonly set: Readonly<Record<string, string>>;
  };
  return set["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "";
}

const keyAt = async (lease: string): Promise<string | undefined> => (await get(lease)).body["AccessKeyId"];

const callsToAws = (): readonly number[] => [
  ...["AssumeRole", "GetSessionToken"].map((action) => aws.countOf(action)),
  ...(["CreateToken", "GetRoleCredentials", "RegisterClient"] as const).map((action) => center.countOf(action)),
];

describe("npm install --global of a newer version", () => {
  it("keeps leases, sessions and logins, and says how the running daemon becomes the new one", async () => {
    await done(["init", "--yes"]);
    for (const [source, { accessKeyId, secretAccessKey }] of Object.entries({
      "ops-keys": USER_KEY,
      "ops-mfa": MFA_KEY,
    })) {
      await done(["keys", "add", source, "--access-key-id", accessKeyId, "--secret-stdin"], {
        input: `${secretAccessKey}\n`,
      });
    }
    aws.allowMfaCodes("123456");
    await done(["login", "ops-mfa", "--mfa-code-stdin"], { input: "123456\n" });
    await done(["login", "corp"]);
    await done(["use", "dev"]);
    await done(["lease", "create", "ide", "careful"]);
    await done(["lease", "create", "agent", "power"]);
    url = await urlOf([]);
    const leases = [url, await urlOf(["--lease", "ide"]), await urlOf(["--lease", "agent"])];
    const keys = await Promise.all(leases.map(keyAt));
    expect(keys).toEqual(leases.map(() => expect.stringMatching(/^ASIA/) as string));
    const before = await statusOf();
    const calls = callsToAws();

    const { asked, failed } = await whileUpgrading(url, pack("0.2.0"));
    expect(failed).toEqual([]);
    expect(asked).toBeGreaterThan(10);

    expect((await statusOf()).daemon).toMatchObject({ version: "0.1.0", pid: before.daemon.pid });
    expect((await done(["status"])).stderr).toMatch(
      /brokerd is version 0\.1\.0, brokerctl 0\.2\.0[^]*brokerctl restart/,
    );
    // The old process has the new files around it: what it never loaded must still work, or not be needed.
    await done(["whoami", "prod"]);
    expect(await Promise.all(leases.map(keyAt))).toEqual(keys);

    await done(["restart"]);
    const now = await statusOf();
    expect([now.daemon.version, now.daemon.state, (await done(["roles"])).stderr]).toEqual(["0.2.0", "ready", ""]);
    expect(now.default_role).toBe("dev");
    expect(now.sources).toEqual(before.sources);
    expect(now.leases.map(({ name, role }) => [name, role])).toEqual(
      before.leases.map(({ name, role }) => [name, role]),
    );
    expect(await Promise.all(leases.map(keyAt))).toEqual(keys);
    expect(await urlOf([])).toBe(url);
    // One more AssumeRole and its GetCallerIdentity were for `prod`: nothing was fetched anew.
    expect(callsToAws()).toEqual(calls.map((count, index) => (index === 0 ? count + 1 : count)));
    await done(["stop"]);
  });
});

/** Asks the lease all the time while npm replaces the files that the daemon was started from. */
async function whileUpgrading(lease: string, tarball: string): Promise<{ asked: number; failed: readonly string[] }> {
  let [asked, isOver] = [0, false];
  const failed: string[] = [];
  const asking = (async () => {
    for (; !isOver; asked += 1) {
      const said = await get(lease).then(
        ({ status }) => String(status),
        (error: unknown) => String(error),
      );
      if (said !== "200") failed.push(said);
      await new Promise((wait) => setTimeout(wait, 20));
    }
  })();
  const env = { PATH: process.env["PATH"] ?? "", HOME: tempDir("npm-home", "input"), ...registrySettings() };
  const { code, stderr } = await runToEnd(npmInstallCommand(prefix, tarball), { env, seconds: NPM_LIMIT_S });
  isOver = true;
  await asking;
  if (code !== 0) throw new Error(`npm install failed:\n${stderr}`);
  return { asked, failed };
}

interface NewerFile {
  readonly file: string;
  /** As a version to come might write it. */
  readonly make: (data: Buffer) => Buffer;
  /** Which command, or the log, names the file. */
  readonly named: "start" | "status" | "log";
  readonly startCode: number;
  /** Of a lease meanwhile; undefined: no answer. */
  readonly answer: number | undefined;
}

const text = (change: (text: string) => string) => (data: Buffer) => Buffer.from(change(data.toString()));
const sealed = (data: Buffer): Buffer => {
  data.writeUInt16BE(2, 8);
  return data;
};
const NEWER: readonly NewerFile[] = [
  {
    file: "config.yaml",
    make: text((yaml) => yaml.replace("version: 1", "version: 2\nnew: true")),
    ...{ named: "start", startCode: 0, answer: 400 },
  },
  {
    file: "state/leases.json",
    make: text((json) => json.replace(/"version": \d+/, '"version": 1000,\n  "new": 1')),
    ...{ named: "start", startCode: 1, answer: undefined },
  },
  {
    file: "state/lambda-roles.json",
    make: text(() => '{"version":3,"roles":{}}\n'),
    ...{ named: "log", startCode: 0, answer: 200 },
  },
  {
    file: "state/requests.json",
    make: text(() => '{"version":2,"requests":[],"new":1}\n'),
    ...{ named: "log", startCode: 0, answer: 200 },
  },
  { file: "state/data.key", make: text((key) => `v2:${key}`), named: "start", startCode: 0, answer: 400 },
  { file: "state/secrets.sealed", make: sealed, named: "start", startCode: 0, answer: 400 },
  // What is in it can be fetched again; until then the newer version's MFA sessions stay where they are.
  { file: "state/cache.sealed", make: sealed, named: "status", startCode: 0, answer: 200 },
];

/** All that can be told apart of a file without its name. */
const stateOf = (path: string): readonly unknown[] => [readFileSync(path), statSync(path, { bigint: true }).mtimeNs];

/** What people do with a daemon that does not do what they want. */
async function useAll(at: string): Promise<void> {
  for (const words of ["use prod", "lease create other dev", "restart", "stop"]) {
    await ctl(words.split(" "), { at });
  }
}

describe("an older version", () => {
  it.each(NEWER)("names a newer version's $file and leaves it as it is, byte for byte", async (newer) => {
    const at = join(tempDir("downgrade"), "home");
    const filter = (from: string): boolean => !lstatSync(from).isSocket();
    cpSync(home, at, { recursive: true, preserveTimestamps: true, filter });
    const path = join(at, newer.file);
    const written = readIfThere(path);
    const changed = newer.make(Buffer.from(written));
    expect(changed.equals(written)).toBe(false);
    writeFileSync(path, changed, { mode: 0o600 });
    const before = stateOf(path);
    // All have one port: a daemon that a failed case leaves behind would fail the others.
    onTestFinished(async () => void (await ctl(["stop"], { at })));

    const start = await ctl(["start"], { at });
    const status = await ctl(["status"], { at });
    const answer = await get(url).catch(() => undefined);
    expect([start.code, answer?.status]).toEqual([newer.startCode, newer.answer]);
    const log = readFileSync(join(at, "state", "brokerd.log"), "utf8");
    expect({ start: start.stderr, status: status.stderr, log }[newer.named]).toContain(path);

    await useAll(at);
    expect(stateOf(path)).toEqual(before);
    expect(readdirSync(join(at, "state")).filter((name) => name.includes("broken"))).toEqual([]);
  });

  it("does so with a newer version's data-key.wrapped, and asks for no passphrase in vain", async () => {
    const at = tempDir("downgrade-passphrase");
    const passphrase = `${canaryPassphrase("upgrade")}\n`;
    const port = String(await freePort());
    const init = ["init", "--secret-store", "passphrase", "--passphrase-stdin", "--port", port, "--yes"];
    await done(init, { at, input: passphrase });
    await done(["stop"], { at });
    const path = join(at, "state", "data-key.wrapped");
    const data = readFileSync(path);
    data.writeUInt8(2, 8);
    writeFileSync(path, data);
    const before = stateOf(path);
    await ctl(["start"], { at });
    const unlock = await ctl(["unlock", "--passphrase-stdin"], { at, input: passphrase });
    expect([unlock.code === 0, unlock.stderr.includes(path)]).toEqual([false, true]);
    await useAll(at);
    expect(stateOf(path)).toEqual(before);
  });
});

function readIfThere(path: string): Buffer {
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}
