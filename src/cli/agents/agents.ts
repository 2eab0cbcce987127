import { join } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { SOCKET_VARIABLE } from "../../core/lease-socket.js";
import { nearestName } from "../../core/nearest-name.js";
import { TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, URI_VARIABLE } from "../access/variables.js";
import type { CliContext } from "../context.js";

/** An agent whose config names MCP servers. */
export interface Agent {
  readonly name: string;
  readonly title: string;
  /** How it is started, for the recipe. */
  readonly start: string;
  /** Flags of `exec --confine` by which it has its own files and key; undefined: it needs a screen, which no sandbox of ours has. */
  readonly confined?: string;
  readonly format: "json" | "toml";
  /** The key under which the servers stand. */
  readonly section: string;
  /** Of the user, for all projects. */
  readonly userFile: (home: AgentHome) => string;
  /** In a project's directory, to be committed. */
  readonly projectFile: string;
  readonly entry: (command: readonly string[]) => object;
}

export interface AgentHome extends Pick<CliContext, "env" | "homeDir"> {
  readonly platform: NodeJS.Platform;
}

/** The name of our server in each of them. */
export const SERVER_NAME = "credbroker";

/** What tells `brokerctl mcp` its lease. Names only: no value is ever written. */
const LEASE_VARIABLES = [SOCKET_VARIABLE, URI_VARIABLE, TOKEN_VARIABLE, TOKEN_FILE_VARIABLE];
const PLACE_VARIABLES = ["CREDBROKER_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];

/** As their own documentation has it on 2026-11-29 (docs/agents.md). */
export const AGENTS: readonly Agent[] = [
  {
    ...{ name: "claude-code", title: "Claude Code", start: "claude", format: "json", section: "mcpServers" },
    userFile: ({ env, homeDir }) => join(named(env["CLAUDE_CONFIG_DIR"]) ?? homeDir, ".claude.json"),
    projectFile: ".mcp.json",
    entry: (command) => ({ type: "stdio", ...started(command) }),
    confined: "--writable ~/.claude --writable ~/.claude.json --keep-env ANTHROPIC_API_KEY",
  },
  {
    ...{ name: "codex", title: "Codex", start: "codex", format: "toml", section: "mcp_servers" },
    userFile: ({ env, homeDir }) => join(named(env["CODEX_HOME"]) ?? join(homeDir, ".codex"), "config.toml"),
    projectFile: ".codex/config.toml",
    confined: "--writable ~/.codex --keep-env OPENAI_API_KEY",
    // It clears the environment of its servers but for these.
    entry: (command) => ({ ...started(command), env_vars: [...LEASE_VARIABLES, ...PLACE_VARIABLES] }),
  },
  {
    ...{ name: "gemini", title: "Gemini CLI", start: "gemini", format: "json", section: "mcpServers" },
    userFile: ({ homeDir }) => join(homeDir, ".gemini", "settings.json"),
    projectFile: ".gemini/settings.json",
    confined: "--writable ~/.gemini --keep-env GEMINI_API_KEY",
    // It keeps variables whose names speak of tokens and credentials from its servers, unless they are named.
    entry: (command) => ({ ...started(command), env: references((name) => `$${name}`) }),
  },
  {
    ...{ name: "cursor", title: "Cursor", start: "cursor-agent", format: "json", section: "mcpServers" },
    userFile: ({ homeDir }) => join(homeDir, ".cursor", "mcp.json"),
    projectFile: ".cursor/mcp.json",
    confined: "--writable ~/.cursor --keep-env CURSOR_API_KEY",
    entry: (command) => ({ type: "stdio", ...started(command), env: references((name) => `\${env:${name}}`) }),
  },
  {
    ...{ name: "vscode", title: "VS Code", start: "code --wait .", format: "json", section: "servers" },
    userFile: ({ env, homeDir, platform }) =>
      join(
        platform === "darwin"
          ? join(homeDir, "Library", "Application Support")
          : (named(env["XDG_CONFIG_HOME"]) ?? join(homeDir, ".config")),
        ...["Code", "User", "mcp.json"],
      ),
    projectFile: ".vscode/mcp.json",
    entry: (command) => ({ type: "stdio", ...started(command) }),
  },
  {
    ...{ name: "kiro", title: "Kiro", start: "kiro-cli", format: "json", section: "mcpServers" },
    userFile: ({ homeDir }) => join(homeDir, ".kiro", "settings", "mcp.json"),
    projectFile: ".kiro/settings/mcp.json",
    confined: "--writable ~/.kiro",
    entry: started,
  },
];

export const AGENT_NAMES = AGENTS.map(({ name }) => name);

/** Throws `UsageInvalid`. */
export function agentNamed(name: string): Agent {
  const found = AGENTS.find((agent) => agent.name === name);
  if (found) return found;
  const near = AGENT_NAMES.find((known) => known.startsWith(name)) ?? nearestName(name, AGENT_NAMES);
  throw new BrokerError("UsageInvalid", `there is no agent ${name} that brokerctl knows`, {
    hint: near === undefined ? `one of ${AGENT_NAMES.join(", ")}` : `did you mean ${near}?`,
  });
}

/** Whether an entry starts `brokerctl mcp`, however it was written. */
export function isOwnEntry(entry: unknown): boolean {
  if (typeof entry !== "object" || entry === null) return false;
  const { command, args } = entry as { readonly command?: unknown; readonly args?: unknown };
  const words: readonly unknown[] = [command, ...(Array.isArray(args) ? (args as unknown[]) : [])];
  const isBrokerctl = (word: unknown): boolean => typeof word === "string" && /(?:^|\/)brokerctl(?:\.js)?$/.test(word);
  return words.some(isBrokerctl) && words.includes("mcp");
}

function started([command, ...args]: readonly string[]): {
  readonly command: string;
  readonly args: readonly string[];
} {
  return { command: command ?? "brokerctl", args };
}

function references(to: (name: string) => string): Readonly<Record<string, string>> {
  return Object.fromEntries(LEASE_VARIABLES.map((name) => [name, to(name)]));
}

/** An empty variable is an unset one. */
function named(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
