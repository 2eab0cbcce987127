import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/command-table.js";
import type { HookedShell } from "../../src/core/shell-files.js";
import { run, SHELLS_HERE, ShellFixture } from "./shell-fixture.js";

let fixture: ShellFixture;
beforeAll(async () => {
  fixture = await ShellFixture.ready();
  await fixture.broker.call("lease-create", { name: "ide", role: "dev" });
  for (const shell of SHELLS_HERE) {
    const { stdout } = await fixture.broker.ctl(["completion", shell]);
    writeFileSync(scriptOf(shell), stdout);
  }
});
afterAll(() => fixture.close());

const scriptOf = (shell: HookedShell): string => join(fixture.broker.home, `completion.${shell}`);

/** What a Tab at the end of each line offers, as each shell itself sees it. */
const TAB: Readonly<Record<HookedShell, (lines: readonly string[]) => Promise<readonly string[]>>> = {
  bash: (lines) =>
    oneByOne(lines, (line) =>
      fixture.run(
        "bash",
        `source '${scriptOf("bash")}'
         COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
         [[ $(complete -p brokerctl) == 'complete -F __credbroker_complete brokerctl' ]] || exit 9
         COMP_WORDS=($COMP_LINE) COMP_CWORD=1
         __credbroker_complete brokerctl '' ''; printf '%s\\n' "\${COMPREPLY[@]-}"`,
      ),
    ),
  // compsys runs in a terminal only: zpty is one.
  zsh: async (lines) => {
    const tabs = lines.map(
      (line) => `zpty -n -w z $'\\x15''${line}'$'\\t'\nzpty -r -m z out '*>>*' && print -r -- "\${(@)out}"`,
    );
    const { stdout } = await run(
      "zsh",
      [
        "-f",
        "-c",
        `zmodload zsh/zpty
         zpty z 'zsh -f -i'
         zpty -w z 'PS1=; stty -echo -onlcr; autoload -Uz compinit; compinit -u -D; source ${scriptOf("zsh")}'
         zpty -w z 'compadd() { if [[ " $* " == *" -a -- values "* ]]; then print -rl -- "" "<<" $values ">>"; fi; builtin compadd "$@"; }'
         zpty -w z 'bindkey "^I" complete-word; bindkey "^U" kill-whole-line; zstyle ":completion:*" list-prompt ""; print READ""Y'
         zpty -r -m z out '*READY*'
         ${tabs.join("\n")}
         zpty -d z`,
      ],
      fixture.environment(),
    );
    return [...stdout.matchAll(/<<\r?\n([\s\S]*?)>>/g)].map(([, text = ""]) => text);
  },
  fish: (lines) =>
    oneByOne(lines, (line) => fixture.run("fish", `source '${scriptOf("fish")}'; complete -C '${line}'`)),
};

async function oneByOne(
  lines: readonly string[],
  tab: (line: string) => Promise<{ readonly stdout: string }>,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const line of lines) texts.push((await tab(line)).stdout);
  return texts;
}

async function offered(shell: HookedShell, ...lines: readonly string[]): Promise<readonly (readonly string[])[]> {
  const texts = await TAB[shell](lines);
  return texts.map((text) =>
    text
      .split(/\r?\n/)
      .map((found) => found.split("\t")[0]?.trim() ?? "")
      .filter(Boolean),
  );
}

describe.each(SHELLS_HERE)("Tab in %s", (shell) => {
  it("offers every command and subcommand there is", async () => {
    const [commands, subcommands] = await offered(shell, "brokerctl ", "brokerctl keys ro");
    expect(commands).toEqual(expect.arrayContaining(Object.keys(COMMANDS)));
    expect(subcommands).toEqual(["rotate"]);
  });

  it("offers roles, sources and leases by name", async () => {
    const lines = ["brokerctl use c", "brokerctl exec ", "brokerctl keys rotate o", "brokerctl use dev --lease i"];
    const [role, roles = [], source, lease] = await offered(shell, ...lines);
    expect(role).toEqual(["chained"]);
    expect([...roles].sort()).toEqual(["chained", "dev", "prod"]);
    expect(source).toEqual(["ops-keys"]);
    expect(lease).toEqual(["ide"]);
  });

  it("offers flags that are left, and their values", async () => {
    const [flags, value, joined, choice] = await offered(
      shell,
      "brokerctl use dev --for 1h --",
      "brokerctl env --as st",
      "brokerctl env --format=po",
      "brokerctl hook f",
    );
    expect(flags).toContain("--lease");
    expect(flags).not.toContain("--for");
    expect(value).toEqual(["static"]);
    expect(joined).toEqual([shell === "bash" ? "powershell" : "--format=powershell"]);
    expect(choice).toEqual(["fish"]);
  });
});

describe("Tab", () => {
  it("says nothing and starts nothing when brokerd does not run", async () => {
    const home = { CREDBROKER_HOME: `${fixture.broker.home}/missing`, CREDBROKER_NO_AUTOSTART: "0" };
    const tab = await fixture.broker.ctl(["completion", "fish", "--", "brokerctl", "use", "d"], { env: home });
    expect(tab).toMatchObject({ stdout: "words\n", stderr: "", code: 0 });
    const again = await fixture.broker.ctl(["status"], { env: home });
    expect(again.code).toBe(3);
  });
});
