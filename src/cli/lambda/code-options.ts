import { BrokerError } from "../../core/errors.js";
import type { Debugging } from "../../runtime-api/runtime-client.js";

/** Flags about the code that runs here, which commands share. */
export const CODE_OPTIONS = {
  "task-root": { type: "string", value: "DIR", help: "where the function's code is; default the current directory" },
  handler: { type: "string", value: "HANDLER", help: "in place of the deployed one, as where that is a wrapper's" },
  set: {
    type: "string",
    repeat: true,
    value: "NAME=VALUE",
    help: "a variable, over the deployed one",
  },
} as const;

/** Of the commands that run something. */
export const LAYERS_OPTION = {
  layers: { type: "string", value: "DIR", help: "what the code finds in /opt, as `lambda pull` makes it; needs bwrap" },
} as const;

const PORT = "PORT";

/** Of the commands that run handlers. */
export const DEBUG_OPTIONS = {
  inspect: {
    type: "string",
    bare: "",
    value: PORT,
    help: "a debugger may attach to the function on 127.0.0.1: Node's inspector (9229), debugpy (5678); no timeout",
  },
  "inspect-brk": {
    type: "string",
    bare: "",
    value: PORT,
    help: "as --inspect, and the function waits for the debugger",
  },
} as const;

const MAX_PORT = 65_535;

/** undefined: no debugger. */
export function debuggingOf(options: {
  readonly inspect: string | undefined;
  readonly "inspect-brk": string | undefined;
}): Debugging | undefined {
  const { inspect, "inspect-brk": waiting } = options;
  const text = waiting ?? inspect;
  if (text === undefined) return undefined;
  // `--inspect=9300 --inspect-brk`: one port, whichever flag has it.
  const given = text === "" ? (inspect ?? "") : text;
  const port = given === "" ? undefined : Number(given);
  if (port === undefined || (/^\d{1,5}$/.test(given) && port > 0 && port <= MAX_PORT)) {
    return { port, nth: 0, waits: waiting !== undefined };
  }
  throw new BrokerError("UsageInvalid", `--inspect takes a port, not '${given}'`, { hint: "--inspect=9229" });
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=([^]*)$/;

/** Of `--set`. */
export function assignments(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map(assignment));
}

function assignment(text: string): readonly [string, string] {
  const [, name, value] = ASSIGNMENT.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new BrokerError("UsageInvalid", `--set takes NAME=VALUE, not '${text.split("=")[0] ?? ""}'`, {
    hint: "--set TABLE=orders-local",
  });
}
