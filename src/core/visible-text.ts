/**
 * What a terminal obeys or hides: control characters; format characters, which turn the direction of what follows (bidi),
 * or have no width (zero width, soft hyphen, tags); fillers; line and paragraph separators; halves of a character.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/** Text of others (AWS, a config, a program) for a terminal or a message: what cannot be seen is a `?`; lines and tabs stay. */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, (unseen) => (unseen === "\n" || unseen === "\t" ? unseen : "?"));
}

/** The text with what cannot be seen spelled out, `\\u202e`, but for the characters in `kept`. JSON means the same as before. */
export function spellUnseen(text: string, kept = ""): string {
  return text.replace(UNSEEN, (unseen) => (kept.includes(unseen) ? unseen : unseen.split("").map(spelled).join("")));
}

function spelled(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
