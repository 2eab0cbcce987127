import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { evalLine, installLine } from "../../../src/cli/shell/shell-scripts.js";
import { findStartLines, withoutLines } from "../../../src/cli/uninstall/start-files.js";
import { HOOKED_SHELLS } from "../../../src/core/shell-files.js";

const places = { stateDir: "/home/me/.local/state/credbroker", homeDir: "/home/me" };
const find = (text: string): readonly (readonly [number, boolean])[] =>
  findStartLines(text, places).map(({ line, removable }) => [line, removable]);

describe("lines of start files that have to do with us", () => {
  it.each([
    `eval "$(brokerctl hook bash)"`,
    `eval "$(/opt/node/bin/brokerctl hook zsh)"  # credbroker`,
    `eval "$(brokerctl env)"`,
    `eval "$(brokerctl env dev --as header 2>/dev/null)"`,
    `command -v brokerctl >/dev/null 2>&1 && eval "$(brokerctl hook bash)"`,
    `command -v brokerctl &>/dev/null && eval "$(brokerctl hook bash)"`,
    `(( $+commands[brokerctl] )) && source <(brokerctl completion zsh)`,
    `type -q brokerctl && brokerctl hook fish | source`,
    `source <(brokerctl completion bash)`,
    `. <(brokerctl completion bash)`,
    `brokerctl hook fish | source`,
    `. ~/.local/state/credbroker/shell/hook.bash`,
    `source "$HOME/.local/state/credbroker/shell/hook.zsh"`,
    `. "$HOME"/.local/state/credbroker/shell/hook.bash`,
    `[ -r ~/.local/state/credbroker/shell/hook.bash ] && . ~/.local/state/credbroker/shell/hook.bash`,
    `[[ -f /home/me/.local/state/credbroker/shell/hook.zsh ]] && source /home/me/.local/state/credbroker/shell/hook.zsh`,
    `if [ -r /home/me/.local/state/credbroker/shell/hook.bash ]; then . /home/me/.local/state/credbroker/shell/hook.bash; fi`,
    `if [ -r '/home/me/.local/state/credbroker/shell/hook.zsh' ]; then . '/home/me/.local/state/credbroker/shell/hook.zsh'; fi`,
    `status is-interactive; and test -r /home/me/.local/state/credbroker/shell/hook.fish; and source /home/me/.local/state/credbroker/shell/hook.fish`,
    `if [ -O '/home/me/.local/state/credbroker/shell/hook.bash' ]; then . '/home/me/.local/state/credbroker/shell/hook.bash'; fi`,
    `status is-interactive; and test -O '/home/me/.local/state/credbroker/shell/hook.fish'; and source '/home/me/.local/state/credbroker/shell/hook.fish'`,
    `test -f ~/.local/state/credbroker/shell/hook.fish; and source ~/.local/state/credbroker/shell/hook.fish`,
  ])("are found and can be taken out: %s", (line) => {
    const found = find(`export A=1\n${line}\nexport B=2\n`);
    // A quote that ends behind the variable splits the word: named, and left to the user.
    expect(found).toEqual([[2, !line.includes(`"$HOME"/`)]]);
  });

  it.each(HOOKED_SHELLS)("are found as we print them for %s, whatever the directory is called", (shell) => {
    for (const stateDir of ["/home/me/a  b/state", "/home/me/[x] (y)/it's", "/home/me/$x/*"]) {
      for (const line of [installLine(shell, stateDir), evalLine(shell, stateDir).slice(0, -1)]) {
        const [found] = findStartLines(line, { ...places, stateDir });
        expect(found).toEqual({ line: 1, removable: true, text: line });
      }
    }
  });

  it.each([
    [`export A=1; eval "$(brokerctl env)"`, "more in the line"],
    [`eval "$(brokerctl env)"; export A=1`, "more behind it"],
    [`alias e='eval "$(brokerctl env)"'`, "an alias"],
    [`export AWS_CONTAINER_CREDENTIALS_FULL_URI='http://127.0.0.1:9171/lease/brk_x'`, "a URL"],
    [`eval "$(brokerctl env $(cat /etc/role))"`, "another command inside"],
    [`. ~/.bashrc.d/x && cat ~/.local/state/credbroker/brokerd.log`, "another file"],
  ])("are found and left to the user: %s", (line) => {
    const [found] = findStartLines(line, places);
    expect(found).toEqual({ line: 1, removable: false, text: undefined });
  });

  it.each([
    [`# eval "$(brokerctl hook bash)"`],
    [`brokerctl status`],
    [`. ~/.config/other/hook.bash`],
    [`alias b=brokerctl`],
    [``],
  ])("are not: %s", (line) => {
    expect(find(line)).toEqual([]);
  });

  it.each([
    `if command -v brokerctl >/dev/null; then\n  eval "$(brokerctl hook bash)"\nfi\n`,
    `if true; then\neval "$(brokerctl hook bash)"\nfi\n`,
    `f() {\neval "$(brokerctl hook bash)"\n}\n`,
    `true &&\neval "$(brokerctl hook bash)"\n`,
    `eval "$(brokerctl hook bash)"\n|| echo no\n`,
    `for i in 1; do\neval "$(brokerctl hook bash)"\ndone\n`,
    `true \\\neval "$(brokerctl hook bash)"\n`,
  ])("are left where something is built around them: %j", (text) => {
    expect(findStartLines(text, places).every(({ removable }) => !removable)).toBe(true);
    expect(findStartLines(text, places).length).toBeGreaterThan(0);
  });

  it("leave every other byte and a start file that bash still reads", () => {
    const rest = `# mine\r\nif true; then\n\techo ok\nfi\nexport LAST=1`;
    const text = `eval "$(brokerctl hook bash)"\n${rest}`;
    const found = findStartLines(text, places);
    const next = withoutLines(
      text,
      found.map(({ line }) => line),
    );
    expect(next).toBe(rest);
    expect(withoutLines("a\nb", [2])).toBe("a\n");
    expect(withoutLines("a\nb\n", [])).toBe("a\nb\n");
    expect(spawnSync("bash", ["-n"], { input: next.replace("\r", "") }).status).toBe(0);
  });
});
