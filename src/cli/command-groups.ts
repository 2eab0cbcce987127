import type { CommandGroup } from "./command.js";

/** What stands behind the first word of the longer groups of the command table. */
type Subcommands = CommandGroup["subcommands"];

export const PROFILES: Subcommands = {
  sync: {
    summary: "write a profile for each role",
    load: async () => (await import("./commands/profiles-sync.js")).profilesSyncCommand,
  },
  remove: {
    summary: "take them out again",
    load: async () => (await import("./commands/profiles-remove.js")).profilesRemoveCommand,
  },
};

export const SOURCE: Subcommands = {
  add: {
    summary: "add a source to the config",
    load: async () => (await import("./commands/source-add.js")).sourceAddCommand,
  },
  list: {
    summary: "list them and their state",
    load: async () => (await import("./commands/source-list.js")).sourceListCommand,
  },
  show: {
    summary: "show one as the config has it, and what uses it",
    load: async () => (await import("./commands/source-show.js")).sourceShowCommand,
  },
  rename: {
    summary: "give one another name, wherever it stands",
    load: async () => (await import("./commands/source-rename.js")).sourceRenameCommand,
  },
  remove: {
    summary: "take one out that nothing uses",
    load: async () => (await import("./commands/source-remove.js")).sourceRemoveCommand,
  },
};

export const ROLE: Subcommands = {
  add: {
    summary: "add a role to the config",
    load: async () => (await import("./commands/role-add.js")).roleAddCommand,
  },
  list: {
    summary: "list them and their state, as `roles` does",
    load: async () => (await import("./commands/role-list.js")).roleListCommand,
  },
  show: {
    summary: "show one as the config has it, and what uses it",
    load: async () => (await import("./commands/role-show.js")).roleShowCommand,
  },
  rename: {
    summary: "give one another name, wherever it stands",
    load: async () => (await import("./commands/role-rename.js")).roleRenameCommand,
  },
  remove: {
    summary: "take one out that nothing uses",
    load: async () => (await import("./commands/role-remove.js")).roleRemoveCommand,
  },
};

export const KEYS: Subcommands = {
  add: {
    summary: "put a key into the secret store",
    load: async () => (await import("./commands/keys-add.js")).keysAddCommand,
  },
  list: { summary: "list them", load: async () => (await import("./commands/keys-list.js")).keysListCommand },
  rotate: {
    summary: "make a new key with IAM, retire the old one",
    load: async () => (await import("./commands/keys-rotate.js")).keysRotateCommand,
  },
  remove: {
    summary: "remove a key from the secret store",
    load: async () => (await import("./commands/keys-remove.js")).keysRemoveCommand,
  },
};

export const SERVICE: Subcommands = {
  install: {
    summary: "let systemd or launchd start brokerd",
    load: async () => (await import("./commands/service-install.js")).serviceInstallCommand,
  },
  uninstall: {
    summary: "remove what install wrote",
    load: async () => (await import("./commands/service-uninstall.js")).serviceUninstallCommand,
  },
  status: {
    summary: "what is installed and whether it runs",
    load: async () => (await import("./commands/service-status.js")).serviceStatusCommand,
  },
  logs: {
    summary: "print brokerd's log",
    load: async () => (await import("./commands/service-logs.js")).serviceLogsCommand,
  },
};

export const LEASE: Subcommands = {
  create: {
    summary: "make a durable lease",
    load: async () => (await import("./commands/lease-create.js")).leaseCreateCommand,
  },
  list: { summary: "list them", load: async () => (await import("./commands/lease-list.js")).leaseListCommand },
  show: { summary: "show one", load: async () => (await import("./commands/lease-show.js")).leaseShowCommand },
  set: {
    summary: "give one another role, also a pinned one",
    load: async () => (await import("./commands/lease-set.js")).leaseSetCommand,
  },
  narrow: {
    summary: "give one less than it has",
    load: async () => (await import("./commands/lease-narrow.js")).leaseNarrowCommand,
  },
  rotate: {
    summary: "give one a new token",
    load: async () => (await import("./commands/lease-rotate.js")).leaseRotateCommand,
  },
  revoke: {
    summary: "end one now",
    load: async () => (await import("./commands/lease-revoke.js")).leaseRevokeCommand,
  },
};

export const AGENT: Subcommands = {
  install: {
    summary: "enter them into an agent's config",
    load: async () => (await import("./commands/agent-install.js")).agentInstallCommand,
  },
  uninstall: {
    summary: "take them out again",
    load: async () => (await import("./commands/agent-uninstall.js")).agentUninstallCommand,
  },
};

export const TASK: Subcommands = {
  exec: {
    summary: "run a command with a task's role and a container's variables",
    load: async () => (await import("./commands/task-exec.js")).taskExecCommand,
  },
  trust: {
    summary: "let yourself into a task's role: print, add, remove",
    load: async () => (await import("./commands/task-trust.js")).taskTrustCommand,
  },
};

export const LAMBDA: Subcommands = {
  exec: {
    summary: "run a command with a function's role and variables",
    load: async () => (await import("./commands/lambda-exec.js")).lambdaExecCommand,
  },
  invoke: {
    summary: "run a function's handler once, from local code",
    load: async () => (await import("./commands/lambda-invoke.js")).lambdaInvokeCommand,
  },
  env: {
    summary: "print what to eval to be a function in this shell",
    load: async () => (await import("./commands/lambda-env.js")).lambdaEnvCommand,
  },
  serve: {
    summary: "several functions, warm, behind Lambda's Invoke and HTTP",
    load: async () => (await import("./commands/lambda-serve.js")).lambdaServeCommand,
  },
  pull: {
    summary: "fetch a function's code and layers into a directory",
    load: async () => (await import("./commands/lambda-pull.js")).lambdaPullCommand,
  },
  event: {
    summary: "sample events, as AWS's services send them",
    load: async () => (await import("./commands/lambda-event.js")).lambdaEventCommand,
  },
  list: {
    summary: "the deployed functions of an account, or of a stack",
    load: async () => (await import("./commands/lambda-list.js")).lambdaListCommand,
  },
  why: {
    summary: "which policy refused a call of its code, and what to add",
    load: async () => (await import("./commands/lambda-why.js")).lambdaWhyCommand,
  },
  trust: {
    summary: "let yourself into a function's role: print, add, remove",
    load: async () => (await import("./commands/lambda-trust.js")).lambdaTrustCommand,
  },
};
