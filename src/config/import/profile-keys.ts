import { Secret } from "../../core/secret.js";
import type { AwsProfile, PlacedSetting } from "./aws-profiles.js";

/** What the access keys of a profile are. */
export type KeysKind =
  | { readonly kind: "keys"; readonly accessKeyId: string; readonly secretAccessKey: Secret }
  | { readonly kind: "profile"; readonly because: string }
  | { readonly kind: "refused"; readonly why: string };

/** Two programs would read two values: neither is taken. */
export function refuseReading(name: string, value: string): Extract<KeysKind, { readonly kind: "refused" }> {
  const why = value.includes("\n")
    ? `${name} goes on over several lines`
    : `${name} holds a # or ; that the AWS CLI takes for a part of it and the SDKs for a remark`;
  return { kind: "refused", why };
}

/** A key pairs within one section only: half of one and half of another are no key, whatever stands where. */
export function keysKind({ all }: AwsProfile, file: "credentials" | "config"): KeysKind | undefined {
  const halves = all.filter(({ name, value }) => KEY_NAMES.includes(name) && value !== "");
  const ids = halves.filter((half) => half.name === "aws_access_key_id" && half.file === file);
  // As botocore: a file has a key where it has an id. What is only half a secret is told of at the end.
  const inFile = ids.length > 0 ? halves.filter((half) => half.file === file) : halves;
  const sections = new Set(inFile.map(({ section }) => section));
  if (sections.size === 0 || (ids.length === 0 && (file === "credentials" || hasId(halves)))) return undefined;
  const pairs = [...sections].map((section) => pairIn(all.filter((setting) => setting.section === section)));
  const incomplete = pairs.find(({ id, secret }) => !id || !secret);
  if (incomplete) return { kind: "refused", why: whyHalf(incomplete, halves) };
  return keyOf(pairs.at(-1) ?? {});
}

const KEY_NAMES: readonly string[] = ["aws_access_key_id", "aws_secret_access_key"];
const TOKEN_NAMES: readonly string[] = ["aws_session_token", "aws_security_token"];

interface KeyPair {
  readonly id?: PlacedSetting | undefined;
  readonly secret?: PlacedSetting | undefined;
  readonly token?: PlacedSetting | undefined;
}

/** Of a name that stands twice the last. */
function pairIn(settings: readonly PlacedSetting[]): KeyPair {
  const given = settings.filter(({ value }) => value !== "").reverse();
  return {
    id: given.find(({ name }) => name === "aws_access_key_id"),
    secret: given.find(({ name }) => name === "aws_secret_access_key"),
    token: given.find(({ name }) => TOKEN_NAMES.includes(name)),
  };
}

function hasId(halves: readonly PlacedSetting[]): boolean {
  return halves.some(({ name }) => name === "aws_access_key_id");
}

function whyHalf({ id }: KeyPair, halves: readonly PlacedSetting[]): string {
  const missing = id ? "aws_secret_access_key" : "aws_access_key_id";
  const isElsewhere = halves.some(({ name }) => name === missing);
  const where = isElsewhere ? " in its section: a key pairs only within one, not with that of another" : "";
  return `is half a key: ${missing} is missing${where}`;
}

function keyOf({ id, secret, token }: KeyPair): KeysKind | undefined {
  if (!id || !secret) return undefined;
  const unclear = [id, secret].find(({ value, hasRemark }) => value.includes("\n") || hasRemark);
  if (unclear) return refuseReading(unclear.name, unclear.value);
  if (token !== undefined || id.value.startsWith("ASIA")) {
    return { kind: "profile", because: "temporary keys, which some other program puts into the file" };
  }
  return longTermKey(id.value, secret.value);
}

/** The shapes that the secret store takes (`keys-add`); never quotes them. */
function longTermKey(id: string, secret: string): KeysKind {
  if (!/^[A-Z0-9]{16,128}$/.test(id)) return { kind: "refused", why: "its aws_access_key_id is none" };
  if (!/^[!-~]{16,256}$/.test(secret)) return { kind: "refused", why: "its aws_secret_access_key is none" };
  return { kind: "keys", accessKeyId: id, secretAccessKey: new Secret(secret) };
}
