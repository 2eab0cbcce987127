import type { StatusView } from "../../control-api/contract.js";
import { ssoRoleId } from "../../core/role.js";
import type { HookedShell } from "../../core/shell-files.js";
import type { CommandEntry } from "../command.js";
import type { CliContext } from "../context.js";
import { type Candidate, completionCandidates, type Fitting, type NameKind } from "./completion-candidates.js";

/** The user has pressed Tab and waits. */
const PATIENCE_MS = 1000;
/** A candidate goes onto the command line as it is in bash, and no name may run anything there. */
const PLAIN = /^[A-Za-z0-9._/@+:=,~-]+$/;

export interface Tab {
  readonly shell: HookedShell;
  /** What the shell's script gives: the words, or for bash its word breaks and the line. */
  readonly given: readonly string[];
  readonly commands: Readonly<Record<string, CommandEntry>>;
}

/** The lines that a completion script reads: what fits, then `VALUE<tab>HELP` for each candidate. */
export async function complete({ shell, given, commands }: Tab, context: CliContext): Promise<readonly string[]> {
  const { typed, replaced } = shell === "bash" ? bashWords(given) : { typed: given.slice(1), replaced: 0 };
  const fitting = await completionCandidates(typed, commands);
  if (fitting.kind === "files") return ["files"];
  // Only bash cannot tell by itself what completes the words of another command.
  if (fitting.kind === "command") return [shell === "bash" && fitting.index > 0 ? "files" : "command"];
  const current = typed.at(-1) ?? "";
  const lines = (await candidatesOf(fitting, context, current.slice(fitting.prefix.length)))
    .map(({ value, help }) => ({ value: fitting.prefix + value, help }))
    .filter(({ value }) => value.startsWith(current) && PLAIN.test(value))
    .map(({ value, help }) => `${value.slice(replaced)}\t${help.replaceAll(/\s+/g, " ")}`);
  return ["words", ...lines];
}

type Worded = Extract<Fitting, { readonly candidates: unknown }>;

async function candidatesOf(fitting: Worded, context: CliContext, current: string): Promise<readonly Candidate[]> {
  if (fitting.kind === "words") return fitting.candidates;
  try {
    if (fitting.of === "stages") return await stagesOfProject(context);
    if (fitting.of === "requests") return await pendingRequests(context);
    const status = await context.quietClient.call("status", {}, { timeoutMs: PATIENCE_MS });
    const granted = fitting.of === "roles" && current.includes(":") ? await grantedRoles(context) : [];
    return uniquely([...namesIn(status, fitting.of), ...granted, ...fitting.candidates]);
  } catch {
    return fitting.candidates; // brokerd does not run: that is no error at a Tab
  }
}

function uniquely(candidates: readonly Candidate[]): readonly Candidate[] {
  const first = new Map(candidates.toReversed().map((candidate) => [candidate.value, candidate]));
  return candidates.filter((candidate) => first.get(candidate.value) === candidate);
}

/** `SOURCE:ACCOUNT/ROLE` as far as logins were listed before, by id and by those names that only one account has. */
async function grantedRoles({ quietClient }: CliContext): Promise<readonly Candidate[]> {
  const { roles } = await quietClient.call("sso-known-roles", {}, { timeoutMs: PATIENCE_MS });
  const ids = new Map<string, Set<string>>();
  const keyOf = ({ source, accountName }: (typeof roles)[number]): string => `${source}:${accountName.toLowerCase()}`;
  for (const role of roles) ids.set(keyOf(role), (ids.get(keyOf(role)) ?? new Set()).add(role.accountId));
  return roles.flatMap((role) => {
    const { source, accountId, accountName, roleName } = role;
    const byId = { value: ssoRoleId(source, { accountId, roleName }), help: accountName };
    const isUnique = ids.get(keyOf(role))?.size === 1;
    return isUnique ? [byId, { value: `${source}:${accountName}/${roleName}`, help: accountId }] : [byId];
  });
}

async function pendingRequests({ quietClient }: CliContext): Promise<readonly Candidate[]> {
  const { requests } = await quietClient.call("request-list", {}, { timeoutMs: PATIENCE_MS });
  const pending = requests.filter(({ state }) => state === "pending");
  return pending.map(({ id, lease, role }) => ({ value: id, help: `${role} for lease ${lease.label}` }));
}

async function stagesOfProject(context: CliContext): Promise<readonly Candidate[]> {
  const { stagesHere } = await import("../access/project.js");
  const stages = await stagesHere(context, { client: context.quietClient, timeoutMs: PATIENCE_MS });
  return stages.map(({ stage, role }) => ({ value: stage, help: role }));
}

function namesIn(
  { roles, sources, leases }: StatusView,
  of: Exclude<NameKind, "requests" | "stages">,
): readonly Candidate[] {
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

interface BashWords {
  /** After the program, the unfinished one last. */
  readonly typed: readonly string[];
  /** Characters of the last one that bash keeps: it replaces only what follows the last of its word breaks. */
  readonly replaced: number;
}

/**
 * What bash's completion gives (COMP_WORDBREAKS, and the line up to the cursor) as words. bash itself would cut a role
 * `corp:111111111111/Developer` or `--as=url` into three.
 */
function bashWords([breaks = "", line = ""]: readonly string[]): BashWords {
  const typed = split(line).slice(1);
  const current = typed.at(-1) ?? "";
  const cut = Math.max(
    ...[":", "=", "@"].filter((mark) => breaks.includes(mark)).map((mark) => current.lastIndexOf(mark)),
    -1,
  );
  return { typed, replaced: cut + 1 };
}

/** By blanks, outside of quotes; an open quote ends with the line. */
function split(line: string): readonly string[] {
  const words = line.match(/(?:\\[^]|"(?:\\[^]|[^"\\])*(?:"|$)|'[^']*(?:'|$)|[^\s\\"']|\\$)+/g) ?? [];
  const unfinished = /(?:^|[^\\])\s$/.test(line) && !endsInside(words.at(-1), line) ? [...words, ""] : words;
  return unfinished.map(unquoted);
}

/** The blank at the end of the line belongs to the last word. */
function endsInside(word: string | undefined, line: string): boolean {
  return word !== undefined && line.endsWith(word);
}

function unquoted(word: string): string {
  return word.replace(
    /'([^']*)(?:'|$)|"((?:\\[^]|[^"\\])*)(?:"|$)|\\([^])/g,
    (...found: (string | undefined)[]) => found[1] ?? found[2]?.replace(/\\([^])/g, "$1") ?? found[3] ?? "",
  );
}
