import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.js";
import type { Role } from "./role.js";

/**
 * SHA-256, hex, over everything that decides which credentials a role yields, down to its source. The source's name
 * is in it (its key is looked up by it), and the STS regions: a holder of the digest calls the endpoint that the
 * config named then, so a corrected region must be a new definition. The role's own name and the region that clients are
 * given are not, nor its guard (see `grantDigest`).
 */
export function roleDigest({ origin, assume, scoped, sso, stsRegion }: Omit<Role, "digest">): string {
  const definition = {
    // a parent's digest stands for all that is beyond it
    origin: origin.kind === "source" ? { source: origin.source } : { role: origin.role.digest },
    assume:
      assume === undefined
        ? undefined
        : {
            ...assume,
            policyArns: assume.policyArns?.toSorted(),
            transitiveTagKeys: assume.transitiveTagKeys?.toSorted(),
          },
    scoped,
    sso,
    stsRegion,
  };
  return createHash("sha256").update(canonicalJson(definition)).digest("hex");
}
