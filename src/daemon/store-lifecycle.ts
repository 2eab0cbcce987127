import { type BrokerError, toBrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";
import { storeProblem } from "../core/store-problem.js";
import type { CredentialsCache } from "../credentials/credentials-cache.js";
import type { CredentialsRegistry } from "../credentials/credentials-registry.js";
import type { KeysSessions } from "../credentials/sources/keys-sessions.js";
import type { LeaseRegistry } from "../leases/lease-registry.js";
import type { UnlockOptions } from "../secrets/store-access.js";
import type { StoreState } from "../secrets/store-state.js";
import type { ConsoleLogins } from "../sso/sign-in/console-logins.js";
import type { Sso } from "../sso/sso.js";
import type { Logger } from "../system/logger.js";
import type { CurrentStore } from "./current-store.js";

/** A probe starts a child process, so it is made seldom. */
const REPROBE_MS = 60_000;

export interface StoreLifecycleOptions {
  readonly store: CurrentStore;
  readonly cache: CredentialsCache;
  readonly registry: CredentialsRegistry;
  readonly sessions: KeysSessions;
  readonly sso: Pick<Sso, "lock" | "sweep">;
  readonly consoleLogins: Pick<ConsoleLogins, "lock">;
  readonly external: { dropAll(): void };
  readonly leases: LeaseRegistry;
  readonly logger: Logger;
  /** Why there is no config to serve by; undefined: there is one. */
  readonly configProblem: () => BrokerError | undefined;
}

/** What opening and locking the secret store means for everything that depends on it. */
export class StoreLifecycle {
  readonly #options: StoreLifecycleOptions;
  #takenUp = false;
  #nextProbeAt = 0;
  #leaseProblem: BrokerError | undefined;

  constructor(options: StoreLifecycleOptions) {
    this.#options = options;
  }

  /** At start, and when a config first says who holds the data key: never prompts. */
  async probe(): Promise<StoreState> {
    return this.#settle(await this.#options.store.probe());
  }

  /**
   * A keychain that was locked at start (login over SSH, a slow session) opens with the desktop: looked at again without
   * prompting, until it does. Other holders change by `unlock` only; a command may prompt and is never run by itself.
   */
  async probeAgain(now: number): Promise<void> {
    const { store } = this.#options;
    // Further off than the pause is long: the clock was set back meanwhile.
    const waits = now < this.#nextProbeAt && this.#nextProbeAt - now <= REPROBE_MS;
    if (store.kind !== "keychain" || store.current().state !== "locked" || waits) return;
    this.#nextProbeAt = now + REPROBE_MS;
    await this.probe();
  }

  async unlock(passphrase?: Secret): Promise<StoreState> {
    return this.#acknowledge(await this.#settle(await this.#options.store.unlock(asOptions(passphrase))));
  }

  async create(passphrase?: Secret): Promise<StoreState> {
    return this.#acknowledge(await this.#settle(await this.#options.store.create(asOptions(passphrase))));
  }

  /** Why leases and their tokens could not be made to agree, for `status`; undefined: they do, or the store is closed. */
  get leaseProblem(): string | undefined {
    return this.#leaseProblem?.message;
  }

  /** What a full disk kept from being written when the store opened, or when tokens were made anew. */
  async reconcileAgain(): Promise<void> {
    if (this.#leaseProblem && this.#options.store.current().state === "open") await this.#reconcile();
  }

  /** A rotation that failed: its new tokens follow by `reconcileAgain`. */
  reconcileLater(error: unknown): void {
    this.#leaseProblem = toBrokerError(error);
  }

  /** Nothing is served from here on, nothing cached is left, and a restart does not open it again. */
  async lock(): Promise<void> {
    const { store, cache, registry, sessions, sso, consoleLogins, external, logger } = this.#options;
    const wasOpen = store.current().state === "open";
    const locked = storeProblem({ state: "locked", message: "the secret store is locked", hint: "brokerctl unlock" });
    registry.block(locked);
    await Promise.all([sso.lock(), consoleLogins.lock()]);
    // A config that was reloaded meanwhile saw an open store.
    registry.block(locked);
    registry.dropAll();
    sessions.dropAll();
    external.dropAll();
    this.#takenUp = false;
    this.#leaseProblem = undefined;
    if (wasOpen) {
      await cache
        .clear()
        .then(() => store.flush())
        .catch((error: unknown) => logger.warn({ err: error }, "cache not cleared"));
    }
    await store.lock();
    this.block();
    logger.info({}, "locked");
  }

  /** Config first, store second: the error that clients get while nothing can be served. */
  block(): void {
    const state = this.#options.store.current();
    const storeError = state.state === "open" ? undefined : storeProblem(state);
    this.#options.registry.block(this.#options.configProblem() ?? storeError);
  }

  async #settle(state: StoreState): Promise<StoreState> {
    this.#options.logger.info({ store: this.#options.store.kind, state: state.state }, "secret store");
    if (state.state === "open" && !this.#takenUp) await this.#takeUp();
    this.block();
    if (state.state === "open") this.#options.registry.wakeAll();
    return state;
  }

  /** Cached credentials are taken up, leases and their tokens made to agree. */
  async #takeUp(): Promise<void> {
    await this.#options.cache.restore();
    await this.#reconcile();
    this.#takenUp = true;
    await this.#renewSessions();
  }

  /** The leases that are there are served whether or not the disk takes what is missing. */
  async #reconcile(): Promise<void> {
    const { leases, logger } = this.#options;
    try {
      await leases.reconcile();
      this.#leaseProblem = undefined;
    } catch (error) {
      this.reconcileLater(error);
      logger.warn({ err: error }, "leases and their tokens do not agree yet");
    }
  }

  /** The command that asked is told; a store that opened by itself goes on. */
  #acknowledge(state: StoreState): StoreState {
    if (state.state === "open" && this.#leaseProblem) throw this.#leaseProblem;
    return state;
  }

  /**
   * What is due may have been renewed by the process before this one, and never stored. The old refresh token is tried at
   * once: AWS does not say how long it takes one that was replaced.
   */
  async #renewSessions(): Promise<void> {
    const { sso, logger } = this.#options;
    await sso.sweep().catch((error: unknown) => logger.warn({ err: error }, "sessions not renewed"));
  }
}

function asOptions(passphrase: Secret | undefined): UnlockOptions {
  return passphrase === undefined ? {} : { passphrase };
}
