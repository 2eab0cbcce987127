const PLAIN = /^[A-Za-z0-9_./:@%+=,-]+$/;

/** `text` as one word of a POSIX shell: as it is where that is safe, else in single quotes. */
export function shellQuote(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
