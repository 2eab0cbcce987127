import { BrokerError } from "../../core/errors.js";

/** A secret access key is 40 characters of base64; digests and paths of that length are not mistaken for one. */
const SECRET_KEY_PATTERN = /^[A-Za-z0-9/+]{40}$/;
const SECRET_FLAGS: readonly string[] = [
  "secret",
  "secret-access-key",
  "secret-key",
  "passphrase",
  "mfa-code",
  "session-token",
];

export function looksSecret(value: string): boolean {
  return SECRET_KEY_PATTERN.test(value) && /[A-Z]/.test(value) && /[a-z]/.test(value) && !value.startsWith("/");
}

/** `flag`: as typed, or what the value is. Throws for a flag that would carry a secret and for a value that looks like one; never repeats the value. */
export function refuseSecretArgument(flag: string, value: string | boolean | undefined): void {
  const named = SECRET_FLAGS.includes(flag.replace(/^--/, ""));
  if (!named && !(typeof value === "string" && looksSecret(value))) return;
  const what = named ? `${flag} does not exist` : `${flag} looks like a secret access key and is refused`;
  throw new BrokerError(
    "UsageInvalid",
    `${what}: arguments are seen by every program of this user and stay in the shell's history`,
    {
      hint: "type it at the prompt, or pipe it in: --secret-stdin, --passphrase-stdin, --mfa-code-stdin; then delete it from the history",
    },
  );
}
