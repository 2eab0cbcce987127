import type { BrokerError } from "../../core/errors.js";
import { spellUnseen, visibleText } from "../../core/visible-text.js";

// eslint-disable-next-line no-control-regex -- it begins with a control character
const OWN_COLOUR = /(\u001b\[(?:0|3[0-9])m)/;

export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** stdout is for machines, stderr for people (interface §4). */
export interface Output {
  /** With `--json`: stdout holds one JSON value, stderr at most one error object, so people's lines are left out. */
  readonly json: boolean;
  /** A line on stdout: what was asked for. */
  print(text: string): void;
  printJson(value: unknown): void;
  /** Lines on stderr: what was done, what is odd, how to go on. */
  say(text: string): void;
  warn(message: string, hint?: string): void;
  hint(text: string): void;
  error(error: BrokerError): void;
}

export interface OutputOptions {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
}

export function createOutput({ stdout, stderr, env, json }: OutputOptions): Output {
  const paint = painter(stderr, env);
  const tell = (text: string): void => {
    if (!json) stderr.write(`${printable(text)}\n`);
  };
  return {
    json,
    // What a program reads (`eval`, a pipe) it gets as it is.
    print: (text) => void stdout.write(`${stdout.isTTY === true ? printable(text) : text}\n`),
    printJson: (value) => void stdout.write(`${visibleJson(JSON.stringify(value, null, 2))}\n`),
    say: tell,
    warn(message, hint) {
      tell(`brokerctl: ${paint("warning:", "33")} ${message}`);
      if (hint !== undefined) this.hint(hint);
    },
    hint: (text) => tell(`brokerctl: ${paint("hint:", "36")} ${text}`),
    error({ code, message, hint }) {
      if (json) {
        const told = { error: { code, message, ...(hint !== undefined && { hint }) } };
        stderr.write(`${visibleJson(JSON.stringify(told))}\n`);
        return;
      }
      tell(`brokerctl: ${paint("error:", "31")} ${message}`);
      if (hint !== undefined) this.hint(hint);
    },
  };
}

/**
 * Text from AWS, a config or a program may hold escape sequences, and characters that turn or hide what stands beside them:
 * none of them reaches a terminal. Our own (colours) stay.
 */
export function printable(text: string): string {
  return text
    .split(OWN_COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : visibleText(part)))
    .join("");
}

/** Means the same, and shows everything. */
function visibleJson(json: string): string {
  return spellUnseen(json, "\n");
}

function painter(stream: TextStream, env: OutputOptions["env"]): (text: string, colour: string) => string {
  // https://no-color.org: any value that is not empty
  const plain = stream.isTTY !== true || Boolean(env["NO_COLOR"]) || env["TERM"] === "dumb";
  return (text, colour) => (plain ? text : `\u001b[${colour}m${text}\u001b[0m`);
}
