import { BrokerError } from "../../core/errors.js";
import { HOOKED_SHELLS, type HookedShell, hookFile } from "../../core/shell-files.js";
import { hasFlag } from "../arguments/parse-arguments.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import { evalLine, installLine, START_FILES, shellNamed } from "../shell/shell-scripts.js";
import { writeHook } from "../shell/write-hook.js";

const OPTIONS = {
  "install-line": { type: "boolean", help: "print the line for the start file instead: it starts no process" },
} as const satisfies OptionSpecs;

export const hookCommand = defineCommand({
  name: "hook",
  summary: "Print shell integration to eval in the start file of a shell",
  details: `A shell with the hook has the default lease when it starts and, from its first \`brokerctl use ROLE\` on, a lease of its
own that ends with it. CREDBROKER_PROMPT holds what a prompt can show; no process is started for it. Tab completes commands,
flags, roles, leases and sources. The integration is a file, which is written anew; what is printed reads it. A start file
that reads it by itself (--install-line) starts no process.`,
  positionals: [{ name: "SHELL", required: true, choices: HOOKED_SHELLS, help: HOOKED_SHELLS.join(", ") }],
  options: OPTIONS,
  examples: [
    "brokerctl hook bash --install-line >> ~/.bashrc        once; zsh: ~/.zshrc, fish: ~/.config/fish/config.fish",
    'eval "$(brokerctl hook bash)"                          in the start file: the same by a process for each shell',
    "brokerctl hook fish | source                           … in fish",
    "PS1='${CREDBROKER_PROMPT:+($CREDBROKER_PROMPT) }'$PS1    the role in the prompt",
  ],
  async run({ options, positionals }, context) {
    const shell = shellNamed(positionals[0]);
    refuseNewline(context);
    await writeHook(shell, context);
    const { stateDir } = context.paths();
    const line = installLine(shell, stateDir);
    if (options["install-line"]) {
      context.output.print(line);
      return;
    }
    context.output.print(evalLine(shell, stateDir));
    if (context.stdout.isTTY) tellHow(shell, line, context);
  },
  /** `eval` of nothing would be a success; a start file gets nothing. */
  onFailure(argv, { output }) {
    if (!hasFlag(argv, "--install-line")) output.print("false;");
  },
});

function tellHow(shell: HookedShell, line: string, { output, paths }: CliContext): void {
  output.hint(`nothing has changed yet. Add this line to ${START_FILES[shell]}:`);
  output.say(`\n${line}\n`);
  output.hint(`it reads ${hookFile(paths().stateDir, shell)}, which was just written`);
}

/** Every other character can be quoted. */
function refuseNewline({ paths }: CliContext): void {
  const { stateDir, controlSocket } = paths();
  if (!/[\n\r]/.test(stateDir + controlSocket)) return;
  throw new BrokerError("UsageInvalid", "the path of the state directory has a line break", {
    hint: "export CREDBROKER_HOME=/another/directory",
  });
}
