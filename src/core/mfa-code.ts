/** What devices and programs put between the groups of a code, and users paste along: blanks of any kind, dashes. */
const SEPARATORS = /[\s\u2010-\u2015\u2212-]/g;

/** The six digits of `123 456`, `123-456` and the like; undefined: it is no code of an MFA device of AWS (TOTP, RFC 6238). */
export function mfaCodeIn(text: string): string | undefined {
  const digits = text.replaceAll(SEPARATORS, "");
  return /^\d{6}$/.test(digits) ? digits : undefined;
}
