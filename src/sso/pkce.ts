import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { Secret } from "../core/secret.js";

/** Proof that who redeems a code is who asked for it (RFC 7636, S256), and that the answer belongs to our question. */
export interface Pkce {
  /** 64 characters of base64url. */
  readonly verifier: Secret;
  readonly challenge: string;
  /** 43 characters of base64url (RFC 6749 §10.12). */
  readonly state: Secret;
}

export function newPkce(): Pkce {
  const verifier = randomBytes(48).toString("base64url");
  return {
    verifier: new Secret(verifier),
    challenge: sha256(verifier).toString("base64url"),
    state: new Secret(randomBytes(32).toString("base64url")),
  };
}

/** In constant time: hashes are of one length whatever came. */
export function isSameState(state: Secret, given: string): boolean {
  return timingSafeEqual(sha256(state.reveal()), sha256(given));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
