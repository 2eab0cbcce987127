import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Outcome } from "./broker.js";
import { runToEnd } from "./processes.js";
import { tempDir } from "./temp-dir.js";

/** The `sh` blocks of a page, as they stand there. */
export function blocksOf(path: string): readonly string[] {
  return [...readFileSync(path, "utf8").matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text);
}

export interface PastedCommands {
  /** Runs the lines as one script, in the home. */
  readonly paste: (text: string) => Promise<Outcome>;
  /** How the tools were called, a line each. */
  readonly called: () => string;
}

interface Place {
  /** Of the user. */
  readonly home: string;
  /** CREDBROKER_HOME: of a brokerd that runs. */
  readonly brokerHome: string;
  /** In their place stands a program that writes down how it was called: what these do with AWS is not what is tried. */
  readonly tools: readonly string[];
}

/** A shell in which a reader pastes what a page says: our built programs, and the tools of others replaced. */
export function pastedCommands({ home, brokerHome, tools }: Place): PastedCommands {
  const directory = tempDir("programs");
  const write = (name: string, text: string): void => {
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(directory, name), 0o700);
  };
  write("brokerctl", `exec '${process.execPath}' '${resolve("dist/brokerctl.js")}' "$@"`);
  for (const tool of tools) write(tool, `echo "${tool} $*" >> "$HOME/called"`);
  const env = {
    PATH: `${directory}:/usr/bin:/bin`,
    HOME: home,
    CREDBROKER_HOME: brokerHome,
    CREDBROKER_NO_AUTOSTART: "1",
  };
  return {
    paste: (text) => runToEnd(["/bin/sh", "-eu", "-c", text], { env, cwd: home }),
    called: () => (existsSync(join(home, "called")) ? readFileSync(join(home, "called"), "utf8") : ""),
  };
}
