import type { SigningCredentials } from "../core/credentials.js";
import { toBrokerError } from "../core/errors.js";
import type { KeysSource } from "../core/role.js";
import type { StoredKey } from "../credentials/sources/key-store.js";
import type { ControlServices } from "./control-services.js";

export type RotationParts = Pick<ControlServices, "keys" | "iam" | "clock" | "credentials" | "sessions">;

/**
 * Makes a new access key for the same IAM user, waits until AWS knows it, stores it, and only then deletes the old one:
 * at every step the store holds a key that works. A crash in between leaves a second key in IAM, never none.
 */
export async function rotateKey(
  { keys, iam, clock, credentials, sessions }: RotationParts,
  source: KeysSource,
): Promise<{ readonly key: StoredKey; readonly notes: readonly string[] }> {
  const { name, stsRegion } = source;
  const old = await keys.get(name);
  const withMfa = sessions.peek(name)?.credentials;
  const created = await iam.createAccessKey(withMfa ?? old, stsRegion);
  const { accessKeyId, secretAccessKey } = created;
  const key: StoredKey = { source: name, accessKeyId, secretAccessKey, addedAt: old.addedAt, rotatedAt: clock.now() };
  try {
    await iam.awaitAccessKey(key, stsRegion);
    await keys.put(key);
  } catch (error) {
    await iam.deleteAccessKey(withMfa ?? old, accessKeyId, stsRegion).catch(() => undefined);
    throw error;
  }
  credentials.wake(name);
  const notes = await deleteOld({ iam, signer: withMfa ?? key, old, region: stsRegion });
  return { key, notes };
}

/** The new key is in force already: an old one that stays is a note, not an error. */
async function deleteOld({
  iam,
  signer,
  old,
  region,
}: {
  readonly iam: ControlServices["iam"];
  readonly signer: SigningCredentials;
  readonly old: StoredKey;
  readonly region: string;
}): Promise<string[]> {
  const suffix = old.accessKeyId.slice(-4);
  try {
    await iam.deleteAccessKey(signer, old.accessKeyId, region);
    return [`the old key …${suffix} was deleted`];
  } catch (error) {
    return [
      `the old key …${suffix} could not be deleted (${toBrokerError(error).message}): delete it in the IAM console`,
    ];
  }
}
