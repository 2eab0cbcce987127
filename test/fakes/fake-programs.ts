import { Secret } from "../../src/core/secret.js";
import type { ProgramRefusal, ProgramRun, Programs } from "../../src/system/run-program.js";

/** Programs without processes: each answers what the test says last, and remembers how it was called. */
export class FakePrograms implements Programs {
  readonly calls: (readonly string[])[] = [];
  refusal: ProgramRefusal | undefined;
  #answer: () => Promise<ProgramRun> = () =>
    Promise.resolve({ end: "failed", reason: "ended with exit code 1", said: "" });

  prints(output: string | object): void {
    const text = typeof output === "string" ? output : JSON.stringify(output);
    this.#answer = () => Promise.resolve({ end: "output", output: new Secret(text) });
  }

  fails(reason: string, said = ""): void {
    this.#answer = () => Promise.resolve({ end: "failed", reason, said });
  }

  /** From now on answers wait for what is returned to be called. */
  hold(output: string): () => void {
    let release: (run: ProgramRun) => void = () => undefined;
    const held = new Promise<ProgramRun>((resolve) => (release = resolve));
    this.#answer = () => held;
    return () => release({ end: "output", output: new Secret(output) });
  }

  async run(argv: readonly string[]): Promise<ProgramRun> {
    this.calls.push(argv);
    return this.refusal ? { end: "refused", ...this.refusal } : this.#answer();
  }

  async check(): Promise<ProgramRefusal | undefined> {
    return Promise.resolve(this.refusal);
  }
}
