import type { LeaseScope } from "./lease-scope.js";

/**
 * pending: a person has to decide. approved: granted until `until`, or until it was taken back. denied: by a person, a rule,
 * or because the grant was taken back. released: its lease gave it back, or withdrew it. void: what was asked for is no longer what
 * was shown. expired: it was not decided in time.
 */
export const REQUEST_STATES = ["pending", "approved", "denied", "released", "void", "expired"] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** The wish of a lease for a role, as it is shown to who decides. */
export interface AccessRequest {
  /** Short: a person types it. */
  readonly id: string;
  readonly lease: { readonly id: string; readonly label: string };
  readonly role: string;
  /** Of role and scope as they were then (core/guard): an approval is for nothing else. */
  readonly digest: string;
  /** What is asked for: all that the role may do, or what this leaves of it. */
  readonly scope: "any" | LeaseScope;
  readonly reason: string;
  readonly forSeconds: number;
  /** The process that asked, by its own word. */
  readonly pid: number | null;
  readonly state: RequestState;
  readonly createdAt: number;
  readonly decidedAt: number | null;
  /** Who decided: a person, or a rule of the config. */
  readonly decidedBy: "person" | "rule" | null;
  /** Of an approved one: when the grant ends. */
  readonly until: number | null;
}

/** What narrows what is asked for; undefined: it is all of the role. */
export function requestedScope({ scope }: Pick<AccessRequest, "scope">): LeaseScope | undefined {
  return scope === "any" ? undefined : scope;
}

/** A text of another program for people to read before they decide: one line, nothing hidden, not long; empty where nothing of it is seen. */
export function readableReason(text: string): string {
  const line = text.replaceAll(UNSEEN, "?").replaceAll(BLANKS, " ").trim();
  if (text.replaceAll(UNSEEN, "").replaceAll(BLANKS, "") === "") return "";
  if (line.length <= MAX_REASON) return line;
  // Not in the middle of a character of two units.
  return `${line.slice(0, MAX_REASON - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** A reason as it stands among words of ours: where it ends is seen, so that it adds no words to them. */
export function quotedReason(reason: string): string {
  return `"${reason.replaceAll(/["\u201c-\u201f\u2033\u2036\uff02]/g, "'")}"`;
}

const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}]/gu;
const BLANKS = /[\s\p{Z}]+/gu;
const MAX_REASON = 300;
