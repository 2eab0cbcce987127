import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";
import type { SecretStoreKind } from "../core/secret-store-kind.js";
import { Mutex } from "../core/serial.js";
import type { Logger } from "../system/logger.js";
import { type DataKey, type DataKeyHolder, type DataKeyOutcome, newDataKey } from "./data-key.js";
import type { SealedFileCache } from "./sealed-cache.js";
import { BROKEN_MARK, type SealedSecretStore } from "./secret-store.js";
import { readIfThere, removeDurably, type StoreFiles, writeOrExplain } from "./store-files.js";
import {
  type ClosedState,
  closedRefusal,
  keyMissing,
  LOCKED_BY_USER,
  NOT_MADE,
  NOT_PROBED,
  problemInHeader,
  type StoreState,
  stateFrom,
} from "./store-state.js";

export interface UnlockOptions {
  /** For `passphrase`; taken from its file or systemd credential when absent. */
  readonly passphrase?: Secret;
}

/** Opens and locks the secret store. Only `unlock` and `create` may raise a keychain prompt. */
export interface StoreAccess {
  readonly kind: SecretStoreKind;
  current(): StoreState;
  /** At start: fetches the data key without prompting. A store locked by `lock` stays locked, also after a restart. */
  probe(): Promise<StoreState>;
  unlock(options: UnlockOptions): Promise<StoreState>;
  /** Makes and stores the data key; `Conflict` when one or a sealed file exists. */
  create(options: UnlockOptions): Promise<StoreState>;
  /** Whether it is the one that opens the store; false where none does. Changes nothing. */
  isPassphrase(passphrase: Secret): Promise<boolean>;
  /** Forgets the data key, durably: outlives a restart. */
  lock(): Promise<void>;
}

export interface SealedStoreAccessOptions {
  readonly kind: SecretStoreKind;
  readonly holder: DataKeyHolder;
  /** Absolute: the store was made if this file exists. */
  readonly sealedPath: string;
  /** Absolute: exists while the user wants the store locked, also over restarts. */
  readonly lockedMarkerPath: string;
  readonly secrets: SealedSecretStore;
  readonly cache: SealedFileCache;
  readonly files: StoreFiles;
  readonly logger: Logger;
}

/** What was known when the data key was asked for: a `lock` issued after that wins. */
interface Moment {
  readonly isMade: boolean;
  readonly generation: number;
}

/**
 * Decides whether the data key may be fetched, made, or must be forgotten, and hands it to the two sealed files. What is
 * on disk is touched only by a key that fits it; a new key is made only where none is and nothing was ever sealed.
 */
export class SealedStoreAccess implements StoreAccess {
  readonly kind: SecretStoreKind;
  readonly #options: SealedStoreAccessOptions;
  /** Requests to the holder may wait for a prompt: they run one at a time, `lock` waits for none. */
  readonly #questions = new Mutex();
  /** Changes of state: short. */
  readonly #changes = new Mutex();
  /** Counts locks: a key fetched before one is not taken after it. */
  #generation = 0;
  #state: ClosedState | "open" = NOT_PROBED;
  /** Sealed files that were set aside, now or earlier. */
  #broken: readonly string[] = [];

  constructor(options: SealedStoreAccessOptions) {
    this.#options = options;
    this.kind = options.kind;
  }

  current(): StoreState {
    if (this.#state !== "open") return this.#state;
    const { holder, cache } = this.#options;
    const broken = this.#broken.map(
      (path) => `a damaged sealed file was set aside, delete it if you no longer need it: ${path}`,
    );
    const behind = cache.writeFailure === undefined ? [] : [cache.writeFailure];
    return { state: "open", warnings: [...holder.warnings, ...broken, ...behind] };
  }

  probe(): Promise<StoreState> {
    return this.#ask(async (moment) => {
      const { holder, cache, lockedMarkerPath } = this.#options;
      if ((await readIfThere(lockedMarkerPath)) !== undefined) {
        await cache.discard(); // in case `lock` was interrupted before it did
        return this.#settle(LOCKED_BY_USER, moment);
      }
      // A command yields its key although nothing was made with it yet: only `create` asks for that.
      if (!moment.isMade && !holder.save) return this.#settle(NOT_MADE, moment);
      return this.#admit(await holder.load({ interactive: false }), moment);
    });
  }

  unlock(options: UnlockOptions): Promise<StoreState> {
    return this.#ask(async (moment) => {
      const outcome = await this.#options.holder.load({ ...options, interactive: true });
      return this.#admit(outcome, moment);
    });
  }

  create(options: UnlockOptions): Promise<StoreState> {
    const moment = { isMade: false, generation: this.#generation };
    return this.#questions.run(async () => {
      const { holder, sealedPath } = this.#options;
      if (this.#state === "open" || (await readIfThere(sealedPath)) !== undefined) {
        throw new BrokerError("Conflict", `the secret store exists already: ${sealedPath}`, {
          hint: "brokerctl status",
        });
      }
      const interactive = { ...options, interactive: true };
      const outcome = await holder.load(interactive);
      if (!holder.save || (outcome.outcome !== "absent" && outcome.outcome !== "found")) {
        return this.#admit(outcome, moment);
      }
      if (outcome.outcome === "found") {
        throw new BrokerError("Conflict", `a data key exists already: ${holder.place}`, { hint: "brokerctl unlock" });
      }
      const key = newDataKey();
      await holder.save(key, interactive);
      return this.#admit({ outcome: "found", key }, moment);
    });
  }

  async isPassphrase(passphrase: Secret): Promise<boolean> {
    if (this.kind !== "passphrase") return false;
    const { outcome } = await this.#questions.run(() => this.#options.holder.load({ passphrase, interactive: false }));
    return outcome === "found";
  }

  /** Memory first and at once, then the marker. Rejects when the lock would not outlive a restart. */
  async lock(): Promise<void> {
    if (this.#state !== "open" && this.#state.state === "absent") return;
    this.#generation++;
    const { files, lockedMarkerPath, cache, logger } = this.#options;
    const closed = this.#close(LOCKED_BY_USER);
    await this.#changes.run(async () => {
      await closed;
      await this.#close(LOCKED_BY_USER); // a change in progress may have opened it again
      try {
        await writeOrExplain(files, lockedMarkerPath, Buffer.from("brokerctl lock\n"));
        logger.info({}, "secret store locked");
      } finally {
        await cache.discard();
      }
    });
  }

  /** One request at a time; a problem with the sealed file is reported before any key is asked for. */
  #ask(question: (moment: Moment) => Promise<StoreState>): Promise<StoreState> {
    const generation = this.#generation;
    return this.#questions.run(async () => {
      if (this.#state === "open") return this.current();
      const { sealedPath } = this.#options;
      try {
        const sealed = await readIfThere(sealedPath);
        const moment = { isMade: sealed !== undefined, generation };
        const problem = sealed && problemInHeader(sealed, sealedPath, this.kind);
        return await (problem ? this.#settle(problem, moment) : question(moment));
      } catch (error) {
        return this.#fail(error, { isMade: true, generation });
      }
    });
  }

  #admit(outcome: DataKeyOutcome, moment: Moment): Promise<StoreState> {
    const { sealedPath, holder } = this.#options;
    switch (outcome.outcome) {
      case "found":
        return this.#open(outcome.key, moment).catch((error: unknown) => this.#fail(error, moment));
      case "absent":
        return this.#settle(moment.isMade ? keyMissing(sealedPath, holder.place) : NOT_MADE, moment);
      case "locked":
      case "unavailable": {
        const { message, hint } = outcome;
        return this.#settle({ state: outcome.outcome === "locked" ? "locked" : "error", message, hint }, moment);
      }
    }
  }

  #open(key: DataKey, moment: Moment): Promise<StoreState> {
    return this.#change(moment, async () => {
      const { secrets, cache, files, lockedMarkerPath, logger } = this.#options;
      const obstacle = await secrets.open(key);
      if (obstacle) return this.#close({ state: "error", ...obstacle });
      await cache.open(key);
      await removeDurably(files, lockedMarkerPath);
      this.#broken = await this.#findBroken();
      this.#state = "open";
      logger.info({ kind: this.kind }, "secret store open");
    });
  }

  #settle(state: ClosedState, moment: Moment): Promise<StoreState> {
    return this.#change(moment, () => this.#close(state));
  }

  #fail(error: unknown, moment: Moment): Promise<StoreState> {
    this.#options.logger.error({ err: error }, "secret store not opened");
    return this.#settle(stateFrom(error), moment);
  }

  /** Unless the store was locked since `moment`. */
  #change(moment: Moment, change: () => Promise<void>): Promise<StoreState> {
    return this.#changes.run(async () => {
      if (moment.generation === this.#generation) await change();
      return this.current();
    });
  }

  async #close(state: ClosedState): Promise<void> {
    const { secrets, cache } = this.#options;
    this.#state = state;
    await Promise.all([secrets.close(closedRefusal(state)), cache.close(closedRefusal(state))]);
  }

  async #findBroken(): Promise<readonly string[]> {
    const { sealedPath } = this.#options;
    const names = await readdir(dirname(sealedPath));
    const broken = names.filter((name) => name.startsWith(`${basename(sealedPath)}${BROKEN_MARK}`));
    return broken.sort().map((name) => join(dirname(sealedPath), name));
  }
}
