import { createInterface } from "node:readline/promises";
import type { ReadStream, WriteStream } from "node:tty";
import { type Choice, Interrupted, type Prompts } from "./prompts.js";

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
const VISIBLE_CHOICES = 12;

export function createTerminalPrompts(terminal: Terminal): Prompts {
  return {
    secret: (question) => readSecret(question, terminal),
    line: (question) => readLine(question, terminal),
    confirm: (question, fallback) => confirm(question, fallback, terminal),
    pick: (question, choices) => pick(question, choices, terminal),
  };
}

function readSecret(question: string, { stdin, output }: Terminal): Promise<string> {
  output.write(`${question}: `);
  return new Promise((resolve, reject) => {
    let typed = "";
    const end = (finish: () => void): void => {
      stdin.off("data", onData).setRawMode(false).pause();
      output.write("\n");
      finish();
    };
    const onData = (chunk: Buffer): void => {
      for (const key of chunk.toString("utf8").replace(ESCAPE_SEQUENCE, "")) {
        if (key === KEY.enter || key === KEY.newline) return end(() => resolve(typed));
        if (key === KEY.interrupt || (key === KEY.end && typed === "")) return end(() => reject(new Interrupted()));
        typed = edited(typed, key);
      }
    };
    stdin.setRawMode(true).on("data", onData).resume();
  });
}

function edited(typed: string, key: string): string {
  if (key === KEY.backspace || key === KEY.erase) return typed.replace(/.$/u, "");
  if (key === KEY.kill) return "";
  return key < " " ? typed : typed + key;
}

async function readLine(question: string, { stdin, output }: Terminal): Promise<string> {
  const lines = createInterface({ input: stdin, output });
  const stopped = new AbortController();
  lines.once("SIGINT", () => stopped.abort());
  lines.once("close", () => stopped.abort());
  try {
    return (await lines.question(`${question}: `, { signal: stopped.signal })).trim();
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    output.write("\n");
    throw new Interrupted();
  } finally {
    lines.close();
  }
}

async function confirm(question: string, fallback: boolean, terminal: Terminal): Promise<boolean> {
  const answer = (await readLine(`${question} ${fallback ? "[Y/n]" : "[y/N]"}`, terminal)).toLowerCase();
  if (answer === "") return fallback;
  if (["y", "yes"].includes(answer)) return true;
  return ["n", "no"].includes(answer) ? false : confirm(question, fallback, terminal);
}

async function pick(question: string, choices: readonly Choice[], { stdin, output }: Terminal): Promise<string> {
  const { autocomplete, isCancel } = await import("@clack/prompts");
  const answer = await autocomplete({
    message: question,
    options: choices.map(({ value, label, hint }) => ({ value, label, ...(hint !== undefined && { hint }) })),
    filter: (search, option) => isSubsequence(search, option.label ?? option.value),
    maxItems: VISIBLE_CHOICES,
    input: stdin,
    output,
  });
  if (isCancel(answer)) throw new Interrupted();
  return answer;
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
