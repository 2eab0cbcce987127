import type { BrokerError } from "../../core/errors.js";
import { spellUnseen, visibleText } from "../../core/visible-text.js";
import type { Clock } from "../../system/clock.js";
import {
  columnsOf,
  hasColour,
  NO_SCREEN,
  paint,
  type Screen,
  type Style,
  screenOf,
  type TextStream,
} from "./screen.js";

// eslint-disable-next-line no-control-regex -- it begins with a control character
const OWN_COLOUR = /(\u001b\[(?:22?|3[0-9])m)/;

/** stdout is for machines, stderr for people. */
export interface Output {
  /** With `--json`: stdout holds one JSON value, stderr at most one error object, so people's lines are left out. */
  readonly json: boolean;
  /** What lines on stdout may look like. */
  readonly screen: Screen;
  /** What is waited for, told on a terminal once it takes longer than a second. */
  readonly progress: Progress;
  /** A line on stdout: what was asked for. */
  print(text: string): void;
  printJson(value: unknown): void;
  /** Lines on stderr: what was done, what is odd, how to go on. */
  say(text: string): void;
  warn(message: string, hint?: string): void;
  hint(text: string): void;
  error(error: BrokerError): void;
}

interface OutputOptions {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  readonly clock: Clock;
}

export function createOutput({ stdout, stderr, env, json, clock }: OutputOptions): Output {
  const colour = hasColour(stderr, env);
  const progress = new Progress({ stderr, clock, enabled: stderr.isTTY === true && !json });
  const tell = (text: string): void => {
    progress.clear();
    if (!json) stderr.write(`${text}\n`);
  };
  const labelled = (label: string, style: Style, text: string): void =>
    tell(`brokerctl: ${colour ? paint(label, style) : label} ${printable(text)}`);
  const print = (text: string): void => {
    progress.clear();
    stdout.write(`${text}\n`);
  };
  return {
    json,
    screen: json ? NO_SCREEN : screenOf(stdout, env),
    progress,
    // What a program reads (`eval`, a pipe) it gets as it is.
    print: (text) => print(stdout.isTTY === true ? withOwnColours(text) : text),
    printJson: (value) => print(visibleJson(JSON.stringify(value, null, 2))),
    say: (text) => tell(printable(text)),
    warn(message, hint) {
      labelled("warning:", "yellow", message);
      if (hint !== undefined) this.hint(hint);
    },
    hint: (text) => labelled("hint:", "cyan", text),
    error({ code, message, hint }) {
      if (json) {
        const told = { error: { code, message, ...(hint !== undefined && { hint }) } };
        stderr.write(`${visibleJson(JSON.stringify(told))}\n`);
        return;
      }
      labelled("error:", "red", message);
      if (hint !== undefined) this.hint(hint);
    },
  };
}

/**
 * Text from AWS, a config or a program may hold escape sequences, and characters that turn or hide what stands beside them:
 * none of them reaches a terminal.
 */
export function printable(text: string): string {
  return visibleText(text);
}

/** The same of what is put together already, where tables have coloured cells that went through `printable`. */
function withOwnColours(text: string): string {
  return text
    .split(OWN_COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : visibleText(part)))
    .join("");
}

/** Means the same, and shows everything. */
function visibleJson(json: string): string {
  return spellUnseen(json, "\n");
}

/** What is faster needs no word. */
const PATIENCE_MS = 1000;
const CLEAR_LINE = "\r\u001b[K";

interface Waited {
  readonly what: string;
  readonly since: number;
}

interface ProgressOptions {
  readonly stderr: TextStream;
  readonly clock: Clock;
  /** A user watches: a terminal, and not `--json`. */
  readonly enabled: boolean;
}

/** One line on stderr that says what has been waited for longer than a second; gone before anything else is written there. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #waited = new Set<Waited>();
  #enabled: boolean;
  #shown = false;
  #cancel: (() => void) | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#enabled = options.enabled;
  }

  /** `what`: as in `asking AWS`. */
  async during<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (!this.#enabled) return work();
    const waited = { what, since: this.#options.clock.now() };
    this.#waited.add(waited);
    this.#cancel ??= this.#options.clock.after(PATIENCE_MS, () => this.#draw());
    try {
      return await work();
    } finally {
      this.#waited.delete(waited);
      if (this.#waited.size === 0) this.#rest();
    }
  }

  /** Before anything else is written to the terminal; the line comes back if the wait goes on. */
  clear(): void {
    if (this.#shown) this.#options.stderr.write(CLEAR_LINE);
    this.#shown = false;
  }

  /** The terminal belongs to another program from now on. */
  end(): void {
    this.#rest();
    this.#enabled = false;
  }

  #rest(): void {
    this.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #draw(): void {
    const { stderr, clock } = this.#options;
    const [oldest] = this.#waited;
    if (oldest === undefined || !this.#enabled) return;
    const seconds = Math.floor((clock.now() - oldest.since) / 1000);
    const text = seconds < 1 ? oldest.what : `${oldest.what} … ${seconds} s`;
    stderr.write(CLEAR_LINE + cutShort(`brokerctl: ${text}`, columnsOf(stderr) - 1));
    this.#shown = true;
    this.#cancel = clock.after(PATIENCE_MS, () => this.#draw());
  }
}

/** Every command loads this file: what is not ASCII counts as wide, without the tables that know better. */
function cutShort(text: string, columns: number): string {
  let width = 0;
  let cut = "";
  for (const character of text) {
    width += character < "\u0080" ? 1 : 2;
    if (width > columns) return `${cut.slice(0, -1)}…`;
    cut += character;
  }
  return text;
}
