import type { CommandEntry } from "./command.js";
import { AGENT, KEYS, LAMBDA, LEASE, PROFILES, ROLE, SERVICE, SOURCE, TASK } from "./command-groups.js";

const SETUP = "Set up";
const DAEMON = "Daemon";
const SHELL = "Roles and shells";
const LEASES = "Leases and credentials";
const FUNCTIONS = "Lambda";

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  init: {
    group: SETUP,
    summary: "write a commented config, make the secret store, start brokerd",
    load: async () => (await import("./commands/init.js")).initCommand,
  },
  setup: {
    group: SETUP,
    summary: "a first run, guided: from what you have to a role that AWS has confirmed",
    load: async () => (await import("./commands/setup.js")).setupCommand,
    subcommands: {
      "deploy-role": {
        summary: "a role for deploying, as a template, explained; --apply makes it",
        load: async () => (await import("./commands/setup-deploy-role.js")).setupDeployRoleCommand,
      },
    },
  },
  import: {
    group: SETUP,
    summary: "take profiles of ~/.aws, and their keys",
    load: async () => (await import("./commands/import.js")).importCommand,
  },
  profiles: {
    group: SETUP,
    summary: "profiles of your roles in ~/.aws/config, for tools that insist on profiles",
    subcommands: PROFILES,
  },
  uninstall: {
    group: SETUP,
    summary: "remove everything of credbroker from this home",
    load: async () => (await import("./commands/uninstall.js")).uninstallCommand,
  },
  source: { group: SETUP, summary: "what signs for roles", subcommands: SOURCE },
  keys: {
    group: SETUP,
    summary: "long-term keys in the secret store",
    subcommands: KEYS,
  },
  role: { group: SETUP, summary: "what programs get", subcommands: ROLE },
  config: {
    group: SETUP,
    summary: "the config file",
    subcommands: {
      check: {
        summary: "check a config without loading it",
        load: async () => (await import("./commands/config-check.js")).configCheckCommand,
      },
      edit: {
        summary: "edit it with your editor, checked",
        load: async () => (await import("./commands/config-edit.js")).configEditCommand,
      },
      path: {
        summary: "print where it is",
        load: async () => (await import("./commands/config-path.js")).configPathCommand,
      },
    },
  },
  start: {
    group: DAEMON,
    summary: "start brokerd in the background",
    load: async () => (await import("./commands/start.js")).startCommand,
  },
  stop: { group: DAEMON, summary: "stop brokerd", load: async () => (await import("./commands/stop.js")).stopCommand },
  restart: {
    group: DAEMON,
    summary: "stop brokerd and start the installed version",
    load: async () => (await import("./commands/restart.js")).restartCommand,
  },
  status: {
    group: DAEMON,
    summary: "daemon, sources, roles, leases; what needs a login",
    load: async () => (await import("./commands/status.js")).statusCommand,
  },
  ui: {
    group: DAEMON,
    summary: "a page in the browser: what is live, who holds it, what ends when",
    load: async () => (await import("./commands/ui.js")).uiCommand,
  },
  doctor: {
    group: DAEMON,
    summary: "what programs of this shell take for credentials, what is wrong, how to fix it",
    load: async () => (await import("./commands/doctor.js")).doctorCommand,
  },
  logs: {
    group: DAEMON,
    summary: "print brokerd's log",
    load: async () => (await import("./commands/logs.js")).logsCommand,
  },
  service: {
    group: DAEMON,
    summary: "brokerd started by systemd or launchd",
    subcommands: SERVICE,
  },
  lock: {
    group: DAEMON,
    summary: "forget the data key and every cached credential",
    load: async () => (await import("./commands/lock.js")).lockCommand,
  },
  unlock: {
    group: DAEMON,
    summary: "open the secret store again",
    load: async () => (await import("./commands/unlock.js")).unlockCommand,
  },
  login: {
    group: SHELL,
    summary: "log in to a source: Identity Center, the console, or an MFA code",
    load: async () => (await import("./commands/login.js")).loginCommand,
  },
  logout: {
    group: SHELL,
    summary: "end a login, forget what came from it",
    load: async () => (await import("./commands/logout.js")).logoutCommand,
  },
  sso: {
    group: SETUP,
    summary: "IAM Identity Center",
    subcommands: {
      roles: {
        summary: "what a login can have; --add writes it into the config",
        load: async () => (await import("./commands/sso-roles.js")).ssoRolesCommand,
      },
    },
  },
  roles: {
    group: SHELL,
    summary: "list the roles and their state",
    load: async () => (await import("./commands/roles.js")).rolesCommand,
  },
  use: {
    group: SHELL,
    summary: "move this shell's lease, else the default one, to a role",
    load: async () => (await import("./commands/use.js")).useCommand,
  },
  env: {
    group: SHELL,
    summary: "print what to eval so that programs ask the broker",
    load: async () => (await import("./commands/env.js")).envCommand,
  },
  exec: {
    group: SHELL,
    summary: "run a command with a lease of its own",
    load: async () => (await import("./commands/exec.js")).execCommand,
  },
  forward: {
    group: LEASES,
    summary: "in a container or namespace: let SDKs reach a lease's socket",
    load: async () => (await import("./commands/forward.js")).forwardCommand,
  },
  hook: {
    group: SHELL,
    summary: "print shell integration: a lease for each shell, the role in the prompt, completion",
    load: async () => (await import("./commands/hook.js")).hookCommand,
  },
  completion: {
    group: SHELL,
    summary: "print the completion script of a shell",
    load: async () => (await import("./commands/completion.js")).completionCommand(COMMANDS),
  },
  whoami: {
    group: SHELL,
    summary: "who a program in this shell would be, by AWS's own answer",
    load: async () => (await import("./commands/whoami.js")).whoamiCommand,
  },
  console: {
    group: SHELL,
    summary: "the AWS console in a browser, as a role",
    load: async () => (await import("./commands/console.js")).consoleCommand,
  },
  lease: {
    group: LEASES,
    summary: "leases of IDEs, agents, containers",
    subcommands: LEASE,
  },
  request: {
    group: LEASES,
    summary: "ask a person for a role, for this shell's lease",
    load: async () => (await import("./commands/request.js")).requestCommand,
  },
  requests: {
    group: LEASES,
    summary: "list what leases ask for",
    load: async () => (await import("./commands/requests.js")).requestsCommand,
  },
  approve: {
    group: LEASES,
    summary: "grant a request",
    load: async () => (await import("./commands/approve.js")).approveCommand,
  },
  deny: {
    group: LEASES,
    summary: "refuse a request, or take its grant back",
    load: async () => (await import("./commands/deny.js")).denyCommand,
  },
  agent: {
    group: LEASES,
    summary: "coding agents: enter the tools by which they ask for roles into their config",
    subcommands: AGENT,
  },
  mcp: {
    group: LEASES,
    summary: "serve those tools (MCP)",
    load: async () => (await import("./commands/mcp.js")).mcpCommand,
  },
  lambda: {
    group: FUNCTIONS,
    summary: "local code as a deployed Lambda function",
    subcommands: LAMBDA,
  },
  task: {
    group: FUNCTIONS,
    summary: "local code as a deployed task of ECS or Fargate",
    subcommands: TASK,
  },
  who: {
    group: LEASES,
    summary: "who holds a role now, and until when",
    load: async () => (await import("./commands/who.js")).whoCommand,
  },
  why: {
    group: LEASES,
    summary: "what this shell's lease, or a process, was last refused",
    load: async () => (await import("./commands/why.js")).whyCommand,
  },
  audit: {
    group: LEASES,
    summary: "who was served which role, who was refused, what was changed",
    load: async () => (await import("./commands/audit.js")).auditCommand,
  },
  refresh: {
    group: LEASES,
    summary: "renew credentials now",
    load: async () => (await import("./commands/refresh.js")).refreshCommand,
  },
  "credential-process": {
    group: LEASES,
    summary: "print credentials as AWS's credential_process wants them",
    load: async () => (await import("./commands/credential-process.js")).credentialProcessCommand,
  },
};
