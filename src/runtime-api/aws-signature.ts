import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { HeaderFields } from "../core/header-fields.js";
import type { Secret } from "../core/secret.js";

/** An HTTP request as far as AWS's Signature Version 4 covers it. */
export interface SignedCall {
  readonly method: string;
  /** Path and query as sent, still encoded. */
  readonly target: string;
  readonly fields: HeaderFields;
  readonly body: Buffer;
}

/** What an Authorization field claims; nothing of it is proved. */
export interface SignatureClaim {
  readonly accessKeyId: string;
  /** `20261129`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedFields: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const END = "aws4_request";
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(?<accessKeyId>[^/\s]{1,128})\/(?<date>\d{8})\/(?<region>[^/\s]{1,64})\/(?<service>[^/\s]{1,64})\/aws4_request, ?SignedHeaders=(?<names>[^,\s]+), ?Signature=(?<signature>[0-9a-f]{64})$/;
const MUST_BE_SIGNED = ["host", "x-amz-date"];

/** undefined: the call is not signed, or in another way. */
export function signatureClaim({ fields }: Pick<SignedCall, "fields">): SignatureClaim | undefined {
  const [authorization = "", ...more] = fields["authorization"] ?? [];
  const found = more.length === 0 ? AUTHORIZATION.exec(authorization)?.groups : undefined;
  if (!found) return undefined;
  const { names, ...claim } = found as Readonly<Record<"names" | keyof Omit<SignatureClaim, "signedFields">, string>>;
  return { ...claim, signedFields: names.split(";") };
}

/** Whether who made the call has that secret key; in constant time. */
export function isSignedWith(secretAccessKey: Secret, call: SignedCall, claim: SignatureClaim): boolean {
  if (MUST_BE_SIGNED.some((name) => !claim.signedFields.includes(name))) return false;
  const expected = signatureOf(secretAccessKey, call, claim);
  return timingSafeEqual(Buffer.from(expected, "hex"), Buffer.from(claim.signature, "hex"));
}

/** The Authorization field of a call by those keys. */
export function authorization(
  { accessKeyId, secretAccessKey }: { readonly accessKeyId: string; readonly secretAccessKey: Secret },
  call: SignedCall,
  { date, region, service, signedFields }: Omit<SignatureClaim, "accessKeyId" | "signature">,
): string {
  const claim = { accessKeyId, date, region, service, signedFields: signedFields.toSorted() };
  const credential = [accessKeyId, date, region, service, END].join("/");
  const signature = signatureOf(secretAccessKey, call, claim);
  return `${ALGORITHM} Credential=${credential}, SignedHeaders=${claim.signedFields.join(";")}, Signature=${signature}`;
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf(secret: Secret, call: SignedCall, claim: Omit<SignatureClaim, "signature">): string {
  const scope = [claim.date, claim.region, claim.service, END];
  const [when = ""] = call.fields["x-amz-date"] ?? [];
  const text = [ALGORITHM, when, scope.join("/"), sha256(canonicalCall(call, claim.signedFields))].join("\n");
  const key = scope.reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${secret.reveal()}`);
  return hmac(key, text).toString("hex");
}

const UNSIGNED = "UNSIGNED-PAYLOAD";

function canonicalCall({ method, target, fields, body }: SignedCall, signedFields: readonly string[]): string {
  const at = target.indexOf("?");
  const [path, query] = at < 0 ? [target, ""] : [target.slice(0, at), target.slice(at + 1)];
  const lines = signedFields.map((name) => {
    const values = (fields[name] ?? []).map((value) => value.trim().replaceAll(/ +/g, " "));
    return `${name}:${values.join(",")}\n`;
  });
  const isBodySigned = fields["x-amz-content-sha256"]?.[0] !== UNSIGNED;
  return [
    method,
    // Encoded once more than it was sent, as for every service but S3.
    path.split("/").map(encoded).join("/"),
    canonicalQuery(query),
    lines.join(""),
    signedFields.join(";"),
    isBodySigned ? sha256(body) : UNSIGNED,
  ].join("\n");
}

function canonicalQuery(query: string): string {
  const pairs = query.split("&").filter((pair) => pair !== "");
  const parts = pairs.map((pair) => {
    const at = pair.indexOf("=");
    const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    return [encoded(decoded(name)), encoded(decoded(value))] as const;
  });
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return parts
    .toSorted(([a, x], [b, y]) => order(a, b) || order(x, y))
    .map((part) => part.join("="))
    .join("&");
}

/** As it is where that is no encoding: such a call has a signature that nothing matches. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
