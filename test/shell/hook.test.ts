import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HookedShell, renderLeaseLine } from "../../src/core/shell-files.js";
import { InProcessBroker } from "../support/in-process-broker.js";
import { BARE, putBrokerctl, run, SHELLS_HERE, ShellFixture, shellEnvironment } from "./shell-fixture.js";

let fixture: ShellFixture;
beforeAll(async () => {
  fixture = await ShellFixture.ready();
  for (const shell of SHELLS_HERE) await fixture.install(shell);
});
afterAll(() => fixture.close());
beforeEach(async () => {
  if (fixture.broker.process !== undefined) await fixture.reset();
});

/** What a prompt does before it is drawn, and what it shows. */
const LOOK: Readonly<Record<HookedShell, string>> = {
  bash: 'eval "${PROMPT_COMMAND[0]}"; echo "prompt=$CREDBROKER_PROMPT"',
  zsh: 'for f in "${precmd_functions[@]}"; do $f; done; echo "prompt=$CREDBROKER_PROMPT"',
  fish: 'emit fish_prompt; echo "prompt=$CREDBROKER_PROMPT"',
};
const URI = 'echo "uri=$AWS_CONTAINER_CREDENTIALS_FULL_URI region=$AWS_REGION"';
const STATUS: Readonly<Record<HookedShell, string>> = { bash: "$?", zsh: "$?", fish: "$status" };
/** What people and frameworks set; each of these has broken some tool's hook. */
const TRYING: Readonly<Record<HookedShell, string>> = {
  bash: "set -eu -o pipefail -o noclobber -o noglob; shopt -s extdebug nocasematch; IFS=:/.-; PROMPT_COMMAND=(: :)",
  zsh: "setopt ksh_arrays sh_word_split no_unset glob_subst err_exit no_clobber warn_create_global; IFS=:/.-",
  fish: "set -g role x; set -g line y; set -g until z; set -g mark a b c d",
};
const ALIASES = "local read eval export command unset return test".split(" ");

const prompts = (stdout: string): readonly string[] =>
  [...stdout.matchAll(/^prompt=(.*)$/gm)].map(([, text = ""]) => text);
const uris = (stdout: string): readonly string[] => [...stdout.matchAll(/uri=(\S*)/g)].map(([, text = ""]) => text);

describe.each(SHELLS_HERE)("a %s with the hook", (shell) => {
  const look = LOOK[shell];
  const self = [shell, ...BARE[shell]].join(" ");
  const sourced = `source "$CREDBROKER_HOME/state/shell/hook.${shell}"`;

  it("has the default lease from the start, and shows its role", async () => {
    const { leaseUrl } = await fixture.broker.call("lease-access", { lease: { by: "default" } });
    const { stdout, stderr } = await fixture.hooked(shell, `${URI}; ${look}`);
    expect(stderr).toBe("");
    expect(stdout.replaceAll(leaseUrl, "URL")).toContain("uri=URL region=eu-west-1");
    expect(prompts(stdout)).toEqual(["dev"]);
    expect(await fixture.ownRoles()).toEqual([]);
  });

  it("gets a lease of its own by its first use, which later ones move, and the default stays", async () => {
    const script = `brokerctl use prod; ${URI}; ${look}; brokerctl use chained; ${URI}; ${look}`;
    const { stdout, code } = await fixture.hooked(shell, script);
    expect(code).toBe(0);
    expect(prompts(stdout)).toEqual(["prod", "chained"]);
    const [first, second] = uris(stdout);
    expect(first).toBe(second);
    expect(await fixture.defaultRole()).toBe("dev");
    expect(await fixture.ownRoles()).toEqual(["chained"]);
  });

  it("moves no lease of its own with --default and --lease, and makes none", async () => {
    const name = `ide-${shell}`;
    await fixture.broker.call("lease-create", { name, role: "dev", movable: true });
    await fixture.hooked(
      shell,
      `brokerctl use prod --default; brokerctl use chained --lease ${name}; brokerctl use -h`,
    );
    expect(await fixture.defaultRole()).toBe("prod");
    expect((await fixture.broker.call("lease-show", { lease: { by: "name", name } })).role).toBe("chained");
    expect(await fixture.ownRoles()).toEqual([]);
  });

  it("shares the lease of a shell that waits for it until its own first use, and moves only its own", async () => {
    const child = `${sourced}; ${look}; brokerctl use chained; ${look}`;
    const { stdout } = await fixture.hooked(shell, `brokerctl use prod; ${self} -c '${child}'; ${look}`);
    expect(prompts(stdout)).toEqual(["prod", "chained", "prod"]);
  });

  it.runIf(process.platform === "linux")("takes nothing over from a shell in another terminal", async () => {
    // As tmux does it, and an editor that was started from a shell: another session, with that shell's variables.
    const elsewhere = `setsid --wait ${self} -c '${sourced}; ${look}; ${URI}'`;
    const { stdout } = await fixture.hooked(shell, `brokerctl use prod; ${elsewhere}; ${look}`);
    const { leaseUrl } = await fixture.broker.call("lease-access", { lease: { by: "default" } });
    expect(prompts(stdout)).toEqual(["dev", "prod"]);
    expect(uris(stdout).map((uri) => uri === leaseUrl)).toEqual([true]);
  });

  it("keeps its lease over exec of another shell, and takes the default one where that has ended", async () => {
    const { stdout } = await fixture.hooked(shell, `brokerctl use prod; exec ${self} -c '${sourced}; ${look}; env'`);
    expect(prompts(stdout)).toEqual(["prod"]);
    const held = variablesIn(stdout);
    await fixture.reset();
    const after = await fixture.hooked(shell, look, held);
    expect(prompts(after.stdout)).toEqual(["dev"]);
  });

  it("moves the lease of the exec that it runs in", async () => {
    const child = `${sourced}; ${look}; brokerctl use prod; ${look}; brokerctl lease list --json`;
    const { stdout } = await fixture.hooked(shell, `brokerctl exec chained --movable -- ${self} -c '${child}'`);
    expect(prompts(stdout)).toEqual(["chained", "prod"]);
    expect(stdout.match(/"kind": "child"/g)).toHaveLength(1);
    expect(await fixture.defaultRole()).toBe("dev");
  });

  it("never shows a role that is no longer in force", async () => {
    const held = variablesIn((await fixture.hooked(shell, "env")).stdout);
    const shown = async (extra: Readonly<Record<string, string>> = {}): Promise<string> =>
      prompts((await fixture.hooked(shell, look, { ...held, ...extra })).stdout).join("|");
    await fixture.broker.call("use", { lease: { by: "default" }, role: "prod" });
    expect(await shown()).toBe("prod");
    await fixture.broker.call("use", { lease: { by: "default" }, role: "chained", forSeconds: 31 * 60 });
    expect(await shown()).toBe("chained(31m)");
    expect(await shown({ AWS_PROFILE: "mine" })).toBe("?shadowed");
    expect(await shown({ CREDBROKER_LEASE: "" })).toBe("chained(31m)");
    expect(await shown({ AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/lease/brk_x" })).toBe("?unknown");
    const { leaseUrl } = await fixture.broker.call("lease-rotate", { lease: { by: "default" } });
    await expect.poll(() => readFileSync(fixture.hookFile(shell), "utf8").includes(leaseUrl)).toBe(true);
    expect(await shown()).toBe("chained(31m)");
  });

  it("tells by itself when a role or a lease has ended", async () => {
    const now = Date.now();
    const line = { role: "prod", until: null, then: null, expiresAt: null, region: null };
    const lines = [
      { ...line, until: now - 5000, then: "dev" },
      { ...line, until: now - 5000, then: undefined },
      { ...line, until: now + 89_000, then: "dev" },
      { ...line, expiresAt: now - 1000 },
      { ...line, role: null },
    ];
    expect(await shownOf(shell, lines.map(renderLeaseLine))).toEqual([
      "dev",
      "?changing",
      "prod(2m)",
      "?ended",
      "?none",
    ]);
  });

  it("shows nothing that a file could make a shell run or a terminal do", async () => {
    const trap = join(fixture.broker.home, `ran-in-${shell}`);
    const lines = [
      `$(touch$IFS${trap}) 0 - 0 -`,
      `dev a[$(touch>${trap})] - 0 -`,
      `\`touch>${trap}\` 0 - 0 -`,
      "%F{red} 0 - 0 -",
      "%(?.a.b) 0 - 0 -",
      "\\u\\h 0 - 0 -",
      "\u001b[31mdev 0 - 0 -",
      "dev 0 - 0 $(id)",
      "dev",
      "",
    ];
    expect(await shownOf(shell, lines)).toEqual(lines.map(() => "?ended"));
    expect(existsSync(trap)).toBe(false);
  });

  it.runIf(process.platform === "linux")("starts no process, neither at the start nor for a prompt", async () => {
    // Page faults of children that were waited for: no process has none.
    const faults = `read ${shell === "fish" ? "" : "-r "}line < /proc/self/stat; echo "stat=$line"`;
    const count = async (script: string): Promise<number> =>
      Number(/stat=.*\) (?:\S+ ){8}(\d+)/.exec((await fixture.hooked(shell, `${script}\n${faults}`)).stdout)?.[1]);
    expect(await count(`${look}; ${look}; ${look}`)).toBe(0);
    expect(await count(`${look}; /bin/true`)).toBeGreaterThan(0);
  });

  it("works whatever options the shell has", async () => {
    const { stdout, stderr, code } = await fixture.run(
      shell,
      `${TRYING[shell]}\n${sourced}\n${look}\nbrokerctl use prod\n${look}`,
    );
    expect(prompts(stdout)).toEqual(["dev", "prod"]);
    expect(stderr).toMatch(/^this shell's lease \S+: dev .*\n(?:programs .*\n)?$/);
    expect(code).toBe(0);
  });

  it("leaves prompts what they want to export", async () => {
    const exported = shell === "fish" ? "set -gx CREDBROKER_PROMPT ''" : "export CREDBROKER_PROMPT=''";
    const { stdout } = await fixture.hooked(shell, `${exported}; ${look}; env`);
    expect(stdout.split("\n")).toContain("CREDBROKER_PROMPT=dev");
  });

  it("passes output and exit code", async () => {
    const { stdout, stderr } = await fixture.hooked(shell, `brokerctl nonsense; echo "code=${STATUS[shell]}"`);
    expect(stdout).toContain("code=2");
    expect(stderr).toContain("nonsense");
  });

  it("has nothing when it was given something else", async () => {
    const { stdout } = await fixture.hooked(shell, `${URI}; ${look}`, { AWS_PROFILE: "mine" });
    expect([uris(stdout), prompts(stdout)]).toEqual([[""], [""]]);
  });

  it("says once what comes before the broker, at the first prompt, and again only when it is something else", async () => {
    const again = shell === "fish" ? "set -gx AWS_ACCESS_KEY_ID x" : "export AWS_ACCESS_KEY_ID=x";
    const inner = `${self} -c '${sourced}; ${look}'`;
    const script = `${look}; ${look}; ${inner}; ${again}; ${look}; ${look}`;
    const { stderr } = await fixture.hooked(shell, script, { AWS_PROFILE: "mine" });
    expect(stderr.trim().split("\n")).toEqual([
      "brokerctl: hint: programs in this shell take AWS_PROFILE before the broker: unset them, or brokerctl use ROLE",
      "brokerctl: hint: programs in this shell take AWS_ACCESS_KEY_ID AWS_PROFILE before the broker: unset them, or brokerctl use ROLE",
    ]);
  });

  it("is no longer preceded by anything after use, as it says", async () => {
    const { stdout } = await fixture.hooked(shell, `brokerctl use prod; ${look}`, { AWS_PROFILE: "mine" });
    expect(prompts(stdout)).toEqual(["prod"]);
  });

  it("brings its file up to date when brokerctl is a newer version", async () => {
    const file = fixture.hookFile(shell);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replaceAll(/(?<=\b(?:ba|z|fi)sh:)\d+\.\d+\.\d+/g, "0.0.1"));
    expect(readFileSync(file, "utf8")).not.toBe(text);
    await fixture.hooked(shell, "brokerctl use --help");
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each(["quoted", "unquoted"])("is there after an eval of what hook prints, %s", async (how) => {
    const [open, close] = shell === "fish" ? ["(", ")"] : ["$(", ")"];
    const [begin, end] = how === "quoted" ? [`"$(`, `)"`] : [open, close];
    const { stdout, stderr } = await fixture.run(shell, `eval ${begin}brokerctl hook ${shell}${end}\n${URI}; ${look}`);
    expect([prompts(stdout), stderr]).toEqual([["dev"], ""]);
  });

  it("fails in the shell when the hook cannot be written, and adds nothing to a start file then", async () => {
    const broken = { CREDBROKER_HOME: join(fixture.broker.home, "missing", "x\ny") };
    const [open, close] = shell === "fish" ? ["(", ")"] : ["$(", ")"];
    const failing = await fixture.run(shell, `eval ${open}brokerctl hook ${shell}${close} && echo "went on"`, broken);
    expect(failing.stdout).toBe("");
    expect(failing.stderr).toContain("brokerctl: error:");
    expect((await fixture.run(shell, `brokerctl hook ${shell} --install-line`, broken)).stdout).toBe("");
  });

  it("is silent where the hook's file is gone, there is no config, or brokerctl is not there any more", async () => {
    const line = (await fixture.install(shell)).replace("status is-interactive; and ", "");
    const gone = line.replaceAll(fixture.hookFile(shell), `${fixture.hookFile(shell)}.gone`);
    expect(gone).not.toBe(line);
    expect(await fixture.run(shell, `${gone}\necho on`)).toMatchObject({ stdout: "on\n", stderr: "", code: 0 });

    const elsewhere = { CREDBROKER_HOME: join(fixture.broker.home, `missing-${shell}`) };
    mkdirSync(elsewhere.CREDBROKER_HOME, { mode: 0o700 });
    const evaluated = shell === "fish" ? "brokerctl hook fish | source" : `eval "$(brokerctl hook ${shell})"`;
    expect(await fixture.run(shell, `${evaluated}\n${look}`, elsewhere)).toMatchObject({
      stdout: "prompt=\n",
      stderr: "",
    });

    const { stdout, stderr } = await run(shell, [...BARE[shell], "-c", `${sourced}\n${look}`], {
      ...fixture.environment(),
      PATH: "/usr/bin:/bin",
    });
    expect([stdout, stderr]).toEqual(["prompt=dev\n", ""]);
  });
});

describe.each(SHELLS_HERE.filter((shell) => shell !== "fish"))("the hook of %s", (shell) => {
  it("does not take aliases for what they hide", async () => {
    const hidden = ALIASES.map((name) => `alias ${name}=false`).join("; ");
    const [expand, isOn] =
      shell === "bash" ? ["shopt -s expand_aliases", "shopt -q expand_aliases"] : [":", "[[ -o aliases ]]"];
    const { stdout, stderr } = await fixture.run(
      shell,
      `${expand}; ${hidden}\nsource '${fixture.hookFile(shell)}'\n\\unalias ${ALIASES.join(" ")}\n${isOn} && echo still\n${LOOK[shell]}`,
    );
    expect([stdout, stderr]).toEqual(["still\nprompt=dev\n", ""]);
  });

  it("is nothing to other shells that read it", async () => {
    for (const other of ["sh", ...SHELLS_HERE.filter((name) => name !== "fish" && name !== shell)]) {
      const outcome = await run(
        other,
        ["-c", `. '${fixture.hookFile(shell)}'; echo "on $AWS_REGION"`],
        fixture.environment(),
      );
      // Where sh is bash, its hook is at home.
      if (other === "sh" && shell === "bash" && outcome.stdout === "on eu-west-1\n") continue;
      expect(outcome).toMatchObject({ stdout: "on \n", stderr: "", code: 0 });
    }
  });
});

describe("the hook's file", () => {
  it("is made private again, and never written through a link", async () => {
    const file = fixture.hookFile("bash");
    chmodSync(file, 0o666);
    await fixture.install("bash");
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const text = readFileSync(file, "utf8");
    const other = join(fixture.broker.home, "somewhere-else");
    writeFileSync(other, text);
    rmSync(file);
    symlinkSync(other, file);
    await fixture.install("bash");
    expect(lstatSync(file).isFile()).toBe(true);
    expect(readFileSync(other, "utf8")).toBe(text);
  });

  it("is not written where others can put files", async () => {
    chmodSync(fixture.shellDir, 0o777);
    const { code, stderr } = await fixture.broker.ctl(["hook", "bash"]);
    chmodSync(fixture.shellDir, 0o700);
    expect(code).toBe(2);
    expect(stderr).toContain("chmod 700");
  });
});

describe("the lease of a shell", () => {
  it.each(SHELLS_HERE)("ends with %s, however that ends", async (shell) => {
    const broker = await InProcessBroker.ready();
    try {
      putBrokerctl(broker.home);
      const env = shellEnvironment(broker.home, { CREDBROKER_HOME: broker.home, HOME: broker.home });
      await run("brokerctl", ["hook", shell], env);
      const kill = `kill -9 ${shell === "fish" ? "$fish_pid" : "$$"}`;
      const script = `source '${broker.home}/state/shell/hook.${shell}'; brokerctl use prod; ${kill}`;
      const { signal } = await run(shell, [...BARE[shell], "-c", script], env);
      expect(signal).toBe("SIGKILL");
      const own = async (): Promise<number> =>
        (await broker.call("lease-list", {})).leases.filter(({ kind }) => kind === "child").length;
      expect(await own()).toBe(1);
      await broker.clock.advance(15_000);
      await expect.poll(own).toBe(0);
    } finally {
      await broker.close();
    }
  });
});

describe("a shell with the hook, without brokerd", () => {
  beforeAll(() => fixture.broker.stop());
  afterAll(() => fixture.broker.start());
  beforeEach(() => undefined);

  it.each(SHELLS_HERE)("%s goes on, with no URL to a port that may be another program's", async (shell) => {
    const script = `${URI}; ${LOOK[shell]}; brokerctl use prod; echo "code=${STATUS[shell]}"; ${URI}`;
    const { stdout, stderr } = await fixture.hooked(shell, script);
    expect(uris(stdout)).toEqual(["", ""]);
    expect(prompts(stdout)).toEqual([""]);
    expect(stdout).toContain("code=3");
    expect(stderr).toContain("brokerd is not running");
  });

  it.each(SHELLS_HERE)("%s says so where it has a lease", async (shell) => {
    const url = /http\S+brk_\S+/.exec(readFileSync(fixture.hookFile(shell), "utf8"))?.[0] ?? "";
    const held = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
      CREDBROKER_LEASE: `0123456789abcdef:${url.slice(-8)}:default`,
    };
    expect(prompts((await fixture.hooked(shell, LOOK[shell], held)).stdout)).toEqual(["?stopped"]);
  });
});

/** Of `env`'s output: what a program, and a shell in another terminal, would inherit. */
function variablesIn(output: string): Readonly<Record<string, string>> {
  const pairs = [...output.matchAll(/^((?:AWS_|CREDBROKER_(?:LEASE|REGION))[A-Z_]*)=(.*)$/gm)];
  return Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, value]));
}

/** What one shell's prompt shows as its lease's file becomes each of `lines` in turn. */
async function shownOf(shell: HookedShell, lines: readonly string[]): Promise<readonly string[]> {
  const place = join(fixture.broker.home, `lines-${shell}-${lines.length}`);
  mkdirSync(place, { mode: 0o700 });
  const steps = lines.map((line, index) => {
    writeFileSync(join(place, String(index)), `${line}\n`);
    return `cp '${place}/${index}' "${fixture.shellDir}/leases/$file"; ${LOOK[shell]}`;
  });
  const file = shell === "fish" ? "set file (string split : $CREDBROKER_LEASE)[1]" : "file=${CREDBROKER_LEASE%%:*}";
  const { stdout, stderr } = await fixture.hooked(shell, `${file}\n${steps.join("\n")}`);
  expect(stderr).toBe("");
  // brokerd writes what changes, not what another program wrote in its place.
  await fixture.broker.call("use", { lease: { by: "default" }, role: "prod" });
  return prompts(stdout);
}
