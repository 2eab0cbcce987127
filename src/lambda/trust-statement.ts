import { createHash } from "node:crypto";
import type { Role } from "../core/role.js";
import type { TrustPrincipal } from "./trust-principal.js";

/** What a statement of ours says, but for its Sid. */
export interface TrustContent {
  readonly Effect: "Allow";
  readonly Principal: { readonly AWS: string };
  readonly Action: string | readonly string[];
  readonly Condition?: {
    readonly ArnLike?: { readonly "aws:PrincipalArn": readonly string[] };
    readonly StringEquals?: { readonly "sts:RoleSessionName": string };
    readonly DateLessThan?: { readonly "aws:CurrentTime": string };
  };
}

/** One statement of a trust policy. */
export interface TrustStatement extends TrustContent {
  /** `CredbrokerLocal`, who wrote it and when, and a hash of all that it says but its end. */
  readonly Sid: string;
}

/** What is wanted in a trust policy, and by what a statement there is known as ours. */
export interface TrustWish {
  readonly statement: TrustStatement;
  /**
   * By the hash in their Sids, what statements of ours on this role and principal may say, their end left out: with the session's name
   * or without, and with what the principal's definition carried along before.
   */
  readonly own: ReadonlyMap<string, TrustContent>;
  /** Epoch milliseconds: what ended before lets in no one. */
  readonly now: number;
}

export interface TrustTerms {
  /** What sessions on the role are called here. */
  readonly sessionName: string;
  /** Whether only sessions of that name are let in. */
  readonly ownSession: boolean;
  /** Epoch milliseconds; undefined: until it is removed. */
  readonly until: number | undefined;
  /** Who writes it. */
  readonly user: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Before all else, in every Sid of ours. */
export const SID_PREFIX = "CredbrokerLocal";
const HASH_LENGTH = 12;
/** Those of 0.1.0 and before name neither who nor when. */
const SID = new RegExp(String.raw`^${SID_PREFIX}(?:[A-Za-z0-9]*\d{8}T\d{4}Z)?([0-9a-f]{${HASH_LENGTH}})$`);

/** The hash in a Sid of ours; undefined: it is none. */
export function hashInSid(sid: unknown): string | undefined {
  return typeof sid === "string" ? SID.exec(sid)?.[1] : undefined;
}

/** The statement that lets `via` assume a role, and what else of ours may stand there in its place. */
export function trustWish(principal: TrustPrincipal, via: Role, terms: TrustTerms): TrustWish {
  const { sessionName, ownSession, until, now } = terms;
  const names = [undefined, sessionName];
  const contents = actionsEver().flatMap((actions) => names.map((name) => contentOf(principal, actions, name)));
  const content = contentOf(principal, actionsOf(via), ownSession ? sessionName : undefined);
  const hash = hashOf(content);
  return {
    statement: { Sid: `${SID_PREFIX}${signature(terms)}${hash}`, ...withEnd(content, until) },
    own: new Map([...contents, content].map((one) => [hashOf(one), one])),
    now,
  };
}

/** What lets `via` assume a role, with no end and for sessions of any name. */
export function trustContent(principal: TrustPrincipal, via: Role): TrustContent {
  return contentOf(principal, actionsOf(via), undefined);
}

function contentOf(
  { arn, arnLike }: TrustPrincipal,
  actions: readonly string[],
  sessionName: string | undefined,
): TrustContent {
  const [only, ...more] = actions;
  const condition = {
    ...(arnLike && { ArnLike: { "aws:PrincipalArn": arnLike } }),
    ...(sessionName !== undefined && { StringEquals: { "sts:RoleSessionName": sessionName } }),
  };
  return {
    Effect: "Allow",
    Principal: { AWS: arn },
    Action: only !== undefined && more.length === 0 ? only : actions,
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  };
}

/** The key order is a part of it: what older versions wrote is found by it. */
function hashOf(content: TrustContent): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, HASH_LENGTH);
}

function withEnd(content: TrustContent, until: number | undefined): TrustContent {
  if (until === undefined) return content;
  const end = { DateLessThan: { "aws:CurrentTime": secondsText(until) } };
  return { ...content, Condition: { ...content.Condition, ...end } };
}

/** IAM's date conditions take ISO 8601; whole seconds. */
function secondsText(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

const MAX_WHO = 32;

/** Who and when, as a Sid can hold it: IAM takes ASCII letters and digits alone (IAM User Guide, "JSON policy elements: Sid"). */
function signature({ user, now }: TrustTerms): string {
  const who = user.replaceAll(/[^A-Za-z0-9]/g, "").slice(0, MAX_WHO);
  return `${who.slice(0, 1).toUpperCase()}${who.slice(1)}${new Date(now).toISOString().slice(0, 16).replaceAll(/[-:]/g, "")}Z`;
}

const ASSUME = "sts:AssumeRole";
const TAG = "sts:TagSession";
const IDENTIFY = "sts:SetSourceIdentity";

/** A source identity and transitive tags go along a chain, and each role in it must let them in. */
function actionsOf(via: Role): readonly string[] {
  const hops = chainOf(via);
  return [
    ASSUME,
    ...(hops.some(({ assume }) => (assume?.transitiveTagKeys ?? []).length > 0) ? [TAG] : []),
    ...(hops.some(({ assume }) => assume?.sourceIdentity !== undefined) ? [IDENTIFY] : []),
  ];
}

/** Whatever the definition of `via` was. */
function actionsEver(): readonly (readonly string[])[] {
  return [[ASSUME], [ASSUME, TAG], [ASSUME, IDENTIFY], [ASSUME, TAG, IDENTIFY]];
}

function chainOf(role: Role): readonly Role[] {
  return role.origin.kind === "role" ? [role, ...chainOf(role.origin.role)] : [role];
}
