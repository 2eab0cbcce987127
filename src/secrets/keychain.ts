import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Clock } from "../system/clock.js";
import {
  askKeychainChild,
  type KeychainChild,
  type KeychainReply,
  type KeychainRequest,
} from "./ask-keychain-child.js";
import {
  assertKept,
  type DataKey,
  type DataKeyHolder,
  type DataKeyOutcome,
  decodeDataKey,
  encodeDataKey,
  type LoadOptions,
} from "./data-key.js";

/** Without a prompt the answer takes 0.2 s. */
const QUIET_LIMIT_MS = 2_000;
/** The user types a password. */
const INTERACTIVE_LIMIT_MS = 30_000;

export interface KeychainOptions {
  readonly child: KeychainChild;
  /** Names the installation in the keychain, so that no two share a key. */
  readonly stateDir: string;
  readonly clock: Clock;
}

/**
 * `secret_store: keychain`: the data key as one item of the OS keychain. Each call is a new child process that is
 * killed when it does not answer: the library's threads cannot be interrupted, nor can it reconnect.
 */
export class Keychain implements DataKeyHolder {
  readonly place = "the keychain";
  readonly warnings: readonly string[] = [];
  readonly #options: KeychainOptions;

  constructor(options: KeychainOptions) {
    this.#options = options;
  }

  async load({ interactive }: LoadOptions): Promise<DataKeyOutcome> {
    const reply = await this.#ask({ operation: "load", interactive });
    if (reply.outcome === "found") return foundOutcome(reply.key);
    return reply.outcome === "absent" ? { outcome: "absent" } : obstacleOf(reply);
  }

  async save(key: DataKey, options: LoadOptions): Promise<void> {
    const reply = await this.#ask({ operation: "save", interactive: true, key: encodeDataKey(key) });
    if (reply.outcome === "exists") throw new BrokerError("Conflict", "a data key exists already in the keychain");
    if (reply.outcome !== "saved") {
      const { message, hint } = obstacleOf(reply);
      throw new BrokerError("StoreUnavailable", `the data key could not be saved: ${message}`, { hint });
    }
    await assertKept(this, key, options);
  }

  async #ask(request: Omit<KeychainRequest, "account">): Promise<KeychainReply> {
    const { child, stateDir, clock } = this.#options;
    const account = await keychainAccount(stateDir);
    return askKeychainChild({ ...request, account }, { child, clock, limitMs: keychainLimitMs(request) });
  }
}

export interface ForgetDataKeyOptions {
  readonly stateDir: string;
  readonly child: KeychainChild;
  readonly clock: Clock;
  /** Only looks whether there is an item. */
  readonly dryRun: boolean;
  /** The keychain may ask for its password. */
  readonly interactive: boolean;
}

/** What became of the data key in the OS keychain; one line of JSON on `brokerd --forget-data-key`'s stdout. */
export interface ForgottenDataKey {
  /** exists: it is there (dry run); locked, unavailable: unknown. */
  readonly outcome: "exists" | "removed" | "absent" | "locked" | "unavailable";
  /** The item's account; its service is `credbroker`. */
  readonly account: string;
  /** The keychain's own text, for locked and unavailable. */
  readonly detail?: string;
  /** A command with which the user removes the item. */
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
  return { ...forgottenOutcomeOf(reply), account, byHand: commandFor(account) };
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

function forgottenOutcomeOf(reply: KeychainReply): Pick<ForgottenDataKey, "outcome" | "detail"> {
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
      return { outcome: "unavailable", detail: `gave an unexpected answer (${reply.outcome})` };
  }
}

function commandFor(account: string): string {
  return process.platform === "darwin"
    ? `security delete-generic-password -s credbroker -a ${shellQuote(account)}`
    : `secret-tool clear service credbroker username ${shellQuote(account)}`;
}

/** The name of an installation's item; the same before the state directory is made and after it is gone. */
async function keychainAccount(stateDir: string): Promise<string> {
  return `data-key:v1:${await realpathOfMissing(stateDir)}`;
}

/** How long to wait for the keychain, in milliseconds. */
function keychainLimitMs({ interactive }: Pick<KeychainRequest, "interactive">): number {
  return interactive ? INTERACTIVE_LIMIT_MS : QUIET_LIMIT_MS;
}

async function realpathOfMissing(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    return join(await realpathOfMissing(dirname(path)), basename(path));
  }
}

function foundOutcome(text: string): DataKeyOutcome {
  const key = decodeDataKey(text);
  if (key) return { outcome: "found", key };
  return {
    outcome: "unavailable",
    message: "the keychain item of this installation is not a data key",
    hint: "look at the item `credbroker` in your keychain",
  };
}

type Obstruction = Extract<DataKeyOutcome, { outcome: "locked" | "unavailable" }>;

function obstacleOf(reply: KeychainReply): Obstruction {
  if (reply.outcome === "locked") return locked(`the keychain is locked (${reply.detail})`);
  if (reply.outcome === "no-answer") {
    const limit = `${reply.limitMs / 1000} s`;
    return locked(`the keychain did not answer within ${limit}; its prompt may have been left unanswered`);
  }
  if (reply.outcome === "unavailable") return unavailable(`the keychain is not available: ${reply.detail}`);
  return unavailable(`the keychain gave an unexpected answer (${reply.outcome})`);
}

function locked(message: string): Obstruction {
  return { outcome: "locked", message, hint: "brokerctl unlock" };
}

function unavailable(message: string): Obstruction {
  const hint =
    process.platform === "linux"
      ? "start a Secret Service (gnome-keyring, KWallet, KeePassXC) on the session bus, then brokerctl unlock; without one, set secret_store: passphrase"
      : "brokerctl unlock";
  return { outcome: "unavailable", message, hint };
}
