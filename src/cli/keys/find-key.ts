import type { KeyView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import type { CliContext } from "../context.js";
import { isoInstant } from "../terminal/when.js";

/** The key of a source, to be named in the question before it is changed. */
export async function findKey(source: string, { client }: CliContext): Promise<KeyView> {
  const { keys } = await client.call("keys-list", {});
  const found = keys.find((key) => key.source === source);
  if (found) return found;
  const near = nearestName(
    source,
    keys.map((key) => key.source),
  );
  throw new BrokerError("SourceUnknown", `there is no key for the source '${source}'`, {
    hint: near === undefined ? "brokerctl keys list" : `did you mean ${near}?`,
  });
}

/** A key as `--json` shows it: never more of it than its id's end. */
export function keyJson({ source, accessKeyIdSuffix, addedAt, rotatedAt }: KeyView): Readonly<Record<string, unknown>> {
  return {
    source,
    access_key_id_suffix: accessKeyIdSuffix,
    added_at: isoInstant(addedAt),
    rotated_at: isoInstant(rotatedAt),
  };
}
