import type { StatusView } from "../../control-api/contract.js";
import type { HookedShell } from "../../core/shell-files.js";
import type { CommandEntry } from "../command-entry.js";
import type { CliContext } from "../context.js";
import { bashWords } from "./bash-words.js";
import { type Candidate, type Fitting, type NameKind, whatFits } from "./what-fits.js";

/** Somebody waits with a finger on the key. */
const PATIENCE_MS = 1000;
/** A candidate goes onto the command line as it is in bash, and nobody's name may do anything there. */
const PLAIN = /^[A-Za-z0-9._/@+:=,~-]+$/;

export interface Tab {
  readonly shell: HookedShell;
  /** What the shell's script gives: the words, or for bash its word breaks and the line. */
  readonly given: readonly string[];
  readonly commands: Readonly<Record<string, CommandEntry>>;
}

/** The lines that a completion script reads: what fits, then `VALUE<tab>HELP` for each candidate. */
export async function answerTab({ shell, given, commands }: Tab, context: CliContext): Promise<readonly string[]> {
  const { typed, replaced } = shell === "bash" ? bashWords(given) : { typed: given.slice(1), replaced: 0 };
  const fitting = await whatFits(typed, commands);
  if (fitting.kind === "files") return ["files"];
  // Only bash cannot tell by itself what completes the words of another command.
  if (fitting.kind === "command") return [shell === "bash" && fitting.index > 0 ? "files" : "command"];
  const current = typed.at(-1) ?? "";
  const lines = (await candidatesOf(fitting, context))
    .map(({ value, help }) => ({ value: fitting.prefix + value, help }))
    .filter(({ value }) => value.startsWith(current) && PLAIN.test(value))
    .map(({ value, help }) => `${value.slice(replaced)}\t${help.replaceAll(/\s+/g, " ")}`);
  return ["words", ...lines];
}

type Worded = Extract<Fitting, { readonly candidates: unknown }>;

async function candidatesOf(fitting: Worded, { quietClient }: CliContext): Promise<readonly Candidate[]> {
  if (fitting.kind === "words") return fitting.candidates;
  try {
    const status = await quietClient.call("status", {}, { timeoutMs: PATIENCE_MS });
    return [...namesIn(status, fitting.of), ...fitting.candidates];
  } catch {
    return fitting.candidates; // brokerd does not run: that is no error at a Tab
  }
}

function namesIn({ roles, sources, leases }: StatusView, of: NameKind): readonly Candidate[] {
  switch (of) {
    case "roles":
      return roles.map(({ name, accountId, state }) => ({
        value: name,
        help: [accountId, state.replace("_", " ")].filter((part) => part !== null).join(" "),
      }));
    case "sources":
      return sources.map(({ name, type }) => ({ value: name, help: type }));
    case "leases":
      return leases.map(({ name, id, role, holderPid }) => ({
        value: name ?? id,
        help: [role ?? "no role", ...(holderPid === null ? [] : [`of process ${holderPid}`])].join(" "),
      }));
  }
}
