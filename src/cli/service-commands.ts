import type { Command } from "./command.js";

/** The words after `brokerctl service`. */
export const SERVICE_COMMANDS = {
  summary: "brokerd started by systemd or launchd",
  subcommands: {
    install: {
      summary: "let systemd or launchd start brokerd",
      load: async (): Promise<Command> => (await import("./commands/service-install.js")).serviceInstallCommand,
    },
    uninstall: {
      summary: "remove what install wrote",
      load: async (): Promise<Command> => (await import("./commands/service-uninstall.js")).serviceUninstallCommand,
    },
    status: {
      summary: "what is installed and whether it runs",
      load: async (): Promise<Command> => (await import("./commands/service-status.js")).serviceStatusCommand,
    },
    logs: {
      summary: "print brokerd's log",
      load: async (): Promise<Command> => (await import("./commands/service-logs.js")).serviceLogsCommand,
    },
  },
};
