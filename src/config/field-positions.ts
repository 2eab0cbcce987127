import type { FieldPath } from "./check/config-problem.js";

/** Where one entry of a map or list stands in the text, in characters from its start. */
export interface FieldPosition {
  readonly key: number;
  readonly value: number;
  /** A scalar as it was written, where that may differ from what was read: `012` is the number 12. */
  readonly written?: string;
}

/** Remembers where each field stood in the YAML text, so that problems found in plain values can be pointed at. */
export class FieldPositions {
  readonly #entries = new WeakMap<object, Map<string | number, FieldPosition>>();

  record(container: object, segment: string | number, position: FieldPosition): void {
    const known = this.#entries.get(container);
    if (known) known.set(segment, position);
    else this.#entries.set(container, new Map([[segment, position]]));
  }

  /** The position of the field, or of the innermost field around it that is in the text; undefined: not even that. */
  find(root: unknown, path: FieldPath): FieldPosition | undefined {
    let container = root;
    let found: FieldPosition | undefined;
    for (const segment of path) {
      const position = isContainer(container) ? this.#entries.get(container)?.get(segment) : undefined;
      if (!position) return found === undefined ? undefined : { key: found.key, value: found.key };
      found = position;
      container = entryOf(container, segment);
    }
    return found;
  }

  /** How the scalar at this path was written, where that is known to matter. */
  writtenAt(root: unknown, path: FieldPath): string | undefined {
    const parent = valueAt(root, path.slice(0, -1));
    const last = path.at(-1);
    if (last === undefined || !isContainer(parent)) return undefined;
    return this.#entries.get(parent)?.get(last)?.written;
  }
}

/** The plain value at a path; undefined where it leads nowhere. */
export function valueAt(root: unknown, path: FieldPath): unknown {
  return path.reduce(entryOf, root);
}

function entryOf(container: unknown, segment: string | number): unknown {
  if (!isContainer(container) || !Object.hasOwn(container, segment)) return undefined;
  return (container as Record<string | number, unknown>)[segment];
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
