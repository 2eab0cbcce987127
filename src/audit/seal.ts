import { AUDIT_LOGS, type AuditLogName } from "../core/audit-views.js";
import { count, fieldsOf, matching, required } from "../core/json-fields.js";
import { Secret } from "../core/secret.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { ChainHead } from "./chain-file.js";

/** How far each log went when this was sealed; who can change the files cannot change it without the data key. */
export interface Sealed {
  readonly heads: Readonly<Record<AuditLogName, ChainHead>>;
  /** Epoch milliseconds. */
  readonly at: number;
}

const KEY = "audit:head";

/** Rejects with `StoreLocked` while the secret store is closed; undefined: nothing was sealed yet. */
export async function readSeal(secrets: Pick<SecretStore, "get">): Promise<Sealed | undefined> {
  const text = await secrets.get(KEY);
  return text && parseSeal(text.reveal());
}

/** Resolves when it is durable. */
export async function writeSeal(secrets: Pick<SecretStore, "put">, sealed: Sealed): Promise<void> {
  await secrets.put(KEY, new Secret(JSON.stringify(sealed)));
}

/** Sealed by us: what cannot be read is of a newer version, and counts as none. */
function parseSeal(text: string): Sealed | undefined {
  try {
    const fields = fieldsOf(JSON.parse(text), "the seal", ["heads", "at"]);
    const heads = fieldsOf(fields.values.get("heads"), "heads", AUDIT_LOGS);
    const headOf = (log: AuditLogName): ChainHead => {
      const head = fieldsOf(heads.values.get(log), log, ["n", "hash"]);
      return { n: required(head, "n", count), hash: required(head, "hash", matching(/^[0-9a-f]{64}$/)) };
    };
    return { heads: { audit: headOf("audit"), refusals: headOf("refusals") }, at: required(fields, "at", count) };
  } catch {
    return undefined;
  }
}
