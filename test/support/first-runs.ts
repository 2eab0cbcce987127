import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import {
  type FakeIdentityCenter,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { organization } from "../fakes/fake-identity-center/organization.js";
import { canaryPassphrase, canarySecretKey } from "./canaries.js";
import { registrySettings } from "./packed.js";
import { runToEnd } from "./processes.js";
import { tempDir } from "./temp-dir.js";
import { inVenv } from "./venv.js";

const ACCOUNT = "111111111111";
const KEY = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey("first-run") };
const ROLE = `arn:aws:iam::${ACCOUNT}:role/dev`;
const FUNCTION_ROLE = `arn:aws:iam::${ACCOUNT}:role/orders`;
const KEYS_FILE = `[default]\naws_access_key_id = ${KEY.accessKeyId}\naws_secret_access_key = ${KEY.secretAccessKey}\n`;

/** A person with one kind of home, and what they type after the install. */
interface Person {
  readonly who: string;
  readonly setup: string;
  /** Of the identity that is the right one. */
  readonly identity: RegExp;
  readonly prepare: (home: string, world: World) => void;
}

interface World {
  readonly aws: FakeAws;
  readonly center: FakeIdentityCenter;
}

const PEOPLE: readonly Person[] = [
  {
    who: "an access key in `[default]`",
    setup: "brokerctl setup --from keys --yes",
    identity: /:user\/me$/,
    prepare: (home) => file(home, ".aws/credentials", KEYS_FILE),
  },
  {
    who: "Identity Center",
    setup: "brokerctl setup --sso-start-url https://corp.awsapps.com/start --sso-region eu-west-1 --yes",
    identity: /:assumed-role\/AWSReservedSSO_AdministratorAccess_/,
    prepare: () => undefined,
  },
  {
    who: "`aws login`",
    setup: "brokerctl setup --from aws-login --yes",
    identity: /:assumed-role\/dev\/me$/,
    prepare: consoleLogin,
  },
  {
    who: "aws-vault",
    setup: "brokerctl setup --from aws-vault --role dev --yes",
    identity: /:assumed-role\/dev\//,
    prepare: (home) => {
      file(home, ".aws/config", `[profile dev]\nrole_arn = ${ROLE}\nsource_profile = ops\nregion = eu-west-1\n`);
      file(home, "bin/state/keyring", `ops ${KEY.accessKeyId} ${KEY.secretAccessKey}\n`);
      cpSync(resolve("test/fakes/stand-ins/aws-vault"), join(home, "bin/aws-vault"));
      chmodSync(join(home, "bin/aws-vault"), 0o700);
    },
  },
  {
    who: "a Lambda developer with profiles",
    setup: "brokerctl setup --from keys --profile default --profile dev --role dev --function orders --yes",
    identity: /:assumed-role\/dev\//,
    prepare: (home) => {
      file(home, ".aws/credentials", KEYS_FILE);
      file(home, ".aws/config", `[profile dev]\nrole_arn = ${ROLE}\nsource_profile = default\nregion = eu-west-1\n`);
    },
  },
];

export interface FirstRun {
  readonly who: string;
  /** As they were typed, the install first. */
  readonly commands: readonly string[];
  readonly seconds: number;
  /** Of them the install: npm and the registry. */
  readonly installSeconds: number;
  /** What the AWS CLI printed; undefined where a command before it failed. */
  readonly identity: string | undefined;
  /** It is the right one, and AWS saw temporary keys. */
  readonly isRight: boolean;
  /** All that was printed. */
  readonly output: string;
}

/** A new user with each kind of home, from the packed tarball to the first answer of AWS to the AWS CLI. */
export async function firstRuns(tarball: string, most = PEOPLE.length): Promise<readonly FirstRun[]> {
  const aws = await startFakeAws({
    users: [{ ...KEY, account: ACCOUNT, userName: "me" }],
    roles: [
      { arn: ROLE, trusts: [`arn:aws:iam::${ACCOUNT}:user/me`] },
      { arn: FUNCTION_ROLE, trusts: [ROLE], trustPolicy: '{"Version":"2012-10-17","Statement":[]}' },
    ],
    functions: [{ arn: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:orders`, roleArn: FUNCTION_ROLE }],
  });
  const center = await startFakeIdentityCenter({ aws, users: { ann: organization(3, 2) } });
  try {
    const runs: FirstRun[] = [];
    for (const person of PEOPLE.slice(0, most)) runs.push(await firstRun(person, tarball, { aws, center }));
    return runs;
  } finally {
    await center.close();
    await aws.close();
  }
}

async function firstRun({ who, setup, identity, prepare }: Person, tarball: string, world: World): Promise<FirstRun> {
  const home = tempDir("first-run", "input"); // with keys of the user's own in clear
  mkdirSync(join(home, "run"), { mode: 0o700 });
  prepare(home, world);
  file(home, "passphrase", canaryPassphrase("first-run"));
  const commands = [
    `scripts/install --prefix "$HOME/.local" ${tarball}`,
    `${setup} --secret-store passphrase`,
    'eval "$(brokerctl env)" && aws sts get-caller-identity --query Arn --output text',
  ];
  const env = environmentOf(home, world);
  const installed = join(home, "installed-at");
  const script = [commands[0], `date +%s%3N > ${installed}`, ...commands.slice(1)].join("\n");
  const began = Date.now();
  const { stdout, stderr, code } = await runToEnd(["/bin/sh", "-euc", script], {
    env,
    cwd: resolve("."),
    seconds: 240,
  });
  const seconds = (Date.now() - began) / 1000;
  const installSeconds = (Number(readFileSync(installed, "utf8")) - began) / 1000;
  spawnSync(join(home, ".local/bin/brokerctl"), ["stop"], { env });
  const printed = code === 0 ? stdout.trim().split("\n").at(-1) : undefined;
  const signer = world.aws.calls.findLast(({ action }) => action === "GetCallerIdentity")?.signer;
  const isRight = printed !== undefined && identity.test(printed) && signer?.sessionToken !== undefined;
  return { who, commands, seconds, installSeconds, identity: printed, isRight, output: `${stdout}\n${stderr}` };
}

function environmentOf(home: string, { aws, center }: World): Record<string, string> {
  const { npm_config_cache: cache = "", ...registry } = registrySettings() as Record<string, string>;
  return {
    ...registry,
    ...(cache === "" ? {} : { npm_config_cache: cache }),
    HOME: home,
    XDG_RUNTIME_DIR: join(home, "run"),
    LANG: "C.UTF-8",
    PATH: [
      join(home, ".local/bin"),
      join(home, "bin"),
      dirname(process.execPath),
      dirname(inVenv("aws")),
      "/usr/bin",
      "/bin",
    ].join(":"),
    AWS_ENDPOINT_URL: aws.url,
    AWS_ENDPOINT_URL_SSO: center.url,
    AWS_ENDPOINT_URL_SSO_OIDC: center.url,
    BROWSER: `${process.execPath} ${resolve("test/flows/programs/approving-browser.mjs")}`,
    APPROVING_BROWSER_LOG: join(home, "browser.log"),
    CREDBROKER_PASSPHRASE_FILE: join(home, "passphrase"),
  };
}

function file(home: string, name: string, text: string): void {
  const path = join(home, name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}

/** As `aws login` leaves it: the profile names the session, the cache has its keys. */
function consoleLogin(home: string, { aws }: World): void {
  const session = `arn:aws:sts::${ACCOUNT}:assumed-role/dev/me`;
  const held = aws.openRole(ROLE, "me", Date.now() + 900_000);
  const { accessKeyId, secretAccessKey, sessionToken } = held;
  const accessToken = { accessKeyId, secretAccessKey, sessionToken, accountId: ACCOUNT };
  const login = {
    accessToken: { ...accessToken, expiresAt: new Date(Date.now() + 900_000).toISOString() },
    ...{ tokenType: "aws_sigv4", clientId: "arn:aws:signin:::devtools/same-device" },
    ...{ refreshToken: canarySecretKey("refresh"), dpopKey: canarySecretKey("dpop") },
  };
  const name = createHash("sha256").update(session).digest("hex");
  file(home, `.aws/login/cache/${name}.json`, JSON.stringify(login));
  file(home, ".aws/config", `[default]\nlogin_session = ${session}\nregion = eu-west-1\n`);
}
