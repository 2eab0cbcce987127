import { BrokerError } from "../../core/errors.js";
import type { VariableChanges } from "../access/variables.js";
import type { CliContext } from "../context.js";

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

/** Of what the lease brings, these may differ. */
const REGIONS: readonly string[] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/** Of what the user sets. */
export function refuseAgainstLease(names: readonly string[], { set, unset }: VariableChanges): void {
  const against = names.find(
    (name) => !REGIONS.includes(name) && (unset.includes(name) || Object.hasOwn(set, name) || isCompeting(name)),
  );
  if (against === undefined) return;
  throw new BrokerError("UsageInvalid", `--set ${against} would win over the lease`, {
    hint: "leave it out; another role is --via ROLE",
  });
}

type Side = "competing" | "local";

export function tellLeftOut(
  what: "function" | "container",
  { competing, local }: Pick<Sorted, Side>,
  { output }: CliContext,
): void {
  const tell = (why: string, names: readonly string[]): void => {
    if (names.length > 0) output.warn(`left out of the ${what}'s variables, as ${why}: ${names.join(" ")}`);
  };
  tell("they would win over its lease", competing);
  tell("they would rule this machine's shells and programs", local);
}

/** Of variables that are usable, those that would shadow the lease. */
export function withheldNames(names: readonly string[], { set, unset }: VariableChanges): readonly string[] {
  const isShared = (name: string): boolean => REGIONS.includes(name) || name.toLowerCase() === "no_proxy";
  return names.filter((name) => unset.includes(name) || (Object.hasOwn(set, name) && !isShared(name)));
}

interface Sorted {
  readonly usable: Readonly<Record<string, string>>;
  readonly competing: readonly string[];
  readonly local: readonly string[];
}

/** Which variables of what is deployed can be set here. */
export function sortedVariables(variables: Readonly<Record<string, string>>): Sorted {
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
