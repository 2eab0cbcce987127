import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

export interface TlsIdentity {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

export interface CertificateAuthority {
  /** PEM, to be trusted. */
  readonly cert: string;
  /** A server certificate for these names and IPv4 addresses. */
  issue(hosts: readonly string[], validity?: Validity): TlsIdentity;
}

interface Validity {
  readonly from: Date;
  readonly until: Date;
}

const YEAR_MS = 365 * 24 * 60 * 60_000;

/** A throw-away certificate authority, made with node:crypto alone: tests need nothing but npm. */
export function certificateAuthority(name = "credbroker test authority"): CertificateAuthority {
  const authority = { name, keys: keyPair() };
  const extensions = [extension("2.5.29.19", sequence(boolean(true)), true)];
  const cert = certificate({
    subject: name,
    publicKey: authority.keys.publicKey,
    authority,
    extensions,
    validity: validNow(),
  });
  return {
    cert,
    issue(hosts, validity = validNow()) {
      const { publicKey, privateKey } = keyPair();
      const names = [extension("2.5.29.17", sequence(...hosts.map(alternativeName)), false)];
      const subject = hosts[0] ?? "server";
      const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      return { key, cert: certificate({ subject, publicKey, authority, extensions: names, validity }) };
    },
  };
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface CertificateInput {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly authority: { readonly name: string; readonly keys: KeyPair };
  readonly extensions: readonly Buffer[];
  readonly validity: Validity;
}

/** X.509 v3 (RFC 5280 §4.1), signed with ECDSA and SHA-256. */
function certificate({ subject, publicKey, authority, extensions, validity }: CertificateInput): string {
  const algorithm = sequence(objectId("1.2.840.10045.4.3.2"));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(authority.name),
    sequence(time(validity.from), time(validity.until)),
    distinguishedName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...extensions)),
  );
  const der = sequence(body, algorithm, bitString(sign("sha256", body, authority.keys.privateKey)));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function keyPair(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function validNow(): Validity {
  return { from: new Date(Date.now() - YEAR_MS), until: new Date(Date.now() + YEAR_MS) };
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId("2.5.4.3"), tagged(0x0c, Buffer.from(commonName)))));
}

function alternativeName(host: string): Buffer {
  if (isIP(host) === 4) return tagged(0x87, Buffer.from(host.split(".").map(Number)));
  return tagged(0x82, Buffer.from(host));
}

function extension(id: string, value: Buffer, isCritical: boolean): Buffer {
  return sequence(objectId(id), ...(isCritical ? [boolean(true)] : []), tagged(0x04, value));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

/** GeneralizedTime: years from 2050 on work too. */
function time(date: Date): Buffer {
  const isUtc = date.getUTCFullYear() < 2050;
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return tagged(isUtc ? 0x17 : 0x18, Buffer.from(isUtc ? digits.slice(2) : digits));
}

function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

/** One DER element: tag, length, content. */
function tagged(tag: number, content: Buffer): Buffer {
  const length = content.length;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
