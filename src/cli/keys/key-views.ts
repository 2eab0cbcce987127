import type { KeyView } from "../../control-api/contract.js";
import { isoInstant } from "../terminal/when.js";

/** A key as `--json` shows it: never more of it than its id's end. */
export function keyJson({ source, accessKeyIdSuffix, addedAt, rotatedAt }: KeyView): Readonly<Record<string, unknown>> {
  return {
    source,
    access_key_id_suffix: accessKeyIdSuffix,
    added_at: isoInstant(addedAt),
    rotated_at: isoInstant(rotatedAt),
  };
}
