import type { BrokerError } from "../../core/errors.js";

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
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    say: tell,
    warn(message, hint) {
      tell(`brokerctl: ${paint("warning:", "33")} ${message}`);
      if (hint !== undefined) this.hint(hint);
    },
    hint: (text) => tell(`brokerctl: ${paint("hint:", "36")} ${text}`),
    error({ code, message, hint }) {
      if (json) {
        stderr.write(`${JSON.stringify({ error: { code, message, ...(hint !== undefined && { hint }) } })}\n`);
        return;
      }
      tell(`brokerctl: ${paint("error:", "31")} ${message}`);
      if (hint !== undefined) this.hint(hint);
    },
  };
}

/** Text from AWS or a config may hold escape sequences: none of them reaches a terminal. Ours (colours) are put back. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  return text.replace(/\u001b\[(?:0|3[0-9])m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (found) =>
    found.length > 1 ? found : "?",
  );
}

function painter(stream: TextStream, env: OutputOptions["env"]): (text: string, colour: string) => string {
  // https://no-color.org: any value that is not empty
  const plain = stream.isTTY !== true || Boolean(env["NO_COLOR"]) || env["TERM"] === "dumb";
  return (text, colour) => (plain ? text : `\u001b[${colour}m${text}\u001b[0m`);
}
