import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { SandboxPlan } from "../../../src/cli/sandbox/plan.js";
import { planSandbox, type SandboxMachine, type SandboxWish } from "../../../src/cli/sandbox/plan-sandbox.js";
import type { BrokerError } from "../../../src/core/errors.js";
import { resolvePaths } from "../../../src/system/paths.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { tempDir } from "../../support/temp-dir.js";

let home: string;
let project: string;

beforeEach(() => {
  home = tempDir("user", "input");
  project = join(home, "code/orders");
  for (const directory of [".aws", ".ssh", ".config/gh", ".config/git", ".nvm", "bin", "code/other", project]) {
    mkdirSync(join(directory.startsWith("/") ? "/" : home, directory), { recursive: true });
  }
  for (const file of [".gitconfig", ".bashrc", ".npmrc", ".netrc", ".config/git/config", ".config/git/credentials"]) {
    writeFileSync(join(home, file), "");
  }
});

const WISH: SandboxWish = { writable: [], readable: [], program: "true" };

function plan(wish: Partial<SandboxWish> = {}, machine: Partial<SandboxMachine> = {}): Promise<SandboxPlan> {
  const env = { PATH: `${home}/bin:/usr/bin` };
  const paths = resolvePaths({ env, platform: "linux", homeDir: home, uid: 1000, isOwnDirectory: () => true });
  const files = { node: process.execPath, brokerctl: "/opt/credbroker/dist/brokerctl.js" };
  const whole = { platform: "linux", env, homeDir: home, workingDirectory: project, paths, files } as const;
  return planSandbox({ ...WISH, ...wish }, { ...whole, ...machine });
}

const refusal = (wish: Partial<SandboxWish>, machine: Partial<SandboxMachine> = {}): Promise<BrokerError> =>
  brokerErrorOf(() => plan(wish, machine));

/** What of the home is shown, from there. */
const ofHome = ({ readable }: SandboxPlan): readonly string[] =>
  readable.flatMap(({ as }) => (as.startsWith(`${home}/`) ? [as.slice(home.length + 1)] : [])).toSorted();

describe("what a confined command finds", () => {
  it("is of the home what a list names, and the directories of PATH: no credentials, no start file, no other project", async () => {
    expect(ofHome(await plan())).toEqual([".config/git/config", ".gitconfig", ".nvm", "bin"]);
  });

  it("may be changed in the working directory and what --writable names", async () => {
    mkdirSync(join(home, ".npm"));
    mkdirSync(join(project, "sub"));
    const { writable, readable } = await plan({ writable: [join(home, ".npm"), ".", "sub"], readable: ["sub"] });
    expect(writable).toEqual([project, join(home, ".npm")]);
    expect(readable.map(({ as }) => as)).not.toContain(join(project, "sub"));
  });

  it("is also what --readable names", async () => {
    expect(ofHome(await plan({ readable: ["../other", join(home, ".config/gh")] }))).toContain("code/other");
  });

  it("holds the program where a link of PATH leads to it", async () => {
    const program = join(home, "apps/agent/agent.js");
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, "");
    symlinkSync(program, join(home, "bin/agent"));
    expect(ofHome(await plan({ program: "agent" }))).toContain("apps/agent/agent.js");
  });

  it("holds links of the system as links, and nothing twice", async () => {
    const { readable, links } = await plan({}, { env: { PATH: "/bin:/usr/bin:/sbin" } });
    expect(readable.map(({ as }) => as)).toContain("/usr");
    expect(new Set([...readable.map(({ as }) => as), ...links.map(({ path }) => path)]).size).toBe(
      readable.length + links.length,
    );
    expect(readable.map(({ as }) => as)).not.toContain(process.execPath.startsWith("/usr") ? process.execPath : "");
  });

  it("is nothing to which a link leads that the command could have made", async () => {
    const shownBy = async (): Promise<readonly string[]> => {
      const { readable } = await plan({ program: "tool" }, { env: { PATH: `${project}/bin:${home}/bin` } });
      return readable.flatMap(({ path }) => (path.startsWith(`${home}/.ssh`) ? [path] : []));
    };
    writeFileSync(join(home, ".ssh/id"), "");
    // The user's own links lead into the project, and what is there to the key.
    for (const name of [".gitignore", ".bun"]) symlinkSync(join(project, name), join(home, name));
    symlinkSync(join(project, "dist/tool"), join(home, "bin/tool"));
    mkdirSync(join(project, "bin"));
    symlinkSync(join(home, ".ssh/id"), join(project, "bin/tool"));
    symlinkSync(join(home, ".ssh/id"), join(project, ".gitignore"));
    symlinkSync(join(home, ".ssh"), join(project, ".bun"));
    symlinkSync(join(home, ".ssh"), join(project, "dist"));
    writeFileSync(join(home, ".ssh/tool"), "");
    // A directory on the way is a link into the project, where a directory, and a file, are links to keys.
    rmSync(join(home, ".config"), { recursive: true });
    symlinkSync(project, join(home, ".config"));
    symlinkSync(join(home, ".ssh"), join(project, "git"));
    writeFileSync(join(home, ".ssh/config"), "");
    expect(await shownBy()).toEqual([]);
  });

  it("is no directory of PATH that holds the home, or is ours", async () => {
    const env = { PATH: `/:${dirname(home)}:${home}:${home}/.local/state/credbroker/x:${home}/.aws:relative` };
    mkdirSync(join(home, ".local/state/credbroker/x"), { recursive: true });
    expect(ofHome(await plan({}, { env }))).toEqual([".config/git/config", ".gitconfig", ".nvm", "bin"]);
  });

  it("keeps hooks and settings of a repository, and `.git` where it is, unless the user names `.git`", async () => {
    const git = join(project, ".git");
    mkdirSync(join(git, "hooks"), { recursive: true });
    writeFileSync(join(git, "config"), "");
    const kept = { pinned: [git], kept: [join(git, "hooks"), join(git, "config")] };
    expect(await plan()).toMatchObject(kept);
    expect(await plan({ writable: [git] })).toMatchObject({ pinned: [], kept: [] });
  });
});

describe("a working directory or flag that would show too much", () => {
  it("is refused: the home, what holds it, and the whole machine", async () => {
    for (const [workingDirectory, why] of [
      [home, "is the whole home"],
      [dirname(home), "holds the home"],
      ["/", "is the whole machine"],
    ] as const) {
      const { code, message } = await refusal({}, { workingDirectory });
      expect([code, message]).toEqual(["UsageInvalid", expect.stringContaining(why)]);
    }
    expect((await refusal({ readable: [home] })).message).toContain("is the whole home");
  });

  it("is refused: the broker's directories, what holds them, and ~/.aws", async () => {
    mkdirSync(join(home, ".config/credbroker"), { recursive: true });
    for (const readable of [".config/credbroker", ".config", ".aws"]) {
      expect((await refusal({ readable: [join(home, readable)] })).code).toBe("UsageInvalid");
      expect((await refusal({}, { workingDirectory: join(home, readable) })).code).toBe("UsageInvalid");
    }
  });

  it("is refused: sockets, devices, other processes", async () => {
    for (const readable of ["/run", "/proc/1", "/dev/shm"]) {
      expect((await refusal({ readable: [readable] })).message).toContain("holds sockets");
    }
  });

  it("is refused: a link in the working directory that leads out of it, as a confined command may have made it", async () => {
    symlinkSync(join(home, ".ssh"), join(project, "vendor"));
    const { message, hint } = await refusal({ writable: ["vendor"] });
    expect(message).toContain(`leads out of the working directory, to ${join(home, ".ssh")}`);
    expect(hint).toContain(`--writable ${join(home, ".ssh")}`);
    symlinkSync(project, join(home, "orders"));
    expect((await refusal({ readable: [join(home, "orders/vendor")] })).message).toContain("leads out of");
  });

  it("is refused where it is not there", async () => {
    expect((await refusal({ writable: ["missing"] })).hint).toBe(`mkdir -p ${join(project, "missing")}`);
  });
});
