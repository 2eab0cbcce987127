import { NAME_PATTERN } from "../../core/role.js";

const MAX_LENGTH = 128;
/** What the config's reader refuses as a key. */
const FORBIDDEN: readonly string[] = ["constructor", "prototype"];

/**
 * For each name of AWS's one of ours, in the same order: itself where it can be, else its letters that we take; what would
 * come twice gets `-2`. The same names always give the same answer, so that a second import finds the first.
 */
export function importNames(wanted: readonly string[]): readonly string[] {
  const used = new Set<string>();
  const take = (name: string): string => {
    used.add(name);
    return name;
  };
  // Those that can stay as they are come first, so that no other profile takes their name.
  const exact = wanted.map((name) => (isFine(name) && !used.has(name) ? take(name) : undefined));
  return wanted.map((name, index) => exact[index] ?? take(freeName(allowedLetters(name), used)));
}

function isFine(name: string): boolean {
  return NAME_PATTERN.test(name) && !FORBIDDEN.includes(name);
}

function allowedLetters(name: string): string {
  const plain = name.normalize("NFKD").replaceAll(/\p{M}/gu, "");
  const letters = plain.replaceAll(/[^A-Za-z0-9._/@+-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return letters.slice(0, MAX_LENGTH).replace(/-+$/, "") || "profile";
}

function freeName(wanted: string, used: ReadonlySet<string>): string {
  let name = wanted;
  for (let count = 2; used.has(name) || FORBIDDEN.includes(name); count++) {
    const suffix = `-${count}`;
    name = wanted.slice(0, MAX_LENGTH - suffix.length) + suffix;
  }
  return name;
}
