import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { environmentOfChild } from "../../src/cli/access/child-environment.js";
import { readStamp } from "../../src/cli/aws-files/copies-stamp.js";
import { type Outcome, runProgram } from "../support/broker.js";
import { NODE_PROGRAM } from "../support/brokerctl.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import { fromOf, makeCopiesFor } from "../support/copies.js";
import { launcher, pathWithoutNode } from "../support/launcher.js";
import { seededRandom } from "../support/random.js";
import { tempDir } from "../support/temp-dir.js";

const SEED = Number(process.env["CREDBROKER_TEST_SEED"] ?? 1313);
const IS_FULL = process.env["CREDBROKER_TEST_FULL"] === "1";
/** Of the launcher, beside what the Node program's functions say; and of both as processes. */
const ENVIRONMENTS = IS_FULL ? 4000 : 400;
const PAIRS = IS_FULL ? 200 : 24;

type Environment = Record<string, string>;

let fixture: CliFixture;
let base: Environment;
let plainHome: string;
let random: () => number;

beforeEach(async () => {
  random = seededRandom(SEED);
  fixture = await cliFixture();
  fixture.control.knowsLaunches = true;
  fixture.control.addSource("ops").addRole("dev", { region: "eu-west-1" }).addRole("prod");
  fixture.control.defaultRole = "prod";
  fixture.control.leases = fixture.control.leases.map((lease) => ({ ...lease, role: "prod" }));
  base = { PATH: pathWithoutNode(), HOME: tempDir("user", "input"), CREDBROKER_HOME: fixture.home };
  mkdirSync(join(base["HOME"]!, ".aws"));
  writeFileSync(join(base["HOME"]!, ".aws", "config"), "[default]\nregion = ap-south-1\noutput = json\n[profile a]\n");
  await makeCopiesFor(base);
  // Nothing in it competes: `env` has nothing to say.
  plainHome = tempDir("plain", "input");
  mkdirSync(join(plainHome, ".aws"));
  writeFileSync(join(plainHome, ".aws", "config"), "[profile a]\nregion = ap-south-1\n");
  await makeCopiesFor({ ...base, HOME: plainHome });
});

const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

const NAMES = [
  ...["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_CREDENTIAL_FILE", "AWS_ACCOUNT_ID"],
  ...["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_DEFAULT_PROFILE"],
  ...["AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_OUTPUT", "AWS_PAGER"],
  ...["AWS_PROD_PROFILE", "AWS_MY-STAGE_ACCESS_KEY_ID", "AWS__PROFILE", "AWS_X\nY_PROFILE", "AWS_SDK_LOAD_CONFIG"],
  ...["NO_PROXY", "no_proxy", "HTTP_PROXY", "CREDBROKER_LEASE", "CREDBROKER_REGION", "AWS_EC2_METADATA_DISABLED"],
  ...["TERM", "A", "_", "EMPTY", "with space", "ümläut", "AWS", "AWS_", "AWS_ENDPOINT_URL", "XDG_STATE_HOME"],
  ...["XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "SHELL", "AWS_PROFILE_X", "MY_AWS_PROFILE", "AMAZON_SESSION_TOKEN"],
];
const VALUES = [
  ...["", "x", "eu-central-1", "a=b=c", "two words", "line\nbreak", "tab\tand 'quotes' \"both\"", "$HOME", "ünïcødé ☃"],
  ...[
    "*",
    "corp.example, .internal ,127.0.0.1",
    " , ,localhost",
    "a,a,b",
    "-x",
    "/tmp",
    "relative/path",
    "http://127.0.0.1:1/creds",
  ],
  ...[
    `brk_${"a".repeat(43)}`,
    `Bearer brk_${"b".repeat(43)}`,
    `http://127.0.0.1:1/lease/brk_${"c".repeat(43)}`,
    "x".repeat(300),
  ],
];

function someEnvironment(): Environment {
  const names = Array.from({ length: Math.floor(random() * 14) }, () => pick(NAMES));
  return { ...base, ...Object.fromEntries(names.map((name) => [name, pick(VALUES)])) };
}

/** Hosts of a proxy list that JavaScript may trim otherwise, for which the launcher asks the Node program. */
function isForNode({ NO_PROXY = "", no_proxy = "" }: Environment): boolean {
  return /[^\0-\x7f]/.test(NO_PROXY + no_proxy);
}

function launched(argv: readonly string[], env: Environment): Promise<Outcome> {
  return runProgram([launcher(), ...argv], { env });
}

/** Of what `env -0` prints. */
function variablesIn(text: string): Environment {
  const entries = text.split("\0").slice(0, -1);
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

describe("a command that the launcher runs", () => {
  it(`has the environment that the Node program gives it, in ${ENVIRONMENTS} environments (seed ${SEED})`, async () => {
    for (let index = 0; index < ENVIRONMENTS; index++) {
      const env = someEnvironment();
      if (isForNode(env)) continue;
      const role = someRole(env);
      const outcome = await launched(["exec", ...role, "--", "/usr/bin/env", "-0"], env);
      expect({ ...outcome, stdout: "", env }).toEqual({ code: 0, signal: null, stderr: "", stdout: "", env });
      const given = variablesIn(outcome.stdout);
      const token = given["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "";
      const region = role[0] === "dev" ? { AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1" } : {};
      const lease = {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/creds`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
        ...region,
      };
      expect(fixture.control.leases.length).toBeGreaterThan(0);
      const { directory, from } = fromOf(env);
      const copies = readStamp(directory, from, "0.1.0")!;
      expect(given).toEqual(withoutUndefined(environmentOfChild(env, lease, copies)));
    }
    // It did it itself: Node is not in PATH, and each was one launch.
    expect(fixture.control.requests("lease-child").length).toBe(fixture.control.requests("lease-hand-over").length);
  });

  it(`gets arguments, streams and an end as from the Node program, as do env and credential-process (${PAIRS} pairs, seed ${SEED})`, async () => {
    for (let index = 0; index < PAIRS; index++) {
      const env = { ...someEnvironment(), HOME: plainHome };
      if (isForNode(env)) continue;
      const argv = someCommand(env);
      const native = await launched(argv, env);
      const node = await runProgram([...NODE_PROGRAM, ...argv], { env });
      expect({ argv, env, ...masked(native) }).toEqual({ argv, env, ...masked(node) });
    }
  });
});

/** None: the default lease's, where the environment holds no other. */
function someRole(env: Environment): readonly string[] {
  const hasLease = env["AWS_CONTAINER_CREDENTIALS_FULL_URI"]?.startsWith("http://127.0.0.1:") === true;
  return pick([["dev"], ["prod"], hasLease ? ["dev"] : []]);
}

function withoutUndefined(env: Readonly<Record<string, string | undefined>>): Environment {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function someCommand(env: Environment): readonly string[] {
  const words = Array.from({ length: Math.floor(random() * 6) }, () =>
    pick(["--", "--json", "-n", "--help", ...VALUES]),
  );
  const role = someRole(env);
  return pick<readonly string[]>([
    ["exec", ...role, "--", "printf", "%s\\0", ...words],
    ["exec", ...role, "--", "/usr/bin/env", "-0"],
    ["exec", ...role, "--", "sh", "-c", `echo out; echo err >&2; exit ${String(Math.floor(random() * 256))}`, ...words],
    ["exec", ...role, "--", "sh", "-c", `kill -${pick(["TERM", "KILL", "SEGV", "INT", "HUP", "PIPE"])} $$`],
    ["env", pick(["dev", "prod"])],
    ["credential-process", pick(["dev", "prod"])],
  ]);
}

/** Each lease has a token of its own. */
function masked({ code, signal, stdout, stderr }: Outcome): Outcome {
  const sorted =
    stdout.includes("\0") && stdout.includes("CREDBROKER_LEASE=") ? stdout.split("\0").sort().join("\0") : stdout;
  const tokens = [...new Set(sorted.match(/brk_n{1,43}\d*|brk_[\w-]{43}/g) ?? [])];
  let text = sorted;
  for (const token of tokens) {
    const mark = createHash("sha256").update(token).digest("hex").slice(0, 16);
    text = text.replaceAll(`${mark}:${token.slice(-8)}:`, "MARK:").replaceAll(token, "TOKEN");
  }
  return { code, signal, stdout: text, stderr };
}
