import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { AGENT_NAMES } from "../../../src/cli/agents/agents.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";

const FILES: Readonly<Record<string, readonly [user: string, project: string]>> = {
  "claude-code": [".claude.json", ".mcp.json"],
  codex: [".codex/config.toml", ".codex/config.toml"],
  gemini: [".gemini/settings.json", ".gemini/settings.json"],
  cursor: [".cursor/mcp.json", ".cursor/mcp.json"],
  vscode: [".config/Code/User/mcp.json", ".vscode/mcp.json"],
  kiro: [".kiro/settings/mcp.json", ".kiro/settings/mcp.json"],
};

let fixture: CliFixture;
let project: string;

beforeEach(async () => {
  fixture = await cliFixture({ listening: false });
  project = join(fixture.home, "project");
  mkdirSync(project);
});

const userFile = (agent: string): string => join(fixture.home, FILES[agent]?.[0] ?? "");
const read = (path: string): string => readFileSync(path, "utf8");
const run = (...argv: string[]) => fixture.run(["agent", ...argv], { cwd: project });

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o644 });
}

/** A file of each agent's as it is met: with settings, other servers, a comment. */
function usual(agent: string): string {
  if (agent === "codex") return '# mine\nmodel = "o"\n\n[mcp_servers.other]\ncommand = "x"\n';
  const section = agent === "vscode" ? "servers" : "mcpServers";
  return `{\n  "numStartups": 7,\n  "${section}": {\n    "other": {"command":"x",  "args":[]}\n  }\n}`;
}

describe.each(AGENT_NAMES)("agent install %s", (agent) => {
  it("enters brokerctl mcp beside what there is, changes nothing the second time, and is undone to the byte", async () => {
    const path = userFile(agent);
    put(path, usual(agent));

    expect((await run("install", agent)).code).toBe(0);

    const installed = read(path);
    expect(installed).toMatch(/brokerctl\.js".*"mcp"|brokerctl\.js",\s+"mcp"/s);
    expect(installed).toContain("other");
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect((await run("install", agent)).stderr).toContain("has the entry already");
    expect(read(path)).toBe(installed);
    expect((await run("install", agent, "--lease", "ci")).code).toBe(0);
    expect(read(path)).toMatch(/"--lease",\s*"ci"/);

    expect((await run("uninstall", agent)).code).toBe(0);
    expect(read(path)).toBe(usual(agent));
    expect((await run("uninstall", agent)).stderr).toContain("nothing of brokerctl");
    expect(existsSync(join(fixture.home, "state", "agents.json"))).toBe(false);
  });

  it("makes file and directories that are missing, closed to others, and takes them away again", async () => {
    const before = readdirSync(fixture.home).sort();
    await run("install", agent);
    expect(statSync(userFile(agent)).mode & 0o777).toBe(0o600);

    await run("uninstall", agent);

    expect(readdirSync(fixture.home).sort()).toEqual(before);
  });

  it("shows with --dry-run what it would do, and does nothing", async () => {
    put(userFile(agent), usual(agent));
    const { code, stdout } = await run("install", agent, "--dry-run");

    expect(code).toBe(0);
    expect(stdout).toContain(`--- ${userFile(agent)}\n+++ `);
    expect(stdout).toMatch(/^\+.*credbroker/m);
    expect(stdout.split("\n").filter((line) => line.startsWith("-") && !line.startsWith("---")).length).toBeLessThan(2);
    expect(read(userFile(agent))).toBe(usual(agent));
    await run("install", agent);
    const installed = read(userFile(agent));
    expect((await run("uninstall", agent, "--dry-run")).stdout).toMatch(/^-.*credbroker/m);
    expect(read(userFile(agent))).toBe(installed);
  });

  it("with --project writes what can be committed: no path of this home, no token, no URL", async () => {
    await run("install", agent, "--project", "--lease", "ci");

    const text = read(join(project, FILES[agent]?.[1] ?? ""));
    expect(text).toMatch(/"brokerctl"/);
    expect(text).not.toMatch(new RegExp(`${fixture.home}|brk_|://|/opt/`));
    expect(existsSync(userFile(agent)) && userFile(agent) !== join(project, FILES[agent]?.[1] ?? "")).toBe(false);
  });
});

const CLAUDE_FLAGS = "--writable ~/.claude --writable ~/.claude.json --keep-env ANTHROPIC_API_KEY";

describe("agent install", () => {
  it("names its recipe, and says it as JSON", async () => {
    const { stderr } = await run("install", "codex");
    expect(stderr).toContain(
      "brokerctl exec --lease agent --confine --writable ~/.codex --keep-env OPENAI_API_KEY -- codex",
    );
    expect((await run("install", "claude-code", "--lease", "ci", "--json")).json).toEqual({
      ...{ agent: "claude-code", path: userFile("claude-code"), changed: true, dry_run: false },
      recipe: `brokerctl exec --lease ci --confine ${CLAUDE_FLAGS} -- claude`,
    });
    expect((await run("install", "vscode")).stderr).toContain("brokerctl exec --lease agent -- code --wait .");
  });

  it("goes through a link of the user's, which stays", async () => {
    const real = join(fixture.home, "dotfiles", "mcp.json");
    put(real, "{}\n");
    mkdirSync(dirname(userFile("cursor")), { recursive: true });
    symlinkSync(real, userFile("cursor"));
    await run("install", "cursor");
    expect(lstatSync(userFile("cursor")).isSymbolicLink()).toBe(true);
    expect(read(real)).toContain("brokerctl");
    await run("uninstall", "cursor");
    expect(read(real)).toBe("{}\n");
  });

  it("leaves an entry of that name that it did not write, and a file that it cannot read", async () => {
    const foreign = '{"mcpServers":{"credbroker":{"command":"mine"}}}';
    put(userFile("kiro"), foreign);
    expect((await run("install", "kiro")).code).toBe(1);
    expect((await run("uninstall", "kiro")).stderr).toContain("nothing of brokerctl");
    expect(read(userFile("kiro"))).toBe(foreign);

    put(userFile("cursor"), '{"mcpServers": {"a": }}');
    const { code, stderr } = await run("install", "cursor");
    expect(code).toBe(2);
    expect(stderr).toMatch(/\.cursor\/mcp\.json: line 1 is not JSON/);
    expect(read(userFile("cursor"))).toBe('{"mcpServers": {"a": }}');
  });

  it("is undone where others wrote into the file since, and without its record", async () => {
    put(userFile("gemini"), "{}");
    await run("install", "gemini");
    const changed = read(userFile("gemini")).replace("{", '{\n  "added": true,');
    writeFileSync(userFile("gemini"), changed);
    await run("uninstall", "gemini");
    expect(JSON.parse(read(userFile("gemini")))).toEqual({ added: true });

    await run("install", "gemini");
    writeFileSync(join(fixture.home, "state", "agents.json"), '{"version":1,"installed":[]}', { mode: 0o600 });
    await run("uninstall", "gemini");
    expect(JSON.parse(read(userFile("gemini")))).toEqual({ added: true, mcpServers: {} });
  });

  it("knows no other agents, and says which is near", async () => {
    const { code, stderr } = await run("install", "claude");
    expect(code).toBe(2);
    expect(stderr).toContain("did you mean claude-code?");
  });

  it("is undone by uninstall of all, in projects too", async () => {
    put(userFile("codex"), usual("codex"));
    await run("install", "codex");
    await run("install", "vscode", "--project");
    const found = await fixture.run(["uninstall", "--dry-run", "--json"]);
    expect(found.json).toMatchObject({
      found: expect.arrayContaining([
        { what: "agent config", where: userFile("codex"), becomes: "removed", note: "Codex" },
        { what: "agent config", where: join(project, ".vscode/mcp.json"), becomes: "removed", note: "VS Code" },
      ]) as unknown,
    });

    expect((await fixture.run(["uninstall", "--yes"])).code).toBe(0);

    expect(read(userFile("codex"))).toBe(usual("codex"));
    expect(existsSync(join(project, ".vscode"))).toBe(false);
  });
});
