import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { rawGet, requestBytes } from "./bench-broker.js";
import type { Figures } from "./measure.js";

const CLIENT = join(import.meta.dirname, "load-client.mjs");
const BARE = join(import.meta.dirname, "bare-server.mjs");
const runFile = promisify(execFile);

export interface Load {
  readonly url: string;
  readonly token?: string | undefined;
  readonly connections: number;
  readonly milliseconds: number;
  /** A connection for each request. */
  readonly fresh?: boolean;
  /** A pause between two requests of one connection. */
  readonly everyMs?: number;
  /** Of the server, for what a request costs it. */
  readonly pid?: number | undefined;
}

/** Asks one URL again and again, from a process of its own. */
export async function load({ url, token, ...options }: Load): Promise<Figures> {
  const { hostname, port } = new URL(url);
  const spec = { host: hostname, port: Number(port), request: requestBytes(url, token), ...options };
  const { stdout } = await runFile(process.execPath, [CLIENT, JSON.stringify(spec)]);
  const {
    requests,
    p50,
    p99,
    longest,
    clientCpuMs,
    serverCpuMs = 0,
    asked,
  } = JSON.parse(stdout) as Record<string, number>;
  if (!requests || !asked) throw new Error(`${url} answered no request`);
  return {
    "requests/s": (1000 * requests) / options.milliseconds,
    "p50 ms": p50 ?? Number.NaN,
    "p99 ms": p99 ?? Number.NaN,
    "longest ms": longest ?? Number.NaN,
    ...(options.pid !== undefined && { "µs CPU": (1000 * serverCpuMs) / asked }),
    // Near 100 the clients were at their limit, and the server was not.
    "client %": (100 * (clientCpuMs ?? Number.NaN)) / options.milliseconds,
  };
}

/** `node:http` that answers with the bytes of ours. */
export class BareServer {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}/lease/0`;
  }

  /** The head of the first answer, and each one's body. */
  static async like(urls: readonly string[]): Promise<BareServer> {
    const answers: string[] = [];
    for (const url of urls) answers.push(await rawGet(url));
    const [head = ""] = answers[0]?.split("\r\n\r\n") ?? [];
    const own = /^(?:date|connection|keep-alive|content-length):/i;
    const headers = head
      .split("\r\n")
      .slice(1)
      .filter((line) => !own.test(line))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const);
    const bodies = answers.map((answer) => answer.split("\r\n\r\n")[1] ?? "");
    const spec = {
      headers: { ...Object.fromEntries(headers), "Content-Length": Buffer.byteLength(bodies[0] ?? "") },
      bodies,
    };
    const child = spawn(process.execPath, [BARE], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(JSON.stringify(spec));
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    return new BareServer(child, Number(port.toString()));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  urlOf(index: number): string {
    return this.url.replace(/0$/, String(index));
  }

  async close(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}
