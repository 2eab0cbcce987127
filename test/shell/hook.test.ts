import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOOKED_SHELLS, type HookedShell } from "../../src/core/shell-files.js";
import { ShellRoom } from "./shell-room.js";

let room: ShellRoom;
beforeEach(async () => {
  room = await ShellRoom.ready();
  await room.broker.call("use", { lease: { by: "default" }, role: "dev" });
});
afterEach(() => room.close());

/** What a prompt does before it is drawn, and what it shows. */
const LOOK: Record<HookedShell, string> = {
  bash: 'eval "$PROMPT_COMMAND"; echo "prompt=$CREDBROKER_PROMPT"',
  zsh: 'for f in $precmd_functions; do $f; done; echo "prompt=$CREDBROKER_PROMPT"',
  fish: 'emit fish_prompt; echo "prompt=$CREDBROKER_PROMPT"',
};
const URI = 'echo "uri=$AWS_CONTAINER_CREDENTIALS_FULL_URI region=$AWS_REGION"';
const self = { bash: "bash --noprofile --norc", zsh: "zsh -f", fish: "fish --no-config" };

const prompts = (stdout: string): readonly string[] =>
  [...stdout.matchAll(/^prompt=(.*)$/gm)].map(([, text = ""]) => text);
const uris = (stdout: string): readonly string[] => [...stdout.matchAll(/uri=(\S*)/g)].map(([, text = ""]) => text);

describe.each(HOOKED_SHELLS)("a %s with the hook", (shell) => {
  const look = LOOK[shell];
  const quietly = shell === "fish" ? "" : "set -eu; set -o noclobber;";
  const execHook = `source ${shell === "fish" ? "" : ""}"$CREDBROKER_HOME/state/shell/hook.${shell}"`;

  it("has the default lease from the start, and shows its role", async () => {
    const { leaseUrl } = await room.broker.call("lease-access", { lease: { by: "default" } });
    const { stdout, stderr } = await room.run(shell, `${quietly} ${URI}; ${look}`);
    expect(stderr).toBe("");
    expect(stdout).toContain(`uri=${leaseUrl} region=eu-west-1`);
    expect(prompts(stdout)).toEqual(["dev"]);
    expect(await room.ownRoles()).toEqual([]);
  });

  it("gets a lease of its own by its first use, which later ones move, and the default stays", async () => {
    const script = `brokerctl use prod; ${URI}; ${look}; brokerctl use chained; ${URI}; ${look}; brokerctl lease list --json | grep -c '"kind": "child"'; env | grep -c "CREDBROKER_LEASE="`;
    const { stdout, stderr, code } = await room.run(shell, `${quietly} ${script}`);
    expect([stderr, code]).toEqual([stderr, 0]);
    expect(prompts(stdout)).toEqual(["prod", "chained"]);
    const [first, second] = uris(stdout);
    expect(first).toBe(second);
    expect(await room.defaultRole()).toBe("dev");
    expect(await room.ownRoles()).toEqual(["chained"]);
  });

  it("moves no lease of its own with --default and --lease, and makes none", async () => {
    await room.broker.call("lease-create", { name: "ide", role: "dev" });
    await room.run(shell, "brokerctl use prod --default; brokerctl use prod --lease ide; brokerctl use --help");
    expect(await room.defaultRole()).toBe("prod");
    expect(await room.ownRoles()).toEqual([]);
  });

  it("leaves its parent's lease alone", async () => {
    const child = `${execHook}; ${look}; brokerctl use chained; ${look}`;
    const { stdout, stderr } = await room.run(shell, `brokerctl use prod; ${self[shell]} -c '${child}'; ${look}`);
    expect([stderr, prompts(stdout)]).toEqual([stderr, ["prod", "chained", "prod"]]);
  });

  it("moves the lease of the exec that it runs in", async () => {
    const child = `${execHook}; ${look}; brokerctl use prod; ${look}; brokerctl lease list --json`;
    const { stdout, stderr } = await room.run(shell, `brokerctl exec chained -- ${self[shell]} -c '${child}'`);
    expect([stderr, prompts(stdout)]).toEqual([stderr, ["chained", "prod"]]);
    expect(stdout.match(/"kind": "child"/g) ?? stdout.match(/"id"/g)).not.toBeNull();
    expect(await room.defaultRole()).toBe("dev");
  });

  it("passes output and exit code, and goes on when brokerd is not there", async () => {
    const { stdout: none } = await room.run(
      shell,
      `brokerctl nonsense; echo "code=${shell === "fish" ? "$status" : "$?"}"`,
    );
    expect(none).toContain("code=2");
    await room.broker.stop();
    const status = shell === "fish" ? "$status" : "$?";
    const { stdout, stderr } = await room.run(
      shell,
      `${URI}; ${look}; brokerctl use prod; echo "code=${status}"; ${URI}`,
    );
    expect(uris(stdout)).toEqual(["", ""]);
    expect(prompts(stdout)).toEqual([""]);
    expect(stdout).toContain("code=3");
    expect(stderr).toContain("brokerd is not running");
  });

  it("never shows a role that is no longer in force", async () => {
    const elsewhere = (command: string): string => `command brokerctl ${command} 2>/dev/null`;
    const { stdout, stderr } = await room.run(
      shell,
      [
        elsewhere("use prod --default"),
        look,
        elsewhere("use dev --default --for 31m"),
        look,
        elsewhere("use dev --default --for 1s"),
        "sleep 2.1",
        look,
        elsewhere("lease rotate default"),
        "sleep 0.3",
        look,
        shell === "fish" ? "set -gx AWS_PROFILE x" : "export AWS_PROFILE=x",
        look,
        shell === "fish" ? "set -e AWS_PROFILE" : "unset AWS_PROFILE",
        "brokerctl use chained 2>/dev/null",
        look,
        `command brokerctl lease revoke (or $(x)`.slice(0, 0),
        elsewhere("stop"),
        "sleep 0.5",
        look,
      ]
        .filter(Boolean)
        .join("\n"),
    );
    expect([stderr, prompts(stdout)]).toEqual([
      stderr,
      ["prod", "dev(31m)", "prod", "prod", "?shadowed", "chained", "?stopped"],
    ]);
  });

  it("has nothing when it was given something else, and no URL to a port that may be somebody else's", async () => {
    const given = await room.run(shell, `${URI}; ${look}`, { env: { AWS_PROFILE: "mine" } });
    expect([uris(given.stdout), prompts(given.stdout)]).toEqual([[""], [""]]);
    const line = (): string => readFileSync(join(room.shellDir, `hook.${shell}`), "utf8").split("\n")[0] ?? "";
    expect(line()).toContain("/lease/brk_");
    expect(statSync(join(room.shellDir, `hook.${shell}`)).mode & 0o777).toBe(0o600);
  });

  it("shows nothing that a file could make a shell run", async () => {
    await room.install(shell);
    await room.broker.call("use", { lease: { by: "default" }, role: "prod" });
    const [name = ""] = readdirSync(join(room.shellDir, "leases"));
    for (const line of [
      "$(touch$IFS/tmp/x) 0 - 0 -",
      "dev a[$(id>&2)] - 0 -",
      "`id` 0 - 0 -",
      "%F{red} 0 - 0 -",
      "\\u 0 - 0 -",
      "",
    ]) {
      writeFileSync(join(room.shellDir, "leases", name), `${line}\n`);
      const { stdout, stderr } = await room.run(shell, look);
      expect([stderr, prompts(stdout)]).toEqual(["", ["?ended"]]);
    }
  });
});
