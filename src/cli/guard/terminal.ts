import { closeSync, openSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import { visibleText } from "../../core/visible-text.js";
import type { Prompts } from "../terminal/prompts.js";
import { createTerminalPrompts } from "../terminal/terminal-prompts.js";

/** The terminal of this process, whatever its standard streams are. */
export interface OwnTerminal {
  readonly prompts: Prompts;
  say(text: string): void;
  close(): void;
}

const DEVICE = "/dev/tty";

/** undefined: this process has none. */
export function openOwnTerminal(): OwnTerminal | undefined {
  let descriptors: readonly number[] = [];
  try {
    descriptors = [openSync(DEVICE, "r"), openSync(DEVICE, "w")];
    const [input = -1, output = -1] = descriptors;
    const stdin = new ReadStream(input);
    const out = new WriteStream(output);
    return {
      prompts: createTerminalPrompts({ stdin, output: out }),
      say: (text) => void out.write(`${visibleText(text)}\n`),
      close: () => {
        stdin.destroy();
        out.destroy();
      },
    };
  } catch {
    for (const descriptor of descriptors) closeSync(descriptor);
    return undefined;
  }
}
