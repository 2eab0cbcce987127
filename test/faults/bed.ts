import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DAEMON_NODE_FLAGS } from "../../src/system/node-flags.js";
import { asUser, VICTIM } from "../attack/victim.js";
import { type FakeAws, type FakeAwsOptions, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { TestBroker } from "../support/broker.js";
import { awsOptions, ROLES_YAML, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { scaledByLoad, stoodInLineMs } from "../support/load.js";
import { runRoot } from "../support/temp-dir.js";
import { type Answer, Client } from "./client.js";
import type { Verdict } from "./verdict.js";

const BROKERD = resolve("dist/brokerd.js");
const PROMISED_MS = 1000;

export interface BedOptions {
  readonly verdict: Verdict;
  readonly name: string;
  /** YAML without version, secret_store and port. */
  readonly config?: string;
  readonly aws?: Partial<FakeAwsOptions>;
  readonly env?: Readonly<Record<string, string>>;
  /** False: as the user who runs the tests, for what belongs to that user's session. */
  readonly unprivileged?: boolean;
}

export interface StartOptions {
  /** A program before brokerd's: `prlimit`, `env`. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** False: in the foreground, where an invalid config ends it. */
  readonly supervised?: boolean;
}

/** How a brokerd ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** A lease's URL, and the role that it may serve. */
export interface Access {
  readonly url: string;
  readonly role: string;
  /** The role's ARN, where it is not that of the fake AWS. */
  readonly arn?: RegExp;
}

/** A built brokerd under a user of its own, its AWS, and a client; what they come to is looked at as it happens. */
export class Bed {
  readonly broker: TestBroker;
  readonly aws: FakeAws;
  readonly #verdict: Verdict;
  readonly #wrapper: readonly string[];
  readonly #isOther: boolean;
  readonly #client: Client;
  #daemon: ChildProcess | undefined;
  #ended: Promise<Ended> | undefined;
  /** How many answers came. */
  answers = 0;
  /** The longest that a client waited for one, and the longest without the time for which it or brokerd stood in line for a processor. */
  #longestMs = 0;
  #longestOfOursMs = 0;

  private constructor(broker: TestBroker, aws: FakeAws, { verdict, unprivileged = true }: BedOptions) {
    this.broker = broker;
    this.aws = aws;
    this.#verdict = verdict;
    // With its parent it ends, however that ends: a worker of a run that was broken off leaves nothing behind.
    this.#wrapper = ["setpriv", "--pdeathsig", "KILL", ...(unprivileged ? asUser(VICTIM) : [])];
    this.#isOther = unprivileged;
    this.#client = new Client(this.#wrapper);
  }

  /** With a home, a config and an AWS; nothing runs yet. */
  static async create(options: BedOptions): Promise<Bed> {
    const { name, config = ROLES_YAML, env = {} } = options;
    const aws = await startFakeAws(awsOptions(options.aws));
    const broker = await TestBroker.create({
      ...{ name, config },
      env: { AWS_ENDPOINT_URL: aws.url, CREDBROKER_LOG_LEVEL: "debug", ...env },
    });
    const bed = new Bed(broker, aws, options);
    mkdirSync(bed.stateDir, { mode: 0o700 });
    bed.own();
    return bed;
  }

  /** A data key, and the user's key under it. */
  async makeStore(): Promise<void> {
    await this.broker.call("store-create", {});
    await this.broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
  }

  /** Of the config. */
  get port(): number {
    return Number(/port: (\d+)/.exec(readFileSync(this.broker.configFile, "utf8"))?.[1]);
  }

  get stateDir(): string {
    return join(this.broker.home, "state");
  }

  state(name: string): string {
    return join(this.stateDir, name);
  }

  /** Whatever the tests wrote into the home belongs to brokerd's user. */
  own(): void {
    if (!this.#isOther) return;
    for (const directory of [runRoot(), join(runRoot(), "home")]) chmodSync(directory, 0o711);
    spawnSync("chown", ["-R", `${VICTIM}:${VICTIM}`, this.broker.home]);
  }

  write(path: string, data: string | Buffer): void {
    writeFileSync(path, data, { mode: 0o600 });
    this.own();
  }

  changeConfig(change: (text: string) => string): void {
    this.write(this.broker.configFile, change(readFileSync(this.broker.configFile, "utf8")));
  }

  /** Resolves when it answers, with undefined; or when it has ended, with how. */
  async start(options: StartOptions = {}): Promise<Ended | undefined> {
    const { child, ended } = this.#spawn(options);
    this.#daemon = child;
    this.#ended = ended;
    const over = new AbortController();
    void ended.then(() => over.abort());
    for (;;) {
      if (await this.#answers()) return undefined;
      if (over.signal.aborted) return this.#lookAtEnd(await ended);
      await pause(15);
    }
  }

  /** So many in one moment; resolves when one of them answers and all others have ended. That one is ours from then on. */
  async startAtOnce(count: number): Promise<readonly Ended[]> {
    const started = Array.from({ length: count }, () => this.#spawn({ supervised: false }));
    while (!(await this.#answers())) await pause(15);
    const { pid } = (await this.broker.call("status", {})).daemon;
    const ours = started.find(({ child }) => child.pid === pid);
    this.#daemon = ours?.child;
    this.#ended = ours?.ended;
    const others = started.filter((one) => one !== ours).map(async ({ ended }) => this.#lookAtEnd(await ended));
    return Promise.all(others);
  }

  async mustStart(options: StartOptions = {}): Promise<void> {
    const ended = await this.start(options);
    if (ended)
      throw new Error(`brokerd ended at its start: ${JSON.stringify(ended)}\n${this.broker.log().slice(-2000)}`);
  }

  get pid(): number {
    return this.#daemon?.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#daemon !== undefined && this.#daemon.exitCode === null && this.#daemon.signalCode === null;
  }

  /** Resolves when it has ended for a reason of its own, or by a signal that leaves it nothing to say. */
  async gone(): Promise<void> {
    await this.#ended;
    this.#daemon = undefined;
  }

  /** As when the terminal that it was started in is gone. */
  closeStandardStreams(): void {
    this.#daemon?.stderr?.destroy();
  }

  /** Ends it; by SIGKILL it has nothing to say. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.#daemon?.kill(signal);
    const ended = (await this.#ended) ?? { code: null, signal: null, stderr: "" };
    this.#daemon = undefined;
    return signal === "SIGKILL" ? ended : this.#lookAtEnd(ended);
  }

  /** Everything of this bed; a brokerd that ended by itself meanwhile is looked at. */
  async close(): Promise<void> {
    if (this.#daemon && !this.isAlive) this.#lookAtEnd((await this.#ended)!);
    else if (this.#daemon) await this.end("SIGKILL");
    this.#client.stop();
    await this.aws.close();
  }

  /** A pinned lease for `role`. */
  async access(role: string): Promise<Access> {
    return { url: (await this.broker.call("lease-access", { pinnedRole: role })).leaseUrl, role };
  }

  /** One request; with `served`, a valid credential is held for it. Every answer is looked at. */
  async ask({ url, role, arn }: Access, { served = false, keepAlive = false } = {}): Promise<Answer> {
    const pids = [this.pid, this.#client.pid];
    const before = stoodInLineMs(pids);
    const answer = await this.#client.get(url, { keepAlive });
    const inLineMs = Math.max(0, stoodInLineMs(pids) - before);
    this.answers++;
    this.#longestMs = Math.max(this.#longestMs, answer.ms);
    this.#longestOfOursMs = Math.max(this.#longestOfOursMs, Math.round(answer.ms - inLineMs));
    this.#verdict.look("leaked", this.#wrongCredential(answer, { role, ...(arn && { arn }) }));
    if (served) this.#verdict.look("withheld", answer.status === 200 ? undefined : `${role}: ${codeOf(answer)}`);
    return answer;
  }

  /** Asks until what came suits, at least every `everyMs`; each answer is looked at as `ask` does. */
  async askUntil(access: Access, suits: (answer: Answer) => boolean, everyMs = 50): Promise<Answer> {
    for (;;) {
      const answer = await this.ask(access);
      if (suits(answer)) return answer;
      await pause(everyMs);
    }
  }

  /** Raw: for requests that are no lease's. */
  get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#client.get(url, { headers });
  }

  /** Whether no client waited longer than is promised, but for a processor. */
  get quick(): boolean {
    return this.#longestOfOursMs < scaledByLoad(PROMISED_MS);
  }

  get waited(): string {
    return `longest wait ${this.#longestMs} ms (${this.#longestOfOursMs} ms not for a processor)`;
  }

  #spawn({ wrapper = [], env = {}, supervised = true }: StartOptions): Started {
    const log = supervised ? ["--log-file", this.state("brokerd.log")] : [];
    const [program = "", ...args] = [
      ...[...this.#wrapper, ...wrapper, process.execPath, ...DAEMON_NODE_FLAGS],
      ...[BROKERD, ...log],
    ];
    const child = spawn(program, args, { env: { ...this.broker.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = once(child, "exit").then(async ([code, signal]) => {
      if (!child.stderr.destroyed && !child.stderr.readableEnded) await once(child.stderr, "close");
      return { code: code as number | null, signal: signal as NodeJS.Signals | null, stderr };
    });
    return { child, ended };
  }

  #wrongCredential({ status, body }: Answer, { role, arn }: Omit<Access, "url">): string | undefined {
    if (status !== 200) return undefined;
    const principal = this.aws.whoIs(body["AccessKeyId"] ?? "");
    if (principal === undefined) return `${role}: credentials that no AWS made`;
    const isRight = arn ? arn.test(principal.roleArn ?? "") : principal.roleArn === roleArn(role);
    if (!isRight) return `${role}: credentials of ${principal.roleArn ?? principal.arn}`;
    if ((principal.expiration ?? 0) <= this.aws.now()) return `${role}: credentials that had expired`;
    return undefined;
  }

  #lookAtEnd(ended: Ended): Ended {
    const said = /^brokerd: error: /m.test(ended.stderr) || ended.code === 0 || ended.signal === "SIGKILL";
    const log = this.state("brokerd.log");
    const tail = existsSync(log) ? readFileSync(log, "utf8").slice(-8000) : "";
    const logged = /"(?:crashed|not started)|not started: |ended at once|"stopped"/.test(tail);
    const what = `${ended.code ?? ended.signal ?? ""}: ${ended.stderr.slice(0, 200)}`;
    this.#verdict.look("silent", said || logged ? undefined : what);
    return ended;
  }

  async #answers(): Promise<boolean> {
    return this.broker.call("status", {}).then(
      () => true,
      () => false,
    );
  }

  files(): readonly string[] {
    return readdirSync(this.stateDir);
  }

  bytes(name: string): Buffer {
    return readFileSync(this.state(name));
  }
}

/** A bed for the time of `use`, however that ends. */
export async function withBed(options: BedOptions, use: (bed: Bed) => Promise<void>): Promise<void> {
  const bed = await Bed.create(options);
  try {
    await use(bed);
  } finally {
    await bed.close();
  }
}

/** The same, running, with a data key and the user's key. */
export function withReadyBed(options: BedOptions, use: (bed: Bed) => Promise<void>): Promise<void> {
  return withBed(options, async (bed) => {
    await bed.mustStart();
    await bed.makeStore();
    await use(bed);
  });
}

export function codeOf({ status, reason, body }: Answer): string {
  return status === 200 ? "200" : `${status} ${body["Code"] ?? reason}`;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Of this run; the suite's own set-up has made one. */
export const SEED = Number(process.env["CREDBROKER_TEST_SEED"]);
/** Whole samples, not a part of each. */
export const IS_FULL = process.env["CREDBROKER_TEST_FULL"] === "1";
/** After so long a case hangs: no verdict may depend on how fast the machine is. */
export const HANGS_MS = IS_FULL ? 7_200_000 : 1_800_000;
