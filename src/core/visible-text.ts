/**
 * What a terminal obeys or hides: control characters; format characters, which turn the direction of what follows (bidi),
 * or have no width (zero width, soft hyphen, tags); fillers; line and paragraph separators; halves of a character.
 */
const UNSEEN = "[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Default_Ignorable_Code_Point}]";
/** Made by the first text that may hold some of it: that takes a millisecond, and most of what is printed is ASCII. */
let unseen: RegExp | undefined;

/** Text of others (AWS, a config, a program) for a terminal or a message: what cannot be seen is a `?`; lines and tabs stay. */
export function visibleText(text: string): string {
  return replaceUnseen(text, "\n\t", () => "?");
}

/** The text with what cannot be seen spelled out, `\\u202e`, but for the characters in `kept`. JSON means the same as before. */
export function spellUnseen(text: string, kept = ""): string {
  return replaceUnseen(text, kept, (found) => found.split("").map(spelled).join(""));
}

function replaceUnseen(text: string, kept: string, replacement: (found: string) => string): string {
  if (/^[\n -~]*$/.test(text) && (kept.includes("\n") || !text.includes("\n"))) return text;
  unseen ??= new RegExp(UNSEEN, "gu");
  return text.replace(unseen, (found) => (kept.includes(found) ? found : replacement(found)));
}

function spelled(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
