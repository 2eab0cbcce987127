import { createHash } from "node:crypto";
import type { Role } from "../core/role.js";
import type { TrustPrincipal } from "./trust-principal.js";

/** One statement of a trust policy. */
export interface TrustStatement {
  /** `CredbrokerLocal` and a hash of all the rest. */
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Principal: { readonly AWS: string };
  readonly Action: string | readonly string[];
  readonly Condition?: { readonly ArnLike: { readonly "aws:PrincipalArn": readonly string[] } };
}

/** Before the hash, in every Sid of ours. */
export const SID_PREFIX = "CredbrokerLocal";
const HASH_LENGTH = 12;

/** The statement that lets `via` assume a role. */
export function trustStatement({ arn, arnLike }: TrustPrincipal, via: Role): TrustStatement {
  const rest = {
    Effect: "Allow",
    Principal: { AWS: arn },
    Action: actionsOf(via),
    ...(arnLike === undefined ? {} : { Condition: { ArnLike: { "aws:PrincipalArn": arnLike } } }),
  } as const;
  const hash = createHash("sha256").update(JSON.stringify(rest)).digest("hex").slice(0, HASH_LENGTH);
  return { Sid: SID_PREFIX + hash, ...rest };
}

/** A source identity and transitive tags go along a chain, and each role in it must let them in. */
function actionsOf(via: Role): string | readonly string[] {
  const hops = chainOf(via);
  const more = [
    ...(hops.some(({ assume }) => (assume?.transitiveTagKeys ?? []).length > 0) ? ["sts:TagSession"] : []),
    ...(hops.some(({ assume }) => assume?.sourceIdentity !== undefined) ? ["sts:SetSourceIdentity"] : []),
  ];
  return more.length === 0 ? "sts:AssumeRole" : ["sts:AssumeRole", ...more];
}

function chainOf(role: Role): readonly Role[] {
  return role.origin.kind === "role" ? [role, ...chainOf(role.origin.role)] : [role];
}
