import type { FoundCredentials } from "../../core/credentials.js";
import { BrokerError } from "../../core/errors.js";
import { checkFound } from "../../core/found-credentials.js";
import type { ProcessSource } from "../../core/role.js";
import type { Secret } from "../../core/secret.js";
import { splitCommand } from "../../core/split-command.js";
import type { Clock } from "../../system/clock.js";
import type { Programs } from "../../system/run-program.js";

export interface ProcessCredentialsOptions {
  readonly programs: Programs;
  readonly clock: Clock;
}

/**
 * Credentials that a program prints (AWS CLI, "Sourcing credentials with an external process"). A program that failed is
 * not run again until the user asks: running it again and again could push a hundred questions to a phone.
 */
export class ProcessCredentials {
  readonly #options: ProcessCredentialsOptions;

  constructor(options: ProcessCredentialsOptions) {
    this.#options = options;
  }

  /** Rejects with ConfigInvalid where the program may not be run or prints something else, with LoginRequired where it fails. */
  async find(source: ProcessSource): Promise<FoundCredentials> {
    const argv = argvOf(source);
    const run = await this.#options.programs.run(argv);
    const what = `credential_process ${argv[0] ?? ""} of source ${source.name}`;
    if (run.end === "refused")
      throw new BrokerError("ConfigInvalid", `${what} is not run: ${run.problem}`, { hint: run.hint });
    if (run.end === "failed") {
      const said = run.said === "" ? "" : `: ${run.said}`;
      throw new BrokerError("LoginRequired", `${what} ${run.reason}${said}`, {
        hint: "run the command by hand to see why, then brokerctl refresh",
      });
    }
    const found = readOutput(run.output, this.#options.clock.now());
    if (!("problem" in found)) return found;
    const code = found.hasExpired ? "LoginRequired" : "ConfigInvalid";
    throw new BrokerError(code, `${what} printed ${found.problem}`, {
      hint: "it must print JSON with Version 1, AccessKeyId, SecretAccessKey, SessionToken and Expiration",
    });
  }

  /** Rejects as `find` would where the program may not be run; it is not run. */
  async check(source: ProcessSource): Promise<void> {
    const argv = argvOf(source);
    const refusal = await this.#options.programs.check(argv);
    if (!refusal) return;
    const message = `credential_process of source ${source.name} is not run: ${refusal.problem}`;
    throw new BrokerError("ConfigInvalid", message, refusal);
  }
}

function argvOf({ name, command }: ProcessSource): readonly string[] {
  const split = splitCommand(command);
  if ("argv" in split) return split.argv;
  throw new BrokerError("ConfigInvalid", `credential_process of source ${name} cannot be split: ${split.problem}`);
}

interface Unusable {
  readonly problem: string;
  readonly hasExpired: boolean;
}

function readOutput(output: Secret, now: number): FoundCredentials | Unusable {
  const printed = parseJson(output);
  if (!printed) return { problem: "no JSON object", hasExpired: false };
  if (printed["Version"] !== 1) return { problem: "no Version 1", hasExpired: false };
  const expiration = expirationOf(printed["Expiration"]);
  const found = checkFound(
    {
      accessKeyId: printed["AccessKeyId"],
      secretAccessKey: printed["SecretAccessKey"],
      sessionToken: printed["SessionToken"],
      accountId: printed["AccountId"],
      ...(expiration === undefined ? {} : { expiration }),
    },
    now,
  );
  if (!("problem" in found)) return found;
  return { ...found, hasExpired: expiration !== undefined && expiration <= now };
}

/** ISO 8601, as the AWS CLI asks for; absent, null or empty: none. NaN: something else. */
function expirationOf(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? Date.parse(value) : Number.NaN;
}

function parseJson(output: Secret): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(output.reveal());
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined; // the parser's own message quotes the text
  }
}
