import { StringDecoder } from "node:string_decoder";
import type { ReadStream, WriteStream } from "node:tty";
import { visibleText } from "../../core/visible-text.js";
import { type Choice, Interrupted, type Prompts } from "./prompts.js";
import { columnsOf } from "./screen.js";

export interface Terminal {
  readonly stdin: ReadStream;
  /** stderr: stdout may be captured by `eval`. */
  readonly output: WriteStream;
}

const KEY = {
  enter: "\r",
  newline: "\n",
  interrupt: "\u0003",
  end: "\u0004",
  backspace: "\u007f",
  erase: "\b",
  kill: "\u0015",
};
/** What terminals send around a paste, and the cursor keys: no part of a secret. */
// eslint-disable-next-line no-control-regex -- these sequences begin with a control character
const ESCAPE_SEQUENCE = /\u001b\[[0-9;]*[A-Za-z~]/g;
const CLEAR_LINE = "\r\u001b[K";
const VISIBLE_CHOICES = 12;
/** Where a terminal says that it has none. */
const USUAL_ROWS = 24;

export function createTerminalPrompts(terminal: Terminal): Prompts {
  return {
    secret: (question) => readKeys(visibleText(question), terminal, { echo: false }),
    line: (question) => readLine(visibleText(question), terminal),
    confirm: (question, fallback) => confirm(visibleText(question), fallback, terminal),
    pick: (question, choices) => pick(visibleText(question), choices, terminal),
  };
}

async function readLine(question: string, terminal: Terminal): Promise<string> {
  return (await readKeys(question, terminal, { echo: true })).trim();
}

/**
 * Reads up to Enter, key by key: the terminal itself echoes nothing from before the question is shown. What was pasted
 * beyond Enter stays for the next question, so that a secret pasted together with its id is not shown either.
 */
function readKeys(question: string, { stdin, output }: Terminal, { echo }: { echo: boolean }): Promise<string> {
  stdin.setRawMode(true);
  output.write(`${question}: `);
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder("utf8");
    let typed = "";
    const onData = (chunk: Buffer): void => {
      const pressed = press(typed, decoder.write(chunk).replace(ESCAPE_SEQUENCE, ""));
      typed = pressed.typed;
      if (echo) output.write(`${CLEAR_LINE}${question}: ${typed}`);
      if (pressed.end === undefined) return;
      stdin.off("data", onData).setRawMode(false).pause();
      output.write("\n");
      if (pressed.rest !== "") stdin.unshift(Buffer.from(pressed.rest));
      if (pressed.end === "enter") resolve(typed);
      else reject(new Interrupted());
    };
    stdin.on("data", onData).resume();
  });
}

interface Pressed {
  readonly typed: string;
  /** Undefined: the line goes on. */
  readonly end?: "enter" | "interrupt";
  readonly rest: string;
}

function press(before: string, keys: string): Pressed {
  let typed = before;
  let at = 0;
  for (const key of keys) {
    at += key.length;
    if (key === KEY.enter || key === KEY.newline) {
      const rest = keys.slice(at);
      return { typed, end: "enter", rest: key === KEY.enter ? rest.replace(/^\n/, "") : rest };
    }
    if (key === KEY.interrupt || (key === KEY.end && typed === "")) return { typed, end: "interrupt", rest: "" };
    typed = edited(typed, key);
  }
  return { typed, rest: "" };
}

function edited(typed: string, key: string): string {
  if (key === KEY.backspace || key === KEY.erase) return typed.replace(/.$/u, "");
  if (key === KEY.kill) return "";
  return key < " " ? typed : typed + key;
}

async function confirm(question: string, fallback: boolean, terminal: Terminal): Promise<boolean> {
  const answer = (await readLine(`${question} ${fallback ? "[Y/n]" : "[y/N]"}`, terminal)).toLowerCase();
  if (answer === "") return fallback;
  if (["y", "yes"].includes(answer)) return true;
  return ["n", "no"].includes(answer) ? false : confirm(question, fallback, terminal);
}

async function pick(question: string, choices: readonly Choice[], { stdin, output }: Terminal): Promise<string> {
  const { autocomplete, isCancel, updateSettings } = await import("@clack/prompts");
  updateSettings({ aliases: { [KEY.end]: "cancel" } });
  ensureSize(output);
  const isChoice = (value: unknown): value is string => choices.some((choice) => choice.value === value);
  const answer = await autocomplete({
    message: question,
    options: choices.map(({ value, label, hint }) => ({
      value,
      label: visibleText(label),
      ...(hint !== undefined && { hint: visibleText(hint) }),
    })),
    filter: (search, option) => isSubsequence(search, option.label ?? option.value),
    maxItems: VISIBLE_CHOICES,
    // Enter where nothing fits chooses nothing, whatever was marked before.
    validate: (value) => (isChoice(value) ? undefined : "nothing fits what is typed: Backspace, or Escape to leave it"),
    input: stdin,
    output,
  });
  if (isCancel(answer) || !isChoice(answer)) throw new Interrupted();
  return answer;
}

/** The list is drawn to the terminal's size. Some say 0 × 0, as serial lines and new pseudo terminals do. */
function ensureSize(output: WriteStream): void {
  output.columns = columnsOf(output);
  if (!(output.rows > 0)) output.rows = USUAL_ROWS;
}

/** `pdr` finds `prod-role`: every letter, in this order. */
function isSubsequence(search: string, text: string): boolean {
  const haystack = text.toLowerCase();
  let from = 0;
  for (const letter of search.toLowerCase().replaceAll(" ", "")) {
    from = haystack.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}
