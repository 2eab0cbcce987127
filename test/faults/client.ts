import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Answer {
  /** 0: the connection was refused or cut. */
  readonly status: number;
  readonly reason: string;
  readonly body: Readonly<Record<string, string>>;
  readonly ms: number;
}

/** A process that asks the endpoint, under the user of the brokerd that it asks: another user would be refused. */
export class Client {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #next = 0;

  constructor(wrapper: readonly string[]) {
    const script = join(import.meta.dirname, "programs", "client.mjs");
    const [program = "", ...args] = wrapper;
    this.#process = spawn(program, [...args, process.execPath, script], {
      stdio: ["pipe", "pipe", "inherit"],
      env: {},
      cwd: "/",
    });
    createInterface({ input: this.#process.stdout! }).on("line", (line) => {
      const { id, ...answer } = JSON.parse(line) as Answer & { readonly id: number };
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get(
    url: string,
    options: { readonly headers?: Record<string, string>; readonly keepAlive?: boolean } = {},
  ): Promise<Answer> {
    const { port, pathname } = new URL(url);
    const id = this.#next++;
    const asked = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#process.stdin?.write(`${JSON.stringify({ id, port: Number(port), path: pathname, ...options })}\n`);
    return asked;
  }

  stop(): void {
    this.#process.stdin?.end();
  }
}
