import type { Request } from "express";
import { BrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import type { LeaseLookup } from "../leases/lease-state.js";

/** The token as it is, or after a scheme: SDKs send the variable's value verbatim, people write `Bearer` before it. */
const AUTHORIZATION = /^(?:bearer +)?(\S+)$/i;

/**
 * The live lease whose token the request carries, in its path or in `Authorization`. The token is looked up by its
 * SHA-256, so that no comparison runs over the secret and its time tells nothing. Throws LeaseUnknown or LeaseEnded.
 */
export function requireLease(request: Request, leases: LeaseLookup): Lease {
  const inPath = request.params["token"];
  // A leftover AWS_CONTAINER_AUTHORIZATION_TOKEN sends a header with the path form too: the path decides.
  const token = typeof inPath === "string" ? inPath : AUTHORIZATION.exec(request.headers.authorization ?? "")?.[1];
  if (token !== undefined) return leases.resolve(token);
  throw new BrokerError("LeaseUnknown", "the request has no lease token in Authorization", {
    hint: 'eval "$(brokerctl env --as header)"',
  });
}
