import type { FunctionContext } from "../../core/function-context.js";
import { functionEnvironment } from "../../runtime-api/function-environment.js";
import { changesFor, type VariableChanges } from "../access/variables.js";
import type { CliContext } from "../context.js";

export interface FunctionChangesOptions {
  readonly function: FunctionContext;
  /** What points to the lease, and what stands beside it. */
  readonly granted: Readonly<Record<string, string>>;
  readonly taskRoot: string;
}

/** What no shell and no child could hold; Lambda takes none of them. */
const NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `~/.aws` of the shell was looked at, and is replaced where it competes with the lease: another one was not. */
const COMPETING_NAMES: readonly string[] = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];

/**
 * What decides, before any code of the function runs, which files of this machine are read and which programs run: in the
 * sandbox that is the function's business. Here `HOME=/tmp`, harmless there, would let other users write start files.
 */
const LOCAL_NAMES: ReadonlySet<string> = new Set([
  ...["HOME", "SHELL", "ZDOTDIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"],
  ...["BASH_ENV", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS4", "SHELLOPTS", "BASHOPTS", "LESSOPEN", "LESSCLOSE"],
  ...["LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"],
]);
const OWN_PREFIX = "CREDBROKER_";

/** The lease, the function's variables and Lambda's reserved ones; what must be left out is told. */
export function functionChanges(options: FunctionChangesOptions, context: CliContext): VariableChanges {
  const { granted, taskRoot } = options;
  const { usable, competing, local } = sorted(options.function.variables);
  const lease = changesFor(granted, { ...context.env, ...usable });
  const { set, withheld } = functionEnvironment(
    { ...options.function, variables: usable },
    // Without a PATH of the function's own, this machine's stays as it is and need not be said.
    {
      taskRoot,
      lease,
      localPath: usable["PATH"] === undefined ? undefined : context.env["PATH"],
      clock: context.clock,
    },
  );
  tell("they would win over its lease", [...withheld, ...competing], context);
  tell("they would rule this machine's shells and programs", local, context);
  return { set, unset: lease.unset };
}

function tell(why: string, names: readonly string[], { output }: CliContext): void {
  if (names.length > 0) output.warn(`left out of the function's variables, as ${why}: ${names.join(" ")}`);
}

interface Sorted {
  readonly usable: Readonly<Record<string, string>>;
  readonly competing: readonly string[];
  readonly local: readonly string[];
}

function sorted(variables: FunctionContext["variables"]): Sorted {
  const entries = Object.entries(variables);
  const names = entries.map(([name]) => name);
  const isUsable = (name: string): boolean => NAME_PATTERN.test(name) && !isCompeting(name) && !isLocal(name);
  const unusable = names.filter((name) => !NAME_PATTERN.test(name)).map((name) => JSON.stringify(name));
  return {
    usable: Object.fromEntries(entries.filter(([name]) => isUsable(name))),
    competing: [...names.filter(isCompeting), ...unusable],
    local: names.filter(isLocal),
  };
}

function isCompeting(name: string): boolean {
  return COMPETING_NAMES.includes(name) || name.startsWith(OWN_PREFIX);
}

function isLocal(name: string): boolean {
  return LOCAL_NAMES.has(name);
}
