/** What passes between the daemon and its keychain child: one JSON line in over stdin, one out over stdout. */
export interface KeychainRequest {
  readonly operation: "load" | "save" | "find" | "remove";
  /** Names the installation; not secret. */
  readonly account: string;
  /** Only then may the child raise a prompt. */
  readonly interactive: boolean;
  /** For `save`: 43 characters of base64url. */
  readonly key?: string;
}

/** `exists`: there is an item; `find` and `save` leave it alone. `detail` is the keychain's own text. */
export type KeychainAnswer =
  | { readonly outcome: "found"; readonly key: string }
  | { readonly outcome: "absent" | "saved" | "exists" | "removed" }
  | { readonly outcome: "locked" | "unavailable"; readonly detail: string };

const OUTCOMES = ["found", "absent", "saved", "exists", "removed", "locked", "unavailable"];

/** undefined: not an answer. */
export function parseKeychainAnswer(line: string): KeychainAnswer | undefined {
  try {
    const answer = JSON.parse(line) as Partial<Record<string, unknown>> | null;
    return OUTCOMES.includes(String(answer?.["outcome"])) ? (answer as unknown as KeychainAnswer) : undefined;
  } catch {
    return undefined;
  }
}
