import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/command-table.js";
import { run, ShellRoom } from "./shell-room.js";

let room: ShellRoom;
beforeAll(async () => {
  room = await ShellRoom.ready();
  await room.broker.call("lease-create", { name: "ide", role: "dev" });
});
afterAll(() => room.close());

/** What a Tab at the end of `line` offers, as each shell itself sees it. */
const TAB = {
  bash: (line: string) =>
    room.run(
      "bash",
      `COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
       declare -F __credbroker_complete >/dev/null && [[ $(complete -p brokerctl) == *__credbroker_complete* ]] || exit 9
       COMP_WORDS=($COMP_LINE) COMP_CWORD=1
       __credbroker_complete brokerctl '' ''; printf '%s\\n' "\${COMPREPLY[@]-}"`,
      { before: 'eval "$(brokerctl completion bash)"' },
    ),
  // compsys runs in a terminal only: zpty is one.
  zsh: (line: string) =>
    run(
      "zsh",
      [
        "-f",
        "-c",
        `zmodload zsh/zpty
         zpty z 'zsh -f -i'
         zpty -w z 'PS1=; stty -echo -onlcr; autoload -Uz compinit; compinit -u -D; eval "$(command brokerctl completion zsh)"'
         zpty -w z 'compadd() { if [[ " $* " == *" -a -- values "* ]]; then print -rl -- "" "<<" $values ">>"; fi; builtin compadd "$@"; }'
         zpty -w z 'bindkey "^I" complete-word; zstyle ":completion:*" list-prompt ""; print READ""Y'
         zpty -r -m z out '*READY*'
         zpty -n -w z '${line}'$'\\t'
         zpty -r -m z out '*>>*' && print -r -- "\${(@)out}"
         zpty -d z`,
      ],
      room.environment({ TERM: "dumb" }),
    ),
  fish: (line: string) => room.run("fish", `complete -C '${line}'`, { before: "brokerctl completion fish | source" }),
};

const offered = async (shell: keyof typeof TAB, line: string): Promise<readonly string[]> => {
  const { stdout } = await TAB[shell](line);
  const text = shell === "zsh" ? (/<<\r?\n([\s\S]*?)>>/.exec(stdout)?.[1] ?? stdout) : stdout;
  return text
    .split(/\r?\n/)
    .map((found) => found.split("\t")[0]?.trim() ?? "")
    .filter(Boolean);
};

describe.each(["bash", "zsh", "fish"] as const)("Tab in %s", (shell) => {
  it("offers every command and subcommand there is", async () => {
    expect(await offered(shell, "brokerctl ")).toEqual(expect.arrayContaining(Object.keys(COMMANDS)));
    expect(await offered(shell, "brokerctl keys ro")).toEqual(["rotate"]);
  });

  it("offers roles, sources and leases by name", async () => {
    expect(await offered(shell, "brokerctl use c")).toEqual(["chained"]);
    expect([...(await offered(shell, "brokerctl exec "))].sort()).toEqual(["chained", "dev", "prod"]);
    expect(await offered(shell, "brokerctl keys rotate o")).toEqual(["ops-keys"]);
    expect(await offered(shell, "brokerctl use dev --lease i")).toEqual(["ide"]);
  });

  it("offers flags that are left, and their values", async () => {
    const flags = await offered(shell, "brokerctl use dev --for 1h --");
    expect(flags).toContain("--lease");
    expect(flags).not.toContain("--for");
    expect(await offered(shell, "brokerctl env --as st")).toEqual(["static"]);
    expect(await offered(shell, "brokerctl env --format=po")).toEqual([
      shell === "bash" ? "powershell" : "--format=powershell",
    ]);
    expect(await offered(shell, "brokerctl hook f")).toEqual(["fish"]);
  });
});

describe("Tab", () => {
  it("says nothing and starts nothing when brokerd does not run", async () => {
    const home = { CREDBROKER_HOME: `${room.broker.home}/nobody`, CREDBROKER_NO_AUTOSTART: "0" };
    const { stdout, stderr, code } = await room.run("bash", "brokerctl completion fish -- brokerctl use d", {
      before: "",
      env: home,
    });
    expect({ stdout, stderr, code }).toEqual({ stdout: "words\n", stderr: "", code: 0 });
  });
});
