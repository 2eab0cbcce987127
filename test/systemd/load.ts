import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What clients saw. */
export interface LoadReport {
  readonly requests: number;
  readonly answered: number;
  /** Connections that were not accepted: what must never be. */
  readonly refused: number;
  /** Connections that broke because the process that had them was killed. */
  readonly broken: number;
  /** Requests without a right answer after three tries, with the reason. */
  readonly failed: readonly string[];
  /** Answers of any kind but the right one: never a reason to try again. */
  readonly wrong: readonly string[];
}

export interface LoadOptions {
  /** Whose programs the clients are. */
  readonly uid: number;
  readonly clients: number;
  /** What every answer must have. */
  readonly roleArn: string;
}

/** Clients that ask `url` at once and again until `stop`, which gives the last report. */
export class Load {
  readonly #child;
  readonly #ended: Promise<unknown>;
  #last: LoadReport | undefined;

  constructor(url: string, { uid, clients, roleArn }: LoadOptions) {
    const script = join(import.meta.dirname, "programs", "load.mjs");
    this.#child = spawn(process.execPath, [script, url, String(clients), roleArn], {
      ...{ uid, gid: uid, cwd: "/", env: {} },
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => (this.#last = JSON.parse(line) as LoadReport));
    this.#ended = once(this.#child, "close");
  }

  /** How many requests have come to an end of any kind. */
  get ended(): number {
    const { answered, wrong, failed } = this.#last ?? { answered: 0, wrong: [], failed: [] };
    return answered + wrong.length + failed.length;
  }

  async stop(): Promise<LoadReport> {
    this.#child.stdin.end();
    await this.#ended;
    if (this.#last === undefined) throw new Error("the clients said nothing");
    return this.#last;
  }
}
