import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** One HTTP request as it came over the wire. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as sent, still encoded. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** What the Authorization header claims; nothing of it is proved yet. */
export interface SignatureClaim {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/\s]+)\/(\d{8})\/([^/\s]+)\/([^/\s]+)\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

export function signatureClaim(authorization: string | undefined): SignatureClaim | undefined {
  const match = AUTHORIZATION.exec(authorization ?? "");
  if (!match) return undefined;
  const [, accessKeyId = "", date = "", region = "", service = "", names = "", signature = ""] = match;
  return { accessKeyId, date, region, service, signedHeaders: names.split(";"), signature };
}

/** AWS Signature Version 4, written from its specification and independent of the SDK that it checks. */
export function isSignedWith(secretAccessKey: string, request: SignedRequest, claim: SignatureClaim): boolean {
  if (!claim.signedHeaders.includes("host") || !claim.signedHeaders.includes("x-amz-date")) return false;
  const expected = signature(secretAccessKey, request, claim);
  return timingSafeEqual(Buffer.from(expected), Buffer.from(claim.signature));
}

export function signature(
  secretAccessKey: string,
  request: SignedRequest,
  claim: Omit<SignatureClaim, "signature">,
): string {
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const stringToSign = [
    "AWS4-HMAC-SHA256",
    request.headers["x-amz-date"] ?? "",
    scope,
    sha256(canonicalRequest(request, claim.signedHeaders)),
  ].join("\n");
  const key = scope
    .split("/")
    .reduce(
      (previous: string | Buffer, part) => createHmac("sha256", previous).update(part).digest(),
      `AWS4${secretAccessKey}`,
    );
  return createHmac("sha256", key).update(stringToSign).digest("hex");
}

/** `20260101T000000Z` as epoch milliseconds; NaN for anything else. */
export function amzDate(text: string | undefined): number {
  return Date.parse((text ?? "").replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const [path = "/", query = ""] = request.target.split("?");
  const headers = signedHeaders.map((name) => `${name}:${(request.headers[name] ?? "").trim().replace(/ +/g, " ")}\n`);
  return [
    request.method,
    // Encoded once more than it was sent, as for every service but S3.
    path.split("/").map(encode).join("/"),
    canonicalQuery(query),
    headers.join(""),
    signedHeaders.join(";"),
    sha256(request.body),
  ].join("\n");
}

function canonicalQuery(query: string): string {
  return query
    .split("&")
    .filter(Boolean)
    .map((pair) => {
      const [name = "", value = ""] = pair.split("=");
      return `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(value))}`;
    })
    .sort()
    .join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
