import { tokenInAuthorization } from "../core/lease.js";

/** All paths that there are; matched against the raw target, so that nothing is reached by another spelling. */
export const ENDPOINT_PATHS = /^\/(?:creds|healthz|lease\/brk_[A-Za-z0-9_-]{43})$/;

const LEASE = "/lease/";

/**
 * The token that a request carries whose target is one of `ENDPOINT_PATHS`. A leftover AWS_CONTAINER_AUTHORIZATION_TOKEN
 * sends a header with the path form too: the path decides.
 */
export function leaseTokenOf(target: string, authorization: string | undefined): string | undefined {
  if (target.startsWith(LEASE)) return target.slice(LEASE.length);
  return target === "/creds" ? tokenInAuthorization(authorization) : undefined;
}
