import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type FakeAws, startFakeAws } from "../../fakes/fake-aws/fake-aws.js";
import {
  type FakeIdentityCenter,
  startFakeIdentityCenter,
} from "../../fakes/fake-identity-center/fake-identity-center.js";
import { organization } from "../../fakes/fake-identity-center/organization.js";
import type { Outcome } from "../../support/broker.js";
import { CLI_2_9, CLI_2_23, debianRoot, MOUNT_POINTS } from "../../support/debian-root.js";
import { tempDir } from "../../support/temp-dir.js";
import { certificateAuthority } from "../../support/tls.js";
import { QUIET } from "../aws-clients.js";
import { Conversation } from "./conversation.js";
import { Gate } from "./gate.js";
import { SsoHome } from "./sso-home.js";

/** AWS's hosts in the network of a client that knows no others, and the way out to the fake behind them. */
const GATES = [
  {
    address: "127.0.0.1",
    hosts: ["oidc.eu-west-1.amazonaws.com", "portal.sso.eu-west-1.amazonaws.com"],
    socket: "sso.sock",
  },
  { address: "127.0.0.2", hosts: ["sts.eu-west-1.amazonaws.com"], socket: "sts.sock" },
] as const;
const PROGRAMS = resolve("test/clients/identity-center/programs");
const ACCOUNTS = organization(60, 5);
/** What profile `dev` is for. */
export const TARGET = { accountId: ACCOUNTS[0]!.accountId, roleName: "ReadOnlyAccess" };
/** Whom its credentials speak for. */
export const DEV_ARN = new RegExp(
  `^arn:aws:sts::${TARGET.accountId}:assumed-role/AWSReservedSSO_ReadOnlyAccess_[0-9a-f]{16}/ann$`,
);

/** The fakes of Identity Center and STS, and the real clients as a user has them; no broker. */
export class RealClientsFixture {
  readonly aws: FakeAws;
  readonly center: FakeIdentityCenter;
  readonly #directory: string;
  readonly #gates: readonly Gate[];

  private constructor(aws: FakeAws, center: FakeIdentityCenter, { directory, gates }: Gates) {
    this.aws = aws;
    this.center = center;
    this.#directory = directory;
    this.#gates = gates;
  }

  static async start(): Promise<RealClientsFixture> {
    const authority = certificateAuthority();
    const tls = authority.issue(["127.0.0.1", ...GATES.flatMap(({ hosts }) => hosts)]);
    const aws = await startFakeAws({ users: [], tls });
    const center = await startFakeIdentityCenter({ aws, tls, users: { ann: ACCOUNTS } });
    const directory = tempDir("sso");
    writeFileSync(join(directory, "authority.pem"), authority.cert);
    writeFileSync(join(directory, "hosts"), "127.0.0.1 localhost\n");
    const awsHosts = GATES.map(({ address, hosts }) => `${address} ${hosts.join(" ")}\n`);
    writeFileSync(join(directory, "aws-hosts"), awsHosts.join(""));
    const [sso, sts] = GATES.map(({ socket }) => join(directory, socket));
    const gates = [await Gate.open(sso ?? "", center.secureUrl), await Gate.open(sts ?? "", aws.url)];
    return new RealClientsFixture(aws, center, { directory, gates });
  }

  async close(): Promise<void> {
    for (const gate of this.#gates) await gate.close();
    await this.center.close();
    await this.aws.close();
  }

  home(): SsoHome {
    return new SsoHome(TARGET);
  }

  /** A program of the SDKs, led to the fakes by endpoint variables. */
  sdk(home: SsoHome, command: readonly string[], profile = "dev"): Conversation {
    const where = { PATH: process.env["PATH"] ?? "", HOME: home.directory, AWS_PROFILE: profile };
    const authority = join(this.#directory, "authority.pem");
    const trust = { AWS_CA_BUNDLE: authority, NODE_EXTRA_CA_CERTS: authority };
    return new Conversation(command, { env: { ...QUIET, ...where, ...trust, ...this.#endpoints() } });
  }

  /** AWS CLI 2.23, led to the fakes by endpoint variables; on the machine's own loopback, where its callback listens. */
  cli2_23(home: SsoHome, args: readonly string[]): Conversation {
    const root = debianRoot(CLI_2_23);
    const namespace = ["unshare", "--map-root-user", "--mount", ...this.#inDebian(root, home, "hosts")];
    return new Conversation([...namespace, ...cli(root, args)], { env: { ...CLI_ENVIRONMENT, ...this.#endpoints() } });
  }

  /**
   * AWS CLI 2.9, which knows no endpoint variables: in a network of its own, where AWS's host names are loopback
   * addresses, port 443 of which is carried to the fakes.
   */
  cli2_9(home: SsoHome, args: readonly string[]): Conversation {
    const root = debianRoot(CLI_2_9);
    const namespace = ["unshare", "--map-root-user", "--mount", "--net", ...this.#inDebian(root, home, "aws-hosts")];
    const ways = GATES.map(({ address, socket }) => `${address}:443=${join(this.#directory, socket)}`);
    const relay = [process.execPath, join(PROGRAMS, "relay.mjs"), ...ways, "--"];
    return new Conversation([...namespace, ...relay, ...cli(root, args)], { env: CLI_ENVIRONMENT });
  }

  #inDebian(root: string, home: SsoHome, hosts: string): readonly string[] {
    const script = join(PROGRAMS, "in-debian.sh");
    return [script, root, home.directory, join(this.#directory, hosts), join(this.#directory, "authority.pem")];
  }

  #endpoints(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL_SSO: this.center.secureUrl,
      AWS_ENDPOINT_URL_SSO_OIDC: this.center.secureUrl,
      AWS_ENDPOINT_URL_STS: this.aws.url,
    };
  }
}

/** What the CLI has inside its Debian. */
const CLI_ENVIRONMENT = {
  ...QUIET,
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: `/${MOUNT_POINTS.home}`,
  AWS_CA_BUNDLE: `/${MOUNT_POINTS.authority}`,
  AWS_PAGER: "",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONUNBUFFERED: "1",
};

function cli(root: string, args: readonly string[]): readonly string[] {
  return ["chroot", root, "/usr/bin/python3", "/usr/bin/aws", ...args];
}

interface Gates {
  readonly directory: string;
  readonly gates: readonly Gate[];
}

/** The outcome of a program that did what it should. */
export async function succeeded(conversation: Conversation): Promise<Outcome> {
  const outcome = await conversation.ended;
  if (outcome.code === 0) return outcome;
  throw new Error(`exit ${outcome.code ?? outcome.signal}:\n${outcome.stdout}\n${outcome.stderr}`);
}
