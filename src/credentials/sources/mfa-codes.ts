import { BrokerError } from "../../core/errors.js";
import { mfaCodeIn } from "../../core/mfa-code.js";
import type { KeysSource } from "../../core/role.js";
import { splitCommand } from "../../core/split-command.js";
import type { Clock } from "../../system/clock.js";
import type { ProgramRun, Programs } from "../../system/run-program.js";

/** RFC 6238 §5.2, and what every MFA device of AWS uses. */
const WINDOW_MS = 30_000;

export interface MfaCodesOptions {
  readonly programs: Programs;
  readonly clock: Clock;
}

/**
 * Codes of MFA devices. AWS takes each once: a second use fails in a way that looks like a wrong code, and failed codes
 * count towards a lock of the device. So a code that went out is refused here for as long as the device shows it.
 */
export class MfaCodes {
  readonly #options: MfaCodesOptions;
  /** By serial number: sources may share a device. */
  readonly #used = new Map<string, { readonly code: string; readonly at: number }>();

  constructor(options: MfaCodesOptions) {
    this.#options = options;
  }

  /** Marks the code as used, whatever becomes of it; rejects with MfaRequired if it was before. */
  claim(serial: string, code: string): void {
    const now = this.#options.clock.now();
    const used = this.#used.get(serial);
    if (used?.code === code && Math.abs(now - used.at) < WINDOW_MS) {
      const seconds = Math.ceil((WINDOW_MS - (now % WINDOW_MS)) / 1000);
      throw new BrokerError("MfaRequired", `this code of ${serial} was used already; each works once`, {
        hint: `wait about ${seconds} s for the next code`,
      });
    }
    this.#used.set(serial, { code, at: now });
  }

  /** The code that the source's mfa_process prints. Rejects with MfaRequired, or ConfigInvalid where it may not be run. */
  async ask({ name, mfaProcess = "" }: KeysSource): Promise<string> {
    const split = splitCommand(mfaProcess);
    const argv = "argv" in split ? split.argv : [];
    const what = `mfa_process ${argv[0] ?? ""} of source ${name}`;
    const run = await this.#options.programs.run(argv);
    if (run.end === "refused") {
      throw new BrokerError("ConfigInvalid", `${what} is not run: ${run.problem}`, { hint: run.hint });
    }
    const code = run.end === "output" ? mfaCodeIn(run.output.reveal()) : undefined;
    if (code !== undefined) return code;
    throw new BrokerError("MfaRequired", `${what} ${failureOf(run)}`, {
      hint: `run it by hand to see why, or type the code: brokerctl login ${name} --mfa-code-stdin`,
    });
  }
}

function failureOf(run: ProgramRun): string {
  if (run.end !== "failed") return "printed something else than a code of 6 digits";
  return run.said === "" ? run.reason : `${run.reason}: ${run.said}`;
}
