import type { Readable } from "node:stream";
import { BrokerError } from "../../core/errors.js";

export interface Choice {
  readonly value: string;
  readonly label: string;
  /** Shown beside the chosen line. */
  readonly hint?: string;
}

/** Questions to the user at the terminal: asked on stderr, answered on stdin. */
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

/** The user at a terminal, where there is one. */
interface Asker {
  readonly interactive: boolean;
  readonly prompts: Prompts;
}

/** Asks before something that cannot be undone, unless `--yes` was given; without a terminal `--yes` is needed. */
export async function confirmOrRefuse(question: string, yes: boolean, context: Asker): Promise<void> {
  if (yes) return;
  if (!context.interactive) throw cannotAsk(`an answer to "${question}"`, "add --yes");
  if (!(await context.prompts.confirm(question, false))) throw new BrokerError("Conflict", "nothing was changed");
}

interface Piped {
  readonly stdin: () => Readable;
  readonly stdinIsTTY: boolean;
}

/** More than any secret, code or passphrase: more than that is a mistaken file. */
const MAX_BYTES = 64 * 1024;

/** The first line of stdin, for `flag`; a final newline, also of Windows, is not part of it. */
export async function readStdinLine({ stdin, stdinIsTTY }: Piped, flag: string): Promise<string> {
  if (stdinIsTTY) {
    throw new BrokerError("UsageInvalid", `${flag} reads from a pipe or a file, and stdin is a terminal`, {
      hint: `leave ${flag} out and type it at the prompt`,
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin() as AsyncIterable<Buffer | string>) {
    chunks.push(Buffer.from(chunk));
    bytes += chunks.at(-1)?.length ?? 0;
    if (bytes > MAX_BYTES) throw new BrokerError("UsageInvalid", `${flag}: stdin holds more than ${MAX_BYTES} bytes`);
  }
  const line =
    Buffer.concat(chunks)
      .toString("utf8")
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)[0] ?? "";
  if (line === "")
    throw new BrokerError("UsageInvalid", `${flag}: stdin is empty`, { hint: `printf %s VALUE | brokerctl … ${flag}` });
  return line;
}
