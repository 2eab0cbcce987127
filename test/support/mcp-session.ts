import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { TestBroker } from "./broker.js";
import { BROKERCTL } from "./brokerctl.js";

/** `brokerctl mcp` at its wire: what no client would send can be sent, and every line of the answers is kept. */
export class McpSession {
  readonly answers: string[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<unknown>;
  readonly #open = new Set<number>();
  #id = 0;
  #rest = "";

  private constructor(broker: TestBroker, args: readonly string[], env: Readonly<Record<string, string>>) {
    const [program, ...words] = BROKERCTL;
    this.#child = spawn(program, [...words, "mcp", ...args], {
      env: { ...broker.env, ...env },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#ended = once(this.#child, "close");
    this.#child.stdout.setEncoding("utf8").on("data", (chunk: string) => this.#take(chunk));
  }

  static async start(
    broker: TestBroker,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<McpSession> {
    const session = new McpSession(broker, args, env);
    const clientInfo = { name: "test", version: "1" };
    session.send("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
    await session.idle();
    session.sendRaw(JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }));
    return session;
  }

  send(method: string, params: object): void {
    this.#id++;
    this.#open.add(this.#id);
    this.sendRaw(JSON.stringify({ jsonrpc: "2.0", id: this.#id, method, params }));
  }

  sendRaw(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Resolves when everything that was sent as a request is answered. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Closes its stdin; its exit code. */
  async end(): Promise<number | null> {
    this.#child.stdin.end();
    await this.#ended;
    return this.#child.exitCode;
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.answers.push(line);
      const { id } = JSON.parse(line) as { readonly id?: number };
      if (id !== undefined) this.#open.delete(id);
    }
  }
}
