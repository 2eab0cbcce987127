import { AwsRefusal } from "./aws-refusal.js";
import type { Principal, Principals } from "./principals.js";
import { amzDate, isSignedWith, type SignatureClaim, type SignedRequest, signatureClaim } from "./sigv4.js";

/** AWS's own tolerance. */
const MAX_SKEW_MS = 15 * 60_000;
const SERVICES = ["sts", "iam", "lambda", "cloudformation", "ecs"];

export interface Authenticated {
  readonly principal: Principal;
  readonly claim: SignatureClaim;
}

/** Who signed this request, proved; refuses with AWS's own codes. */
export function authenticate(request: SignedRequest, principals: Principals, now: number): Authenticated {
  const claim = signatureClaim(request.headers["authorization"]);
  if (!claim) throw refusal("MissingAuthenticationToken", "Request is missing Authentication Token");
  const principal = principals.find(claim.accessKeyId);
  if (!principal?.isActive) throw tokenInvalid();
  checkScope(request, claim, now);
  if (!isSignedWith(principal.secretAccessKey, request, claim)) {
    throw refusal(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    );
  }
  const token = request.headers["x-amz-security-token"];
  if (token !== principal.sessionToken) throw tokenInvalid();
  if (token !== undefined && !claim.signedHeaders.includes("x-amz-security-token")) throw tokenInvalid();
  if (principal.expiration !== undefined && now >= principal.expiration) {
    throw refusal("ExpiredToken", "The security token included in the request is expired");
  }
  return { principal, claim };
}

function checkScope(request: SignedRequest, claim: SignatureClaim, now: number): void {
  const sent = request.headers["x-amz-date"];
  const signedAt = amzDate(sent);
  if (Number.isNaN(signedAt) || !sent?.startsWith(claim.date)) {
    throw refusal(
      "SignatureDoesNotMatch",
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
    );
  }
  if (!SERVICES.includes(claim.service) || !/^[a-z]{2,}(-[a-z]+)+-\d$/.test(claim.region)) {
    throw refusal("SignatureDoesNotMatch", "Credential should be scoped to a valid region and service.");
  }
  if (signedAt < now - MAX_SKEW_MS) {
    throw refusal(
      "SignatureDoesNotMatch",
      `Signature expired: ${sent} is now earlier than ${stamp(now - MAX_SKEW_MS)} (${stamp(now)} - 15 min.)`,
    );
  }
  if (signedAt > now + MAX_SKEW_MS) {
    throw refusal(
      "SignatureDoesNotMatch",
      `Signature not yet current: ${sent} is still later than ${stamp(now + MAX_SKEW_MS)} (${stamp(now)} + 15 min.)`,
    );
  }
}

function tokenInvalid(): AwsRefusal {
  return refusal("InvalidClientTokenId", "The security token included in the request is invalid.");
}

function refusal(code: string, message: string): AwsRefusal {
  return new AwsRefusal(code, message, { status: 403 });
}

function stamp(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, "");
}
