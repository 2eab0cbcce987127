import { once } from "node:events";
import type { Outcome } from "../../support/broker.js";
import { endGroup, start } from "../../support/processes.js";

const LIMIT_MS = 90_000;

/** A program that runs, and what it has said so far. */
export class Conversation {
  /** Resolves when the program ends, at the latest after 90 s. */
  readonly ended: Promise<Outcome>;
  #stdout = "";
  #stderr = "";
  readonly #listeners = new Set<() => void>();

  constructor(command: readonly string[], options: { readonly env: Readonly<Record<string, string>> }) {
    const child = start(command, options);
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stdout += chunk;
      for (const listener of [...this.#listeners]) listener();
    });
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (this.#stderr += chunk));
    child.stdin?.on("error", () => undefined).end();
    const limit = setTimeout(() => endGroup(child.pid), LIMIT_MS);
    this.ended = once(child, "close").then((close) => {
      clearTimeout(limit);
      const [code, signal] = close as [number | null, NodeJS.Signals | null];
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  /** The first group of a pattern, once it was printed on stdout. */
  async printed(pattern: RegExp): Promise<string> {
    const found = new Promise<string>((resolve) => {
      const look = (): void => {
        const text = pattern.exec(this.#stdout)?.[1];
        if (text === undefined) return;
        this.#listeners.delete(look);
        resolve(text);
      };
      this.#listeners.add(look);
      look();
    });
    return this.until(found);
  }

  /** What something else brings about while the program runs; if it ends before that, what it said is the error. */
  async until<T>(happens: Promise<T>): Promise<T> {
    const tooSoon = this.ended.then(({ code, signal, stdout, stderr }) => {
      throw new Error(`the program ended too soon (${code ?? signal}):\n${stdout}\n${stderr}`);
    });
    return Promise.race([happens, tooSoon]);
  }
}
