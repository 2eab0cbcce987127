const PLAIN = /^[A-Za-z0-9_./:@%+=,-]+$/;

/** `text` as one word of a POSIX shell: as it is where that is safe, else in single quotes. */
export function shellQuote(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * What stays as it is, in single quotes, when a shell splits the unquoted output of a command into words, takes them for
 * file patterns and puts them together with single blanks, as `eval $(…)` does.
 */
const STEADY = /^(?:[A-Za-z0-9_./:@%+=,\u{a1}-\u{10ffff}-]| (?! ))*$/u;
const UNSTEADY_CHARACTERS = /[^A-Za-z0-9_./:@%+=,\u{a1}-\u{10ffff}-]/gu;

/** `text` as one word that means itself also below `eval $(…)` without quotes; it must not end with a line break. */
export function steadyWord(text: string): string {
  return STEADY.test(text) ? `'${text}'` : `"$(printf %b '${printfEscapes(text)}')"`;
}

/** One line of statements for an exported variable, right also below `eval $(…)` without quotes. */
export function steadyExport(name: string, value: string): string {
  if (STEADY.test(value)) return `export ${name}='${value}';`;
  // Without the point a shell would cut line breaks off at the end.
  return `${name}="$(printf %b '${printfEscapes(value)}.')"; export ${name}="\${${name}%.}";`;
}

/** As `printf %b` reads it: POSIX has no other escape in which every shell agrees, dash included. */
export function printfEscapes(text: string): string {
  return text.replace(UNSTEADY_CHARACTERS, (found) =>
    [...Buffer.from(found)].map((byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join(""),
  );
}
