import { createHash, createPublicKey, type JsonWebKey, verify } from "node:crypto";

/** A proof is for this moment: clocks may differ by so much. */
const SKEW_MS = 5 * 60_000;

export interface DpopRequest {
  readonly proof: string | undefined;
  readonly method: string;
  /** The whole URL that the client called. */
  readonly url: string;
  readonly now: number;
}

interface Proof {
  readonly header: { readonly typ?: unknown; readonly alg?: unknown; readonly jwk?: JsonWebKey };
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: string;
  readonly signature: Buffer;
}

/** Proofs of possession (RFC 9449 §4.3): each is checked, and taken once. */
export class DpopProofs {
  readonly #seen = new Set<string>();

  /** The thumbprint (RFC 7638) of the key that signed; undefined: the proof is not right. */
  thumbprintOf({ proof, method, url, now }: DpopRequest): string | undefined {
    const parsed = parsedProof(proof);
    if (!parsed) return undefined;
    const { header, claims, signed, signature } = parsed;
    const { jwk } = header;
    if (header.typ !== "dpop+jwt" || header.alg !== "ES256" || jwk?.kty !== "EC" || jwk.crv !== "P-256")
      return undefined;
    if ("d" in jwk) return undefined;
    const key = createPublicKey({ key: jwk, format: "jwk" });
    if (!verify("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }, signature)) return undefined;
    const { htm, htu, iat, jti } = claims;
    const isFresh = typeof iat === "number" && Math.abs(now - iat * 1000) <= SKEW_MS;
    if (htm !== method || htu !== url || !isFresh || typeof jti !== "string" || this.#seen.has(jti)) return undefined;
    this.#seen.add(jti);
    const { x = "", y = "" } = jwk;
    return createHash("sha256")
      .update(JSON.stringify({ crv: "P-256", kty: "EC", x, y }))
      .digest("base64url");
  }
}

function parsedProof(text: string | undefined): Proof | undefined {
  try {
    const [header = "", claims = "", signature = ""] = (text ?? "").split(".");
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
    return {
      header: read(header) as Proof["header"],
      claims: read(claims) as Proof["claims"],
      signed: `${header}.${claims}`,
      signature: Buffer.from(signature, "base64url"),
    };
  } catch {
    return undefined;
  }
}
