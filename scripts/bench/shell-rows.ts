import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BenchBroker, type Command, timed } from "./bench-broker.js";
import type { Row, Side } from "./measure.js";

const DRAWS = 1000;

/** Where a start file stands, and a loop over what is done before a prompt. */
const SHELLS = {
  bash: { startFile: ".bashrc", look: "__credbroker_prompt", nothing: ":" },
  zsh: { startFile: ".zshrc", look: "__credbroker_prompt", nothing: ":" },
  fish: { startFile: ".config/fish/config.fish", look: "__credbroker_look", nothing: "true" },
} as const;
type Shell = keyof typeof SHELLS;

/** What the hook costs each shell that is here: a start with it beside one with an empty start file, and its look before a prompt. */
export const SHELL_ROWS: readonly Row[] = (Object.keys(SHELLS) as Shell[])
  .filter((shell) => spawnSync(shell, ["-c", ":"]).status === 0)
  .map(shellRow);

function shellRow(shell: Shell): Row {
  return {
    ...{ id: `hook-${shell}`, title: `${shell} with the hook`, rounds: 21, quickRounds: 5 },
    prepare: async () => {
      const bench = await BenchBroker.create(1);
      const installed = bench.ctl("hook", shell, "--install-line");
      const [program = "", ...args] = installed.command;
      const line = spawnSync(program, args, { env: installed.env, encoding: "utf8" }).stdout;
      const { env } = bench.broker;
      const homes = {
        hooked: home(join(bench.broker.home, "hooked"), shell, line),
        bare: home(join(bench.broker.home, "bare"), shell, ""),
      };
      const side = (name: keyof typeof homes, look: string): Side => ({
        name,
        sample: async () => {
          const start = await timed(scriptOf(shell, "", { ...env, HOME: homes[name] }));
          const looped = await timed(scriptOf(shell, loop(shell, look), { ...env, HOME: homes[name] }));
          return { "start ms": start, "µs before a prompt": (1000 * (looped - start)) / DRAWS };
        },
      });
      return {
        sides: [side("hooked", SHELLS[shell].look), side("bare", SHELLS[shell].nothing)],
        targets: [{ of: "hooked", figure: "start ms", beside: "bare" }],
        close: () => bench.close(),
      };
    },
  };
}

function home(path: string, shell: Shell, text: string): string {
  const file = join(path, SHELLS[shell].startFile);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${text}\n`);
  return path;
}

function loop(shell: Shell, body: string): string {
  return shell === "fish"
    ? `for i in (seq ${DRAWS}); ${body}; end`
    : `for ((i = 0; i < ${DRAWS}; i++)); do ${body}; done`;
}

function scriptOf(shell: Shell, script: string, env: Readonly<Record<string, string>>): Command {
  return { command: [shell, "-i", "-c", `${script}\nexit 0`], env };
}
