import { realpathSync } from "node:fs";

/** A path for a unit that is started months from now. */
export interface StablePath {
  readonly path: string;
  /** The tool that may take the path away, and when; undefined: it stays. */
  readonly endsWith?: string;
}

/** Each keeps one directory a version: it goes when that version is uninstalled. */
const VERSION_MANAGERS: readonly (readonly [RegExp, string])[] = [
  [/\/\.?nvm\/versions\//, "nvm"],
  [/\/node-versions\/v[^/]+\/installation\//, "fnm"],
  [/\/\.volta\/tools\//, "volta"],
  [/\/asdf\/installs\/|\/\.asdf\/installs\//, "asdf"],
  [/\/mise\/installs\//, "mise"],
  [/\/\.?nodenv\/versions\//, "nodenv"],
  [/\/n\/versions\/node\//, "n"],
];

/**
 * The path under which `path` is found after upgrades and in other shells: links of one shell (fnm) resolved, the versioned
 * directory of Homebrew replaced by its link that follows the newest.
 */
export function stablePath(path: string, resolve: (path: string) => string = realpathSync): StablePath {
  const real = resolved(path, resolve) ?? path;
  const [, brew, formula, rest] = /^(.+)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/.exec(real) ?? [];
  if (brew !== undefined && formula !== undefined && rest !== undefined) {
    const linked = `${brew}/opt/${formula}/${rest}`;
    if (resolved(linked, resolve) === real) return { path: linked };
  }
  if (real.includes("/_npx/")) return { path: real, endsWith: "npx, when its cache is cleared" };
  const found = VERSION_MANAGERS.find(([pattern]) => pattern.test(real));
  return { path: real, ...(found && { endsWith: `${found[1]}, when that version is uninstalled` }) };
}

function resolved(path: string, resolve: (path: string) => string): string | undefined {
  try {
    return resolve(path);
  } catch {
    return undefined;
  }
}
