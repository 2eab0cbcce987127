import type { CommandEntry } from "./command.js";

const AUDIT = "Who has what";

/** A part of the command table. */
export const AUDIT_COMMANDS: Readonly<Record<string, CommandEntry>> = {
  who: {
    group: AUDIT,
    summary: "who holds a role now, and until when",
    load: async () => (await import("./commands/who.js")).whoCommand,
  },
  audit: {
    group: AUDIT,
    summary: "who was served which role, who was refused, what was changed",
    load: async () => (await import("./commands/audit.js")).auditCommand,
  },
};
