import type { ProgramRun, Programs } from "../system/run-program.js";
import { type DataKeyHolder, type DataKeyOutcome, decodeDataKey } from "./data-key.js";

/** Long enough for a fingerprint or a touch of a YubiKey; a key is 64 characters at most. */
const LIMITS = { limitMs: 30_000, maxBytes: 1_024 } as const;

export interface CommandKeyOptions {
  /** Program and arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  /** Runs it, after checking who owns the program. */
  readonly programs: Programs;
}

/**
 * `secret_store: command`: a command of the user's (1Password, pass, a YubiKey) prints the data key. It keeps no new
 * one: the user made the key. Messages name its program, never its arguments or output, and nothing that it wrote to stderr.
 */
export class CommandKey implements DataKeyHolder {
  readonly place: string;
  readonly warnings: readonly string[] = [];
  readonly #options: CommandKeyOptions;

  constructor(options: CommandKeyOptions) {
    this.#options = options;
    this.place = `data_key_command ${options.argv[0]}`;
  }

  async load(): Promise<DataKeyOutcome> {
    const { programs, argv } = this.#options;
    return this.#outcomeOf(await programs.run(argv, LIMITS));
  }

  #outcomeOf(run: ProgramRun): DataKeyOutcome {
    if (run.end === "refused") {
      const hint = `${run.hint}; then brokerctl restart`;
      return { outcome: "unavailable", message: `${this.place} is not run: ${run.problem}`, hint };
    }
    if (run.end === "failed") {
      const hint = "run the command by hand to see why, then brokerctl unlock";
      return { outcome: "locked", message: `${this.place} ${run.reason}`, hint };
    }
    const key = decodeDataKey(run.output.reveal().replace(/\r?\n$/, ""));
    if (key) return { outcome: "found", key };
    return {
      outcome: "unavailable",
      message: `${this.place} printed no data key: 43 characters of base64url or 64 of hex, nothing else`,
      hint: "make one with `openssl rand -hex 32` and keep it where the command finds it",
    };
  }
}
