import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.js";
import type { LeaseScope } from "./lease-scope.js";

const digests = new WeakMap<LeaseScope, string>();

/** SHA-256, hex, over all that narrows. */
export function scopeDigest(scope: LeaseScope): string {
  const known = digests.get(scope);
  if (known !== undefined) return known;
  return remembered(digests, scope, sha256(canonicalJson({ ...scope, description: undefined })));
}

export function isSameScope(a: LeaseScope | undefined, b: LeaseScope | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && scopeDigest(a) === scopeDigest(b));
}

const keys = new WeakMap<LeaseScope, string>();

/** Under which a narrowed role's credentials are held; no role is named so. What AWS's record is told is in it, too. */
export function narrowedName(role: string, scope: LeaseScope): string {
  return `${role}#${keys.get(scope) ?? remembered(keys, scope, sha256(canonicalJson(scope)))}`;
}

function remembered(known: WeakMap<LeaseScope, string>, scope: LeaseScope, text: string): string {
  known.set(scope, text);
  return text;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
