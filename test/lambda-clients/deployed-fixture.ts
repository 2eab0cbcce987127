import { join, resolve } from "node:path";
import { type AwsCall, callAws } from "../support/aws-calls.js";
import { type Outcome, TestBroker } from "../support/broker.js";
import { canarySecretKey } from "../support/canaries.js";
import type { ExpirationProxy } from "../support/expiration-proxy.js";
import { runToEnd } from "../support/processes.js";
import { startUpstream } from "../support/upstream.js";
import { DEPLOY, DEVELOPER_ARN, FUNCTIONS, type Language, REGION } from "./deployment.js";

/** As scripts/test-lambda.ts leaves them. */
const HOME = resolve(".lambda-clients");
const PYTHON_PROGRAMS = join(HOME, "python", "bin");

/** Where the code of a function is, in each language. */
const TASK_ROOTS: Readonly<Record<Language, string>> = {
  node: join(HOME, "node"),
  python: resolve("test/lambda-clients/python"),
  go: join(HOME, "go-with-aws"),
  rust: join(HOME, "rust", "debug"),
};

const CONFIG = `sources:
  ops-keys: { type: keys }
roles:
  dev: { source: ops-keys, role_arn: "${DEVELOPER_ARN}", region: ${REGION} }
`;

export interface CtlOptions {
  /** Under which the proxy knows its calls. */
  readonly label?: string;
  readonly cwd?: string;
  readonly input?: string;
  /** A directory that stands first in PATH; AWS's client for Python where it is not said. */
  readonly programs?: string;
}

/** A broker whose AWS is moto with deployed functions, and a developer who works with it. */
export class DeployedFixture {
  readonly proxy: ExpirationProxy;
  readonly #broker: TestBroker;
  readonly #url: string;
  readonly #stopUpstream: () => Promise<void>;

  private constructor(broker: TestBroker, upstream: Awaited<ReturnType<typeof startUpstream>>) {
    this.#broker = broker;
    this.proxy = upstream.proxy;
    this.#url = upstream.url;
    this.#stopUpstream = upstream.stop;
  }

  /** `lambdaUrl`: what stands in front of Lambda for brokerd, made for a URL of moto. */
  static async open(options: {
    readonly sessionSeconds: number;
    readonly lambdaUrl?: (upstream: string) => Promise<string>;
  }): Promise<DeployedFixture> {
    const { sessionSeconds, lambdaUrl } = options;
    const upstream = await startUpstream({ sessionSeconds, checksTrust: true });
    const url = upstream.proxy.url("broker");
    const env = { AWS_ENDPOINT_URL: url, ...(lambdaUrl && { AWS_ENDPOINT_URL_LAMBDA: await lambdaUrl(url) }) };
    const broker = await TestBroker.create({ name: "lambda", config: CONFIG, env });
    const fixture = new DeployedFixture(broker, upstream);
    process.once("exit", () => {
      if (broker.pid !== undefined) process.kill(broker.pid, "SIGKILL");
    });
    try {
      await Promise.all([fixture.callAws(DEPLOY), fixture.#startBroker()]);
    } catch (error) {
      await fixture.close();
      throw error;
    }
    return fixture;
  }

  #startBroker(): Promise<void> {
    const secretAccessKey = canarySecretKey("ops");
    return this.#broker.startWithKey({ source: "ops-keys", accessKeyId: "AKIALONGTERM00000000", secretAccessKey });
  }

  /** What another user does meanwhile. */
  callAws(calls: readonly AwsCall[]): Promise<readonly unknown[]> {
    return callAws(this.#url, calls);
  }

  /** `brokerctl ARGS…` in `cwd`; what its child asks of AWS is found under `label`. */
  ctl(args: readonly string[], options: CtlOptions = {}): Promise<Outcome> {
    const { label = "child", cwd = this.#broker.userHome, input, programs = PYTHON_PROGRAMS } = options;
    const env = {
      ...this.#broker.env,
      PATH: `${programs}:${process.env["PATH"] ?? ""}`,
      CREDBROKER_NO_AUTOSTART: "1",
      // The slash is for Rust's SDK, which writes a bucket's name right after what it is given.
      AWS_ENDPOINT_URL: `${this.proxy.url(label)}/`,
    };
    const command = [process.execPath, resolve("dist/brokerctl.js"), ...args];
    return runToEnd(command, { env, cwd, seconds: 90, ...(input === undefined ? {} : { input }) });
  }

  /** `brokerctl lambda invoke` in the directory of that language's code; FUNCTION is the one of that language. */
  invoke(language: Language, event: unknown, options: { function?: string; flags?: string[] } = {}): Promise<Outcome> {
    const { function: name = FUNCTIONS[language].name, flags = [] } = options;
    const args = ["lambda", "invoke", name, "--via", "dev", "--timeout", "60", "--event", "-", ...flags];
    return this.ctl(args, { label: language, cwd: TASK_ROOTS[language], input: JSON.stringify(event) });
  }

  async close(): Promise<void> {
    await this.#broker.stop();
    await this.#stopUpstream();
  }
}
