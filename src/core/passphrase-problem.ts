const MIN_CHARACTERS = 8;
const MIN_DIFFERENT = 4;

/** Why a new passphrase is not taken, for its owner to read; undefined: it is. One that is in use is not looked at. */
export function passphraseProblem(passphrase: string): string | undefined {
  const characters = Array.from(passphrase.normalize("NFC"));
  if (passphrase.trim() === "") return "the passphrase is empty";
  if (characters.length < MIN_CHARACTERS) {
    return `the passphrase has fewer than ${MIN_CHARACTERS} characters: who gets a copy of the file that it opens can try millions`;
  }
  if (new Set(characters).size >= MIN_DIFFERENT) return undefined;
  return `the passphrase has fewer than ${MIN_DIFFERENT} different characters: it would be guessed at once`;
}
