import { BrokerError } from "../../core/errors.js";

export interface Choice {
  readonly value: string;
  readonly label: string;
  /** Shown beside the chosen line. */
  readonly hint?: string;
}

/** Questions to the person at the terminal: asked on stderr, answered on stdin. */
export interface Prompts {
  /** Not echoed. */
  secret(question: string): Promise<string>;
  line(question: string): Promise<string>;
  confirm(question: string, fallback: boolean): Promise<boolean>;
  /** A list that typing narrows; the first choice is marked. */
  pick(question: string, choices: readonly Choice[]): Promise<string>;
}

/** Ctrl-C, Ctrl-D or Escape at a question: ends the command as SIGINT would. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("interrupted");
  }
}

/** For a question that cannot be asked: names the flag or file that answers it instead. */
export function cannotAsk(question: string, hint: string): BrokerError {
  return new BrokerError("UsageInvalid", `${question} is needed, and there is no terminal to ask at`, { hint });
}
