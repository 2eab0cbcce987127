import { HOOKED_SHELLS } from "../../core/shell-files.js";
import { type Command, type CommandEntry, defineCommand } from "../command.js";
import { completionScript, shellNamed } from "../shell/shell-scripts.js";

/** Completes `commands`, whatever they are. */
export function completionCommand(commands: Readonly<Record<string, CommandEntry>>): Command {
  return defineCommand({
    name: "completion",
    summary: "Print the completion script of a shell",
    details: `\`brokerctl hook SHELL\` brings it along. The script asks brokerctl at each Tab what fits: after \`--\` stand the words typed so
far, the unfinished one last, and the answer is a line that says what else fits (words, files, command) and a line for
each candidate. brokerd is asked for names if it runs, and never started.`,
    positionals: [{ name: "SHELL", required: true, choices: HOOKED_SHELLS, help: HOOKED_SHELLS.join(", ") }],
    rest: "WORD…",
    options: {},
    examples: [
      'eval "$(brokerctl completion bash)"                                      in ~/.bashrc',
      "brokerctl completion zsh > ~/.zfunc/_brokerctl                           in a directory of $fpath",
      "brokerctl completion fish > ~/.config/fish/completions/brokerctl.fish",
      "brokerctl completion fish -- brokerctl use pr                            what a Tab gets",
    ],
    async run({ positionals, rest }, context) {
      const shell = shellNamed(positionals[0]);
      if (rest.length === 0) {
        context.output.print((await completionScript(shell)).trimEnd());
        return;
      }
      const { complete } = await import("../shell/complete.js");
      for (const line of await complete({ shell, given: rest, commands }, context)) context.output.print(line);
    },
  });
}
