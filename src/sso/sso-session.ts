import { createHash } from "node:crypto";
import type { SsoSource } from "../core/role.js";

/** What one login is for: an Identity Center instance and what is asked of it. Sources that agree in all share it. */
export interface SsoSession {
  /** Stable over restarts; names the session's entries in the secret store. */
  readonly id: string;
  readonly startUrl: string;
  readonly region: string;
  readonly scopes: readonly string[];
}

export function sessionOf({
  startUrl,
  ssoRegion,
  registrationScopes,
}: Pick<SsoSource, "startUrl" | "ssoRegion" | "registrationScopes">): SsoSession {
  const scopes = registrationScopes.toSorted();
  const id = createHash("sha256")
    .update(JSON.stringify([startUrl, ssoRegion, scopes]))
    .digest("hex")
    .slice(0, 32);
  return { id, startUrl, region: ssoRegion, scopes };
}
