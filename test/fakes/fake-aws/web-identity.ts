import { createHmac, randomBytes } from "node:crypto";
import { CANARY } from "../../support/canaries.js";
import type { Authenticated } from "./authenticate.js";
import { AwsRefusal, accessDenied } from "./aws-refusal.js";
import type { SignedRequest } from "./sigv4.js";
import type { Parameters } from "./sts-actions.js";

/** Who a web identity token speaks of. */
export interface WebIdentity {
  readonly subject: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** The one call of STS that is not signed: its token proves who calls. */
export function isWebIdentityCall(request: SignedRequest, { Action }: Parameters): boolean {
  return Action === "AssumeRoleWithWebIdentity" && request.headers["authorization"] === undefined;
}

/** Stands where a signer would. */
export const ANONYMOUS: Authenticated = {
  principal: {
    kind: "user",
    accessKeyId: "",
    secretAccessKey: "",
    arn: "anonymous",
    userId: "anonymous",
    account: "",
    mfa: false,
    isActive: true,
  },
  claim: { accessKeyId: "", date: "", region: "", service: "sts", signedHeaders: [], signature: "" },
};

/** An OIDC provider that AWS trusts: issues tokens, and knows its own again. Its signature begins with the canary. */
export class WebIdentities {
  readonly #key = randomBytes(32);

  issue({ subject, expiresAt }: WebIdentity): string {
    const claims = { iss: "https://oidc.example.com", sub: subject, aud: "sts.amazonaws.com", exp: expiresAt / 1000 };
    const head = [{ alg: "HS256", typ: "JWT" }, claims].map(encode).join(".");
    return `${head}.${this.#sign(head)}`;
  }

  /** Refuses as AWS does. */
  verify(token: string, now: number): WebIdentity {
    const [header = "", claims = "", signature = ""] = token.split(".");
    if (signature !== this.#sign(`${header}.${claims}`)) {
      throw new AwsRefusal("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider");
    }
    const { sub, exp } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { sub: string; exp: number };
    if (exp * 1000 <= now) {
      const [current, end] = [now, exp * 1000].map((instant) => new Date(instant).toISOString());
      throw new AwsRefusal(
        "ExpiredTokenException",
        `Token expired: current date/time ${current} must be before the expiration date/time ${end}`,
      );
    }
    return { subject: sub, expiresAt: exp * 1000 };
  }

  #sign(text: string): string {
    return CANARY + createHmac("sha256", this.#key).update(text).digest("base64url");
  }
}

export function notTrusted(): AwsRefusal {
  return accessDenied("Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
