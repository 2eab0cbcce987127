import { chmodSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { type Outcome, TestBroker } from "../support/broker.js";
import { canarySecretKey } from "../support/canaries.js";
import type { ExpirationProxy } from "../support/expiration-proxy.js";
import { runToEnd } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";
import { startUpstream } from "../support/upstream.js";
import { type AwsClient, CLIENTS, QUIET } from "./aws-clients.js";
import { HOME_KINDS, type Home, type HomeKind, makeHome } from "./homes.js";

/** A role of the broker under test. */
export interface TestRole {
  readonly name: string;
  readonly roleArn: string;
  /** What a client with this role says of itself. */
  readonly arn: string;
  /** For which a client signs whose shell or program has this role's variables. */
  readonly region: string;
}

export const DEV = testRole({ name: "dev", account: "222222222222", region: "eu-west-1" });
export const PROD = testRole({ name: "prod-role", account: "333333333333", region: "eu-central-1" });

const LONG_TERM_KEY = { source: "ops-keys", accessKeyId: "AKIALONGTERM00000000" };

export interface ClientCase {
  readonly client: AwsClient;
  readonly name: AwsClient["name"];
  readonly kind: HomeKind;
}

/** Every client from every home: the cases of most tests here. */
export const CASES: readonly ClientCase[] = CLIENTS.flatMap((client) =>
  HOME_KINDS.map((kind) => ({ client, name: client.name, kind })),
);

/** The real broker between the real clients and moto. */
export interface Bench {
  readonly broker: TestBroker;
  readonly proxy: ExpirationProxy;
  /** A shell of a user with such a home, whose calls to AWS are found under a label of their own. */
  shell(kind: HomeKind | Home, label: string): UserShell;
  readonly stop: () => Promise<void>;
}

export async function startBench(options: {
  sessionSeconds: number;
  /** Of single roles, by ARN. */
  sessionSecondsOf?: Readonly<Record<string, number>>;
  /** Beside DEV and PROD. */
  roles?: readonly TestRole[];
  /** The name of one whose Identity Center no one has logged in to. */
  roleToLogInTo?: string;
}): Promise<Bench> {
  const { proxy, stop: stopUpstream } = await startUpstream(options);
  const role = ({ name, roleArn, region }: TestRole): string =>
    `  ${name}: { source: ops-keys, role_arn: "${roleArn}", region: ${region} }\n`;
  const roles = [...[DEV, PROD, ...(options.roles ?? [])].map(role), ...toLogInTo(options.roleToLogInTo)];
  const broker = await TestBroker.create({
    name: "clients",
    config: `sources:\n  ops-keys: { type: keys }\n${CORP}roles:\n${roles.join("")}`,
    env: { AWS_ENDPOINT_URL_STS: proxy.url("broker") },
  });
  process.once("exit", () => {
    if (broker.pid !== undefined) process.kill(broker.pid, "SIGKILL");
  });
  const stop = async (): Promise<void> => {
    await broker.stop();
    await stopUpstream();
  };
  try {
    await broker.startWithKey({ ...LONG_TERM_KEY, secretAccessKey: canarySecretKey("ops") });
  } catch (error) {
    await stop();
    throw error;
  }
  const programs = programDirectory();
  const shell = (kind: HomeKind | Home, label: string): UserShell =>
    new UserShell(typeof kind === "string" ? makeHome(kind) : kind, {
      PATH: `${programs}:${process.env["PATH"] ?? ""}`,
      ...QUIET,
      CREDBROKER_HOME: broker.home,
      CREDBROKER_NO_AUTOSTART: "1",
      AWS_ENDPOINT_URL: proxy.url(label),
    });
  return { broker, proxy, shell, stop };
}

const CORP = "  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }\n";

function toLogInTo(name: string | undefined): readonly string[] {
  if (name === undefined) return [];
  return [`  ${name}: { source: corp, sso_account_id: "100000000001", sso_role_name: Admin, region: eu-west-1 }\n`];
}

/** A user's shell: runs programs as the broker's documents tell the user to. */
export class UserShell {
  readonly home: Home;
  readonly env: Readonly<Record<string, string>>;

  constructor(home: Home, env: Readonly<Record<string, string>>) {
    this.home = home;
    this.env = { ...env, ...home.env };
  }

  /** `eval "$(brokerctl env …)"`, then the command in the same shell. */
  withEnv(envArguments: string, command: readonly string[]): Promise<Outcome> {
    return this.script(`eval "$(brokerctl env ${envArguments})" && exec "$@"`, command);
  }

  /** `brokerctl exec ROLE -- COMMAND…` */
  withExec(execArguments: string, command: readonly string[]): Promise<Outcome> {
    return this.script(`exec brokerctl exec ${execArguments} -- "$@"`, command);
  }

  /** With the variables of a lease that was made elsewhere: nothing was fetched for it yet. */
  withLease(lease: { leaseUrl: string; region: string }, command: readonly string[]): Promise<Outcome> {
    const { leaseUrl, region } = lease;
    const url = `AWS_CONTAINER_CREDENTIALS_FULL_URI=${leaseUrl}`;
    return this.script('exec env "$@"', [url, `AWS_REGION=${region}`, `AWS_DEFAULT_REGION=${region}`, ...command]);
  }

  /** A script in which `"$@"` is the command. */
  script(text: string, command: readonly string[] = []): Promise<Outcome> {
    return runToEnd(["/bin/sh", "-c", text, "sh", ...command], { env: this.env, cwd: this.home.directory });
  }
}

export function testRole({ name, account, region }: { name: string; account: string; region: string }): TestRole {
  // The default session name tells colleagues apart: it holds who runs brokerd.
  const session = `credbroker-${userInfo().username.replaceAll(/[^\w+=,.@-]/g, "-")}`;
  const arn = `arn:aws:sts::${account}:assumed-role/${name}/${session}`;
  return { name, roleArn: `arn:aws:iam::${account}:role/${name}`, arn, region };
}

/** `brokerctl` as users have it: by name. */
function programDirectory(): string {
  const directory = tempDir("programs");
  const path = join(directory, "brokerctl");
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${resolve("dist/brokerctl.js")}' "$@"\n`);
  chmodSync(path, 0o700);
  return directory;
}
