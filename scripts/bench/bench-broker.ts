import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { daemonNodeFlags } from "../../src/system/node-flags.js";
import { type FakeAws, startFakeAws } from "../../test/fakes/fake-aws/fake-aws.js";
import { TestBroker } from "../../test/support/broker.js";
import { ACCOUNT, awsOptions, USER_KEY } from "../../test/support/in-process-broker.js";

const ROLE = (index: number): string => `r${index}`;
const ARN = (index: number): string => `arn:aws:iam::${ACCOUNT}:role/r${index}`;
const BIN = (JSON.parse(readFileSync("package.json", "utf8")) as { bin: Readonly<Record<string, string>> }).bin;
const UNCHECKED = join(import.meta.dirname, "unchecked-brokerd.ts");
/** As many fetches at once of one broker. */
const WARM_AT_ONCE = 50;

/** A program as the package has it: by Node, where it is a script for it. */
export function programOf(name: "brokerd" | "brokerctl"): readonly string[] {
  const path = resolve(BIN[name] ?? "");
  return path.endsWith(".js") ? [process.execPath, path] : [path];
}

/** The built broker, with so many roles and an AWS of its own, in a home that goes with it. */
export class BenchBroker {
  readonly broker: TestBroker;
  readonly aws: FakeAws;
  readonly roles: readonly string[];

  private constructor(broker: TestBroker, aws: FakeAws, roles: readonly string[]) {
    this.broker = broker;
    this.aws = aws;
    this.roles = roles;
  }

  /** Started, with the key of the user whom its roles trust; nothing is fetched yet. */
  static async create(
    roleCount: number,
    { checked = true }: { readonly checked?: boolean } = {},
  ): Promise<BenchBroker> {
    const indices = Array.from({ length: roleCount }, (_, index) => index);
    const trusts = [`arn:aws:iam::${ACCOUNT}:user/me`];
    const aws = await startFakeAws(awsOptions({ roles: indices.map((index) => ({ arn: ARN(index), trusts })) }));
    const roles = indices.map((index) => `  ${ROLE(index)}: { source: ops-keys, role_arn: "${ARN(index)}" }\n`);
    const broker = await TestBroker.create({
      name: "bench",
      config: `sources:\n  ops-keys: { type: keys }\nroles:\n${roles.join("")}`,
      env: { AWS_ENDPOINT_URL: aws.url, CREDBROKER_LOG_LEVEL: "info" },
    });
    const bench = new BenchBroker(broker, aws, indices.map(ROLE));
    // Before brokerd's own script, which becomes an argument of it.
    const instead = checked ? [] : ["--import", "tsx", UNCHECKED];
    await broker.startWithKey({ source: "ops-keys", ...USER_KEY }, [...daemonNodeFlags(), ...instead]);
    return bench;
  }

  get pid(): number {
    return this.broker.pid ?? 0;
  }

  /** Fetches the credentials of these roles and asks for each once, as a program would. */
  async activate(roles: readonly string[] = this.roles): Promise<readonly string[]> {
    const urls: string[] = [];
    for (let from = 0; from < roles.length; from += WARM_AT_ONCE) {
      const some = roles.slice(from, from + WARM_AT_ONCE);
      await Promise.all(some.map((role) => this.broker.call("warm", { role })));
      for (const role of some) urls.push((await this.broker.call("lease-access", { pinnedRole: role })).leaseUrl);
    }
    for (const url of urls) await rawGet(url);
    return urls;
  }

  /** The command line, for `timed`. */
  ctl(...args: readonly string[]): Command {
    return { command: [...programOf("brokerctl"), ...args], env: this.broker.env };
  }

  async close(): Promise<void> {
    await this.broker.stop();
    await this.aws.close();
    rmSync(this.broker.home, { recursive: true, force: true });
  }
}

export interface Command {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds of the wall clock from the start of a program to its end. */
export async function timed({ command: [program = "", ...args], env }: Command): Promise<number> {
  const began = performance.now();
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
  let took = 0;
  child.once("exit", () => (took = performance.now() - began));
  const code = await new Promise<number | null>((done, failed) => child.once("error", failed).once("close", done));
  if (code !== 0) throw new Error(`${[program, ...args].join(" ")} ended with ${String(code)}: ${printed}`);
  return took;
}

/** Node itself, which does nothing: in the environment of what it stands beside. */
export function nodeIn({ env }: TestBroker): Command {
  return { command: [process.execPath, "-e", "0"], env };
}

/** What an SDK sends for a lease's URL, or for `/creds` with a token. */
export function requestBytes(url: string, token?: string): string {
  const { host, pathname } = new URL(url);
  const authorization = token === undefined ? "" : `authorization: ${token}\r\n`;
  return `GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\naccept: application/json\r\n${authorization}user-agent: bench\r\n\r\n`;
}

/** The whole answer of one GET; rejects where it is not a 200. */
export function rawGet(url: string, token?: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true }, () =>
      socket.write(requestBytes(url, token)),
    );
    let text = "";
    socket
      .once("error", reject)
      .setEncoding("latin1")
      .on("data", (chunk: string) => {
        text += chunk;
        const [head = "", body] = text.split("\r\n\r\n");
        if (body === undefined || body.length < Number(/content-length: *(\d+)/i.exec(head)?.[1])) return;
        socket.destroy();
        if (head.startsWith("HTTP/1.1 200")) resolve(text);
        else reject(new Error(`answered: ${head.split("\r\n")[0] ?? ""}`));
      });
    socket.once("close", () => reject(new Error("the connection ended before the answer did")));
  });
}

/** Resident memory of a process, MB. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(join("/proc", String(pid), "status"), "latin1"))?.[1]) / 1024;
}
