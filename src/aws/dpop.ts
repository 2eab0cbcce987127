import { createPrivateKey, createPublicKey, randomUUID, sign } from "node:crypto";
import type { Secret } from "../core/secret.js";

export interface DpopRequest {
  readonly method: string;
  /** Whole, without a query. */
  readonly url: string;
  /** By AWS's clock, epoch milliseconds. */
  readonly now: number;
}

/** Proof that who sends the request has the key that its token is bound to (RFC 9449 §4.2): ES256, for one request. */
export function dpopProof(key: Secret, { method, url, now }: DpopRequest): string {
  const privateKey = createPrivateKey(key.reveal());
  const { x, y } = createPublicKey(privateKey).export({ format: "jwk" });
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty: "EC", x, y, crv: "P-256" } };
  const claims = { htm: method, htu: url, iat: Math.floor(now / 1000), jti: randomUUID() };
  const signed = `${encoded(header)}.${encoded(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
