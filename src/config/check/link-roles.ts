import type { RoleEntry } from "../schema/role-schema.js";
import type { ConfigProblem, FieldPath } from "./config-problem.js";
import { showValue } from "./show-value.js";

/** Each hop is one STS call that the next one waits for. */
const MAX_CHAIN = 100;
/** Of a circle's roles, in the message. */
const MAX_SHOWN = 10;

/** Where a role comes from, by name. Its source or parent exists, though it may have problems of its own. */
type Link =
  | { readonly kind: "source"; readonly source: string }
  | { readonly kind: "role"; readonly role: string }
  /** Its definition does not say, and that is reported. */
  | { readonly kind: "broken" };

export interface RoleLinks {
  /** Every role, after the one it is chained from. */
  readonly order: readonly string[];
  readonly links: ReadonlyMap<string, Link>;
  readonly problems: readonly ConfigProblem[];
}

/** Entries by name; undefined: there is one, but it breaks the schema. */
export type Entries<Entry> = ReadonlyMap<string, Entry | undefined>;

/** Checks `source` and `source_role` of every role: one of the two, existing, without circles. */
export function linkRoles(roles: Entries<RoleEntry>, sources: Entries<unknown>): RoleLinks {
  const problems: ConfigProblem[] = [];
  const links = new Map<string, Link>();
  for (const [name, entry] of roles) {
    const link = linkOf(name, entry, { roles, sources });
    links.set(name, "problem" in link ? { kind: "broken" } : link);
    if ("problem" in link) problems.push(link.problem);
  }
  return { order: orderByChain(links, problems), links, problems };
}

interface Known {
  readonly roles: Entries<unknown>;
  readonly sources: Entries<unknown>;
}

function linkOf(name: string, entry: RoleEntry | undefined, known: Known): Link | { problem: ConfigProblem } {
  if (!entry) return { kind: "broken" };
  const { source, source_role: role } = entry;
  const path = ["roles", name];
  if (source !== undefined && role !== undefined) {
    return { problem: { path: [...path, "source_role"], message: "cannot stand beside source; keep one of the two" } };
  }
  if (source !== undefined) {
    if (known.sources.has(source)) return { kind: "source", source };
    return { problem: unknownSource([...path, "source"], source, known) };
  }
  if (role !== undefined) {
    if (known.roles.has(role)) return { kind: "role", role };
    return { problem: unknownRole([...path, "source_role"], role, known) };
  }
  return {
    problem: {
      path,
      message: "needs source (what signs for it) or source_role (the role it is chained from)",
      at: "key",
    },
  };
}

function unknownSource(path: FieldPath, name: string, { roles, sources }: Known): ConfigProblem {
  const quoted = showValue(name);
  if (roles.has(name)) return { path, message: `${quoted} is a role, not a source; write source_role` };
  return { path, message: `unknown source ${quoted}`, suggest: { given: name, names: [...sources.keys()] } };
}

function unknownRole(path: FieldPath, name: string, { roles, sources }: Known): ConfigProblem {
  const quoted = showValue(name);
  if (sources.has(name)) return { path, message: `${quoted} is a source, not a role; write source` };
  return { path, message: `unknown role ${quoted}`, suggest: { given: name, names: [...roles.keys()] } };
}

/** Parents before children, without recursion: a file can hold a very long chain. Circles are cut and reported. */
function orderByChain(links: Map<string, Link>, problems: ConfigProblem[]): string[] {
  const depths = new Map<string, number>();
  for (const start of links.keys()) {
    const chain = new Set<string>();
    let current = start;
    for (let link = links.get(current); !depths.has(current); link = links.get(current)) {
      if (chain.has(current)) {
        problems.push(cutCircle(links, [...chain].slice([...chain].indexOf(current))));
        break;
      }
      chain.add(current);
      if (link?.kind !== "role") break;
      current = link.role;
    }
    let depth = depths.get(current) ?? 0;
    for (const name of [...chain].reverse()) {
      depths.set(name, ++depth);
      if (depth === MAX_CHAIN + 1) problems.push(cutChain(links, name));
    }
  }
  return [...depths.keys()];
}

function cutCircle(links: Map<string, Link>, circle: readonly string[]): ConfigProblem {
  for (const name of circle) links.set(name, { kind: "broken" });
  const [first = ""] = circle;
  const path = ["roles", first, "source_role"];
  const shown = circle.length > MAX_SHOWN ? [...circle.slice(0, MAX_SHOWN), "…"] : circle;
  return { path, message: `goes round in a circle: ${[...shown, first].join(" → ")}` };
}

function cutChain(links: Map<string, Link>, name: string): ConfigProblem {
  links.set(name, { kind: "broken" });
  return { path: ["roles", name, "source_role"], message: `makes a chain of more than ${MAX_CHAIN} roles` };
}
