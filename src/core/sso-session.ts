import { createHash } from "node:crypto";
import type { SsoSource } from "./role.js";
import { canonicalStartUrl, spellingsOfStartUrl } from "./start-url.js";

/** What one login is for: an Identity Center instance and what is asked of it. Sources that agree in all share it. */
export interface SsoSession {
  /** Stable over restarts; names the session's entries in the secret store. */
  readonly id: string;
  /** Ids that other spellings of the start URL had when each was a session of its own: entries may still have them. */
  readonly formerIds: readonly string[];
  /** In its canonical spelling. */
  readonly startUrl: string;
  readonly region: string;
  readonly scopes: readonly string[];
}

/** The session that a source logs in to. */
export function sessionOf({
  startUrl,
  ssoRegion,
  registrationScopes,
}: Pick<SsoSource, "startUrl" | "ssoRegion" | "registrationScopes">): SsoSession {
  const scopes = registrationScopes.toSorted();
  const idOf = (url: string): string =>
    createHash("sha256")
      .update(JSON.stringify([url, ssoRegion, scopes]))
      .digest("hex")
      .slice(0, 32);
  const canonical = canonicalStartUrl(startUrl);
  const id = idOf(canonical);
  const formerIds = spellingsOfStartUrl(startUrl)
    .map(idOf)
    .filter((former) => former !== id);
  return { id, formerIds, startUrl: canonical, region: ssoRegion, scopes };
}
