import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Clock } from "../system/clock.js";
import { askKeychainChild, type KeychainChild, type KeychainReply } from "./ask-keychain-child.js";
import { keychainAccount, keychainLimitMs } from "./keychain.js";

export interface ForgetDataKeyOptions {
  readonly stateDir: string;
  readonly child: KeychainChild;
  readonly clock: Clock;
  /** Only looks. */
  readonly dryRun: boolean;
  /** The keychain may ask for its password. */
  readonly interactive: boolean;
}

/** What became of the data key in the OS keychain; one line of JSON on `brokerd --forget-data-key`'s stdout. */
export interface ForgottenDataKey {
  /** exists: it is there (dry run); locked, unavailable: nobody can tell. */
  readonly outcome: "exists" | "removed" | "absent" | "locked" | "unavailable";
  /** The item's account; its service is `credbroker`. */
  readonly account: string;
  /** The keychain's own text, for locked and unavailable. */
  readonly detail?: string;
  /** A command that removes the item without us. */
  readonly byHand: string;
}

/**
 * Removes the item that `secret_store: keychain` made, for `brokerctl uninstall`; once it is gone, nothing can open what
 * was sealed with it. So it rejects with `Conflict` while a sealed secrets file is there, also one that was set aside.
 */
export async function forgetDataKey(options: ForgetDataKeyOptions): Promise<ForgottenDataKey> {
  const { stateDir, child, clock, dryRun, interactive } = options;
  if (!dryRun) await refuseWhileSealed(stateDir);
  const account = await keychainAccount(stateDir);
  const request = { operation: dryRun ? "find" : "remove", account, interactive } as const;
  const reply = await askKeychainChild(request, { child, clock, limitMs: keychainLimitMs(request) });
  return { ...outcomeOf(reply), account, byHand: commandFor(account) };
}

async function refuseWhileSealed(stateDir: string): Promise<void> {
  const sealed = (await namesIn(stateDir)).filter((name) => name.startsWith("secrets.sealed"));
  if (sealed[0] === undefined) return;
  throw new BrokerError("Conflict", `the data key still opens ${join(stateDir, sealed[0])}`, {
    hint: "brokerctl uninstall",
  });
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

function outcomeOf(reply: KeychainReply): Pick<ForgottenDataKey, "outcome" | "detail"> {
  switch (reply.outcome) {
    case "exists":
    case "removed":
    case "absent":
      return { outcome: reply.outcome };
    case "locked":
    case "unavailable":
      return { outcome: reply.outcome, detail: reply.detail };
    case "no-answer":
      return { outcome: "locked", detail: `no answer within ${reply.limitMs / 1000} s` };
    case "found":
    case "saved":
      return { outcome: "unavailable", detail: `answered out of turn (${reply.outcome})` };
  }
}

function commandFor(account: string): string {
  return process.platform === "darwin"
    ? `security delete-generic-password -s credbroker -a ${shellQuote(account)}`
    : `secret-tool clear service credbroker username ${shellQuote(account)}`;
}
