import { mkdirSync, writeFileSync } from "node:fs";
import { type Agent, get as httpGet } from "node:http";
import { join, resolve } from "node:path";
import { createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import { type Daemon, startDaemon } from "../../src/daemon/daemon.js";
import { resolvePaths } from "../../src/system/paths.js";
import type { PeerIdentity } from "../../src/system/peer-identity.js";
import { type FakeAws, type FakeAwsOptions, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { FakeDesktopNotices } from "../fakes/fake-desktop-notices.js";
import { FakePeers } from "../fakes/fake-peers.js";
import { freePort } from "./broker.js";
import { canarySecretKey } from "./canaries.js";
import { FakeClock } from "./fake-clock.js";
import { type LogLine, memoryLogger } from "./memory-logger.js";
import { tempDir } from "./temp-dir.js";

export const ACCOUNT = "111111111111";
export const USER_KEY = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey("flow") };
const USER_ARN = `arn:aws:iam::${ACCOUNT}:user/me`;
export const roleArn = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`;

/** One IAM user who may assume `dev` and `prod`, and `chained` that trusts only `dev`. */
export function awsOptions(extra: Partial<FakeAwsOptions> = {}): FakeAwsOptions {
  return {
    users: [{ ...USER_KEY, account: ACCOUNT, userName: "me" }],
    roles: [
      { arn: roleArn("dev"), trusts: [USER_ARN] },
      { arn: roleArn("prod"), trusts: [USER_ARN] },
      { arn: roleArn("chained"), trusts: [roleArn("dev")] },
    ],
    ...extra,
  };
}

export const ROLES_YAML = `
defaults: { region: eu-west-1 }
sources:
  ops-keys: { type: keys }
roles:
  dev: { source: ops-keys, role_arn: "${roleArn("dev")}" }
  prod: { source: ops-keys, role_arn: "${roleArn("prod")}" }
  chained: { source_role: dev, role_arn: "${roleArn("chained")}" }
`;

export interface HttpAnswer {
  readonly status: number;
  readonly reason: string;
  readonly body: Readonly<Record<string, string>>;
}

const STEP_MS = 5000;

/** The whole daemon inside the test, on a clock that the test moves; its sockets, files and upstream are real. */
export class InProcessBroker {
  readonly clock: FakeClock;
  readonly home = tempDir("flow");
  readonly log: LogLine[] = [];
  /** Where the daemon shows notices; undefined: on the desktop of its environment. */
  notices: FakeDesktopNotices | undefined = new FakeDesktopNotices();
  /** How often the daemon began a new log file. */
  rotations = 0;
  aws!: FakeAws;
  /** Real ones read a file in real time, and give up on a busy machine: what comes first would be luck. */
  peers: PeerIdentity = new FakePeers();
  /** Beside CREDBROKER_HOME and AWS_ENDPOINT_URL. */
  environment: Readonly<Record<string, string>> = {};
  #daemon: Daemon | undefined;

  private constructor(clockStart?: number) {
    this.clock = new FakeClock(clockStart);
  }

  static async create(
    options: { readonly config?: string; readonly aws?: Partial<FakeAwsOptions>; readonly clockStart?: number } = {},
  ): Promise<InProcessBroker> {
    const broker = new InProcessBroker(options.clockStart);
    broker.aws = await startFakeAws({ ...awsOptions(options.aws), clock: broker.clock });
    const head = `version: 1\nsecret_store: key_file\nendpoint: { port: ${await freePort()} }\n`;
    writeFileSync(join(broker.home, "config.yaml"), head + (options.config ?? ROLES_YAML), { mode: 0o600 });
    return broker;
  }

  /** Started, with the data key made, the user's key stored. */
  static async ready(options: Parameters<typeof InProcessBroker.create>[0] = {}): Promise<InProcessBroker> {
    const broker = await InProcessBroker.create(options);
    await broker.start();
    await broker.call("store-create", {});
    await broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
    return broker;
  }

  async start(): Promise<void> {
    const environment = { CREDBROKER_HOME: this.home, AWS_ENDPOINT_URL: this.aws.url, ...this.environment };
    mkdirSync(join(this.home, "state"), { recursive: true, mode: 0o700 });
    this.#daemon = await startDaemon({
      paths: resolvePaths({
        env: environment,
        platform: process.platform,
        homeDir: this.home,
        uid: process.getuid?.() ?? 0,
      }),
      environment,
      clock: this.clock,
      logger: memoryLogger(this.log),
      peers: this.peers,
      rotateLog: async () => void this.rotations++,
      random: () => 0,
      version: "0.0.0-test",
      pid: process.pid,
      user: "me",
      host: "laptop",
      keychainChild: { nodePath: process.execPath, scriptPath: resolve("dist/keychain-child.js") },
      pageDirectory: resolve("dist/page"),
      supervised: true,
      notices: this.notices,
      onStopRequested: () => undefined,
    });
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.aws.close();
  }

  /**
   * Time passes, in steps shorter than the deadline of a call to AWS. What a step starts has ended before the next one: else
   * days would pass while one sweep is under way.
   */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.clock.advance(Math.min(left, STEP_MS));
      await nothingUnderWay();
    }
  }

  async reload(): Promise<unknown> {
    return this.#daemon?.reload();
  }

  call<O extends ControlOperation>(
    operation: O,
    request: ControlRequest<O>,
    signal?: AbortSignal,
  ): Promise<ControlResponse<O>> {
    const socketPath = join(this.home, "run", "control.sock");
    return createControlClient({ socketPath, version: "0.0.0-test" }).call(operation, request, { signal });
  }

  /** The URL of a lease pinned to `role`. */
  async urlOf(role: string): Promise<string> {
    return (await this.call("lease-access", { pinnedRole: role })).leaseUrl;
  }
}

/** Turns of the event loop without a disk or a connection at work: between the two ends of one within this process are fewer. */
const QUIET_TURNS = 10;

async function nothingUnderWay(): Promise<void> {
  for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (process.getActiveResourcesInfo().some((kind) => /^FSReq|ConnectWrap$|WriteWrap$/.test(kind))) quiet = 0;
  }
}

/** One GET, as a client that closes its connection, or keeps it in `agent`. */
export function get(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  agent: Agent | false = false,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { headers, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        const body = text === "" ? {} : (JSON.parse(text) as Record<string, string>);
        resolve({ status: response.statusCode ?? 0, reason: response.statusMessage ?? "", body });
      });
    });
    request.on("error", reject);
  });
}
