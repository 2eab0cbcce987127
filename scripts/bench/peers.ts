import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type FakeAws, startFakeAws } from "../../test/fakes/fake-aws/fake-aws.js";
import { awsOptions, roleArn, USER_KEY } from "../../test/support/in-process-broker.js";
import type { PeerCommand, Peers } from "./measure.js";

const DIRECTORY = resolve(".bench-peers");
const MODULE = "github.com/99designs/aws-vault/v7@v7.2.0";
const PROFILES = `[profile base]\nregion = eu-west-1\n\n[profile dev]\nsource_profile = base\nrole_arn = ${roleArn("dev")}\nregion = eu-west-1\n`;

/** `NAME=URL,TOKEN` */
export function parsePeer(text: string): Peers["endpoints"][number] {
  const [, name, url, token] = /^([^=]+)=(https?:\/\/[^,]+),(.+)$/.exec(text) ?? [];
  if (name === undefined || url === undefined || token === undefined)
    throw new Error(`--peer takes NAME=URL,TOKEN, not ${text}`);
  return { name, url, token };
}

/** `NAME=COMMAND`, beside `exec`; `ROW:NAME=COMMAND` beside another row. */
export function parsePeerCommand(text: string): PeerCommand {
  const [, row = "exec", name, command] = /^(?:([^=:]+):)?([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined)
    throw new Error(`--peer-cmd takes NAME='COMMAND', or ROW:NAME='COMMAND', not ${text}`);
  return { row, name, command };
}

export interface RunningPeers extends Peers {
  readonly close: () => Promise<void>;
}

/** aws-vault, built into `.bench-peers/` by the Go proxy where it is not there yet, with a fake AWS and a keyring in a file. */
export async function startAwsVault(): Promise<RunningPeers> {
  const program = join(DIRECTORY, "bin", "aws-vault");
  if (!existsSync(program)) {
    process.stderr.write(`building ${MODULE} into ${DIRECTORY}\n`);
    execFileSync("go", ["install", MODULE], {
      env: { ...process.env, GOBIN: join(DIRECTORY, "bin") },
      stdio: "inherit",
    });
  }
  const aws = await startFakeAws(awsOptions());
  const env = prepareHome(aws);
  execFileSync(program, ["add", "base", "--env"], {
    env: { ...env, AWS_ACCESS_KEY_ID: USER_KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: USER_KEY.secretAccessKey },
  });
  // It serves as long as its child runs, to which it gives address and token.
  const report = 'echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI $AWS_CONTAINER_AUTHORIZATION_TOKEN"; exec sleep 1000000';
  const server = spawn(program, ["exec", "--ecs-server", "dev", "--", "/bin/sh", "-c", report], {
    env,
    detached: true,
  });
  const ended = once(server, "exit").then(() => {
    throw new Error("aws-vault ended, and serves nothing");
  });
  ended.catch(() => undefined);
  const [line] = (await Promise.race([once(server.stdout, "data"), ended])) as [Buffer];
  const [url = "", token = ""] = line.toString().trim().split(" ");
  return {
    endpoints: [{ name: "aws-vault", url, token }],
    commands: [
      { row: "exec", name: "aws-vault", command: `${program} exec dev -- true`, env },
      { row: "credential-process", name: "aws-vault", command: `${program} export --format=json dev`, env },
    ],
    close: async () => {
      if (server.pid !== undefined) process.kill(-server.pid, "SIGTERM");
      await aws.close();
    },
  };
}

/** A user of aws-vault alone: an empty keyring, two profiles. */
function prepareHome(aws: FakeAws): Readonly<Record<string, string>> {
  const home = join(DIRECTORY, "home");
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, ".aws"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".aws", "config"), PROFILES);
  return {
    ...{ PATH: process.env["PATH"] ?? "", HOME: home, AWS_ENDPOINT_URL_STS: aws.url },
    ...{ AWS_VAULT_BACKEND: "file", AWS_VAULT_FILE_PASSPHRASE: "bench", AWS_VAULT_FILE_DIR: join(home, "keyring") },
  };
}
