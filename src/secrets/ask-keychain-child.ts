import { spawn } from "node:child_process";
import { errnoOf } from "../core/errno.js";
import type { Clock } from "../system/clock.js";

const MAX_ANSWER_BYTES = 4_096;

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

/** How to start the child, absolute paths. */
export interface KeychainChild {
  /** `process.execPath`. */
  readonly nodePath: string;
  /** `dist/keychain-child.js` */
  readonly scriptPath: string;
  /** Left out: the daemon's own, cleaned environment. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** no-answer: it was killed at the limit. */
export type KeychainReply = KeychainAnswer | { readonly outcome: "no-answer"; readonly limitMs: number };

export interface AskOptions {
  readonly child: KeychainChild;
  readonly clock: Clock;
  readonly limitMs: number;
}

/**
 * Starts a child for one request. The request stays open on its stdin until the answer: when we die, it sees the end of
 * it and dies too. SIGKILL, because a thread blocked in a prompt holds up every other way to end.
 */
export function askKeychainChild(
  request: KeychainRequest,
  { child, clock, limitMs }: AskOptions,
): Promise<KeychainReply> {
  return new Promise((resolve) => {
    const running = spawn(child.nodePath, [child.scriptPath], {
      stdio: ["pipe", "pipe", "ignore"],
      ...(child.environment && { env: { ...child.environment } }),
    });
    let output = "";
    let late = false;
    const cancel = clock.after(limitMs, () => {
      late = true;
      running.kill("SIGKILL");
    });
    const finish = (reply: KeychainReply): void => {
      cancel();
      running.kill("SIGKILL");
      resolve(reply);
    };
    running.stdout.setEncoding("latin1").on("data", (chunk: string) => {
      output += chunk;
      if (output.includes("\n") || output.length > MAX_ANSWER_BYTES) finish(replyFrom(output));
    });
    running.stdin.on("error", () => undefined); // it died before it read: `close` says so
    running.once("error", (error) => finish(broken(`child process could not be started: ${errnoOf(error)}`)));
    running.once("close", (code, signal) => {
      finish(
        late ? { outcome: "no-answer", limitMs } : broken(`child process ended with ${signal ?? `code ${code ?? 0}`}`),
      );
    });
    running.stdin.write(`${JSON.stringify(request)}\n`);
  });
}

function replyFrom(line: string): KeychainReply {
  try {
    const answer = JSON.parse(line) as Partial<Record<string, unknown>> | null;
    if (OUTCOMES.includes(String(answer?.["outcome"]))) return answer as unknown as KeychainAnswer;
  } catch {
    // not JSON: no answer either
  }
  return broken("child process gave no answer that we know");
}

function broken(detail: string): KeychainReply {
  return { outcome: "unavailable", detail };
}
