import type { AsyncEntry, EntryOptions } from "@napi-rs/keyring";
import type { KeychainAnswer, KeychainRequest } from "./ask-keychain-child.js";

const SERVICE = "credbroker";
/** Set explicitly: by default the library falls back to the kernel keyring, which forgets everything at the next boot. */
const STORE: EntryOptions = { linux: { store: "secret-service" } };
const MAX_DETAIL = 200;

/** The part of @napi-rs/keyring that is used; loaded late, because it is native code that may be missing or crash. */
export interface Keyring {
  readonly AsyncEntry: new (service: string, account: string, options: EntryOptions) => AsyncEntry;
  readonly findCredentialsAsync: (service: string) => Promise<unknown>;
}

/**
 * Answers one request, in the child process: every call here may block its thread for ever when a prompt stays
 * unanswered. All errors of the library have one code, so its texts decide.
 */
export async function answerKeychainRequest(
  request: KeychainRequest,
  loadKeyring: () => Promise<Keyring> = () => import("@napi-rs/keyring"),
): Promise<KeychainAnswer> {
  try {
    const keyring = await loadKeyring();
    const entry = new keyring.AsyncEntry(SERVICE, request.account, STORE);
    if (!request.interactive) await assertUnlocked(keyring);
    return await carryOut(request, entry);
  } catch (error) {
    return classify(error);
  }
}

async function carryOut({ operation, key = "" }: KeychainRequest, entry: AsyncEntry): Promise<KeychainAnswer> {
  const bytes = await entry.getSecret();
  switch (operation) {
    case "load":
      return bytes ? { outcome: "found", key: Buffer.from(bytes).toString("base64url") } : { outcome: "absent" };
    case "find":
      return { outcome: bytes ? "exists" : "absent" };
    case "save":
      if (bytes) return { outcome: "exists" };
      await entry.setSecret(Buffer.from(key, "base64url"));
      return { outcome: "saved" };
    case "remove":
      if (!bytes) return { outcome: "absent" };
      await entry.deleteCredential();
      return { outcome: "removed" };
  }
}

/**
 * Reading an item of a locked keyring raises the prompt; listing items does not, it fails with `IsLocked` (measured on
 * gnome-keyring). macOS has no such call: there a locked keychain may show its prompt until the child is killed.
 */
async function assertUnlocked(keyring: Keyring): Promise<void> {
  if (process.platform === "linux") await keyring.findCredentialsAsync(SERVICE);
}

const LOCKED = /locked|dismissed|interaction is not allowed|cancell?ed/i;

function classify(error: unknown): KeychainAnswer {
  const text = error instanceof Error ? error.message : "unknown error";
  const detail = plainReason(text.replace(/\s+/g, " ")).slice(0, MAX_DETAIL);
  return { outcome: LOCKED.test(text) ? "locked" : "unavailable", detail };
}

/** Plain reasons for what libdbus and the keyring's library say. */
const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [
    /autolaunch|DBUS_SESSION_BUS_ADDRESS|Failed to connect to socket/i,
    "there is no session bus (D-Bus) to reach it by",
  ],
  [/org\.freedesktop\.secrets|ServiceUnknown/i, "no keychain program runs in this session"],
];

function plainReason(detail: string): string {
  const known = REASONS.find(([pattern]) => pattern.test(detail));
  return known?.[1] ?? detail.replace(/^(?:Platform failure: )?(?:DBus error: )?/, "");
}
