import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import type { Clock } from "../system/clock.js";
import { askKeychainChild, type KeychainChild, type KeychainReply } from "./ask-keychain-child.js";
import { type DataKey, decodeDataKey, encodeDataKey } from "./data-key.js";
import { assertKept, type DataKeyHolder, type DataKeyOutcome, type LoadOptions } from "./data-key-holder.js";
import type { KeychainRequest } from "./keychain-protocol.js";

/** Without a prompt the answer takes 0.2 s (threat-model §4.3). */
const QUIET_LIMIT_MS = 2_000;
/** A person types a password. */
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

/** The name of an installation's item; the same before the state directory is made and after it is gone. */
export async function keychainAccount(stateDir: string): Promise<string> {
  return `data-key:v1:${await realpathOfMissing(stateDir)}`;
}

/** How long to wait for the keychain, in milliseconds. */
export function keychainLimitMs({ interactive }: Pick<KeychainRequest, "interactive">): number {
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
  return unavailable(`the keychain answered out of turn (${reply.outcome})`);
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
