import type { Command, CommandEntry, CommandGroup, OptionSpec } from "../command.js";

export interface Candidate {
  readonly value: string;
  /** What shells that show more than values show beside it. */
  readonly help: string;
}

/** Names that brokerd knows. */
export type NameKind = "roles" | "sources" | "leases" | "requests" | "stages";

/** What could stand where the cursor is. */
export type Fitting =
  | { readonly kind: "words"; readonly candidates: readonly Candidate[]; readonly prefix: string }
  | {
      readonly kind: "names";
      readonly of: NameKind;
      readonly candidates: readonly Candidate[];
      readonly prefix: string;
    }
  | { readonly kind: "files" }
  /** The command of `exec`, at `index` words behind `--`. */
  | { readonly kind: "command"; readonly index: number };

/** By the placeholder of an argument or of a flag's value. */
const NAMES: Readonly<Record<string, NameKind>> = {
  ROLE: "roles",
  "ROLE|-": "roles",
  SOURCE: "sources",
  LEASE: "leases",
  ID: "requests",
  STAGE: "stages",
};
const FILES: readonly string[] = ["FILE", "FILE|-", "PATH", "DIR"];
const NOTHING: Fitting = { kind: "words", candidates: [], prefix: "" };
const HELP: Candidate = { value: "--help", help: "say more" };

/** `typed`: the words after `brokerctl`, the unfinished one last. */
export async function completionCandidates(
  typed: readonly string[],
  commands: Readonly<Record<string, CommandEntry>>,
): Promise<Fitting> {
  const [name = "", ...rest] = typed[0] === "help" && typed.length > 1 ? typed.slice(1) : typed;
  if (typed.length < 2 || (typed[0] === "help" && typed.length < 3)) {
    return words([...entries(commands), { value: "help", help: "say more of a command" }, HELP, VERSION], name);
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) return NOTHING;
  if (!("subcommands" in entry)) return completionCandidatesCommand(rest, await entry.load());
  return completionCandidatesGroup(rest, entry);
}

const VERSION: Candidate = { value: "--version", help: "print the version" };

async function completionCandidatesGroup(
  typed: readonly string[],
  { subcommands, load }: CommandGroup,
): Promise<Fitting> {
  const [verb = "", ...rest] = typed;
  if (load && verb.startsWith("-")) return completionCandidatesCommand(typed, await load());
  if (typed.length < 2) return words([...entries(subcommands), HELP], verb);
  const loader = Object.hasOwn(subcommands, verb) ? subcommands[verb] : undefined;
  return loader ? completionCandidatesCommand(rest, await loader.load()) : NOTHING;
}

function completionCandidatesCommand(typed: readonly string[], command: Command): Fitting {
  const before = typed.slice(0, -1);
  const current = typed.at(-1) ?? "";
  const end = before.indexOf("--");
  if (end >= 0) return command.rest === undefined ? NOTHING : { kind: "command", index: before.length - end - 1 };
  const value = completionCandidatesValue(before.at(-1) ?? "", current, command);
  if (value !== undefined) return value;
  if (current.startsWith("-") && current !== "-") return words(flagsLeft(before, command), current);
  return argument(before, command);
}

/** Of a flag that stands before, or in the same word; undefined where there is none that takes one. */
function completionCandidatesValue(former: string, current: string, command: Command): Fitting | undefined {
  const [flag = "", value] = splitFlag(current);
  if (value !== undefined) return valueOf(optionNamed(flag, command), flag.slice(2), `${flag}=`);
  const awaiting = optionNamed(former, command);
  return takesNextWord(awaiting) ? valueOf(awaiting, former.slice(2), "") : undefined;
}

/** `--flag=value` in one word; the value is undefined where there is no `=`. */
function splitFlag(word: string): readonly (string | undefined)[] {
  return /^(--[^=]+)=(.*)$/s.exec(word)?.slice(1) ?? [word];
}

function optionNamed(word: string, { options }: Command): OptionSpec | undefined {
  const long = word.startsWith("--") ? word.slice(2).replaceAll("_", "-") : "";
  if (Object.hasOwn(options, long)) return options[long];
  return Object.values(options).find(({ short }) => short !== undefined && word === `-${short}`);
}

function valueOf(spec: OptionSpec | undefined, flag: string, prefix: string): Fitting {
  if (spec?.type !== "string") return NOTHING;
  if (flag === "lease") return { kind: "names", of: "leases", candidates: [], prefix };
  return placeholder(spec.value ?? "", spec.choices ?? [], prefix);
}

function flagsLeft(before: readonly string[], { options }: Command): readonly Candidate[] {
  const left = Object.entries(options).filter(
    ([name, { repeat }]) => repeat === true || !before.some((word) => splitFlag(word)[0] === `--${name}`),
  );
  return [...left.map(([name, { help }]) => ({ value: `--${name}`, help })), HELP];
}

function argument(before: readonly string[], command: Command): Fitting {
  const { positionals = [] } = command;
  const given = before.filter((word, index) => !isFlagOrValue(word, before[index - 1], command)).length;
  const last = positionals.at(-1);
  const spec = positionals[given] ?? (last?.repeat ? last : undefined);
  return spec === undefined ? NOTHING : placeholder(spec.name, spec.choices ?? [], "");
}

function isFlagOrValue(word: string, former: string | undefined, command: Command): boolean {
  if (word.startsWith("-") && word !== "-") return true;
  return former !== undefined && takesNextWord(optionNamed(former, command));
}

function takesNextWord(spec: OptionSpec | undefined): boolean {
  return spec?.type === "string" && spec.bare === undefined;
}

function placeholder(name: string, choices: readonly string[], prefix: string): Fitting {
  const of = NAMES[name];
  const candidates = choices.map((value) => ({ value, help: "" }));
  if (of !== undefined) {
    const back = name === "ROLE|-" ? [{ value: "-", help: "the role before" }] : [];
    return { kind: "names", of, candidates: back, prefix };
  }
  if (FILES.includes(name)) return { kind: "files" };
  return { kind: "words", candidates, prefix };
}

function words(candidates: readonly Candidate[], current: string): Fitting {
  const wantsFlags = current.startsWith("-");
  return {
    kind: "words",
    candidates: candidates.filter(({ value }) => value.startsWith("-") === wantsFlags),
    prefix: "",
  };
}

function entries(commands: Readonly<Record<string, { readonly summary: string }>>): readonly Candidate[] {
  return Object.entries(commands).map(([value, { summary }]) => ({ value, help: summary }));
}
