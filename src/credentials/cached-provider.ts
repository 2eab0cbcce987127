import type { HeldCredentials } from "../core/credentials.js";
import { BrokerError, isRecoverable, toBrokerError } from "../core/errors.js";
import { type RefreshWindows, refreshWindows } from "../core/refresh-windows.js";
import { type Failure, mayRetry, nextFailure } from "../core/retry-schedule.js";
import type { ConcurrencyLimit } from "../core/serial.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { droppedMeanwhile, stillFetched } from "./pending-errors.js";
import { plannedRefresh } from "./planned-refresh.js";
import { WakePatience } from "./wake-patience.js";
import { within } from "./within.js";

/** Java, Ruby, PHP, C++ and JS v2 give up after 1 s (sdk-contract §10): answer before. */
const CLIENT_WAIT_MS = 900;
/** Received "later than now": the wall clock was set back, and with it every window is wrong. */
const CLOCK_TOLERANCE_MS = 60_000;
export interface CachedProviderOptions {
  readonly role: string;
  /** The delegate: one upstream retrieval; it takes as long as it takes. */
  readonly retrieveUpstream: () => Promise<HeldCredentials>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** Shared by all roles: renewals that no client waits for. */
  readonly renewals: ConcurrencyLimit;
  /** Called whenever what is held or known changed. */
  readonly onChange: () => void;
}

export interface ProviderSnapshot {
  readonly held: HeldCredentials | undefined;
  readonly refreshing: boolean;
  /** Epoch ms of the planned refresh. */
  readonly refreshAt: number | undefined;
  readonly error: BrokerError | undefined;
  /** Epoch ms of the last fetch by a client; undefined: none. */
  readonly wantedAt: number | undefined;
}

/**
 * The credentials of one role: answered from memory, renewed before they are needed, one upstream call however many ask
 * (design §4.4, §5). Recoverable failures keep what is valid; only a refusal or a `drop` takes it away.
 */
export class CachedProvider {
  readonly #options: CachedProviderOptions;
  #held: HeldCredentials | undefined;
  #windows: RefreshWindows | undefined;
  #refreshAt = 0;
  #pending: Promise<HeldCredentials> | undefined;
  #failure: Failure | undefined;
  #wantedAt: number | undefined;
  /** Counts drops: what was fetched for an earlier generation is not taken. */
  #generation = 0;
  #cancelPlanned: Cancel = () => undefined;
  /** The renewal that waits for its turn; what happens meanwhile can make it needless. */
  #queued: symbol | undefined;
  readonly #patience: WakePatience;

  constructor(options: CachedProviderOptions) {
    this.#options = options;
    this.#patience = new WakePatience({
      clock: options.clock,
      fetch: () => this.#fetch(),
      isFetching: () => this.#pending !== undefined,
      failure: () => this.#failure,
    });
  }

  /** For a client: at most 900 ms, from memory whenever something valid is held. */
  async retrieve(): Promise<HeldCredentials> {
    const now = this.#now();
    this.#wantedAt = now;
    const held = this.#valid(now);
    if (held && now < this.#refreshAt) return held;
    if (held && this.#windows && now < this.#windows.mandatoryAt) {
      this.#refreshBehind();
      return held;
    }
    return this.#fetchFor(held);
  }

  /** For a person: waits up to `limitMs`, asks AWS at once though an earlier try failed. `force` renews valid ones too. */
  async warm(options: {
    readonly limitMs: number;
    readonly signal?: AbortSignal;
    readonly force?: boolean;
  }): Promise<HeldCredentials> {
    const now = this.#now();
    this.#wantedAt = now;
    const held = this.#valid(now);
    if (!options.force && held && now < this.#refreshAt) return held;
    const fetched = this.#await(options.limitMs, options.signal);
    return options.force
      ? fetched
      : fetched.catch((error: unknown) => this.#heldOrThrow(this.#valid(this.#now()), error));
  }

  /** For a role behind this one: waits for as long as upstream takes; does not count as being fetched. */
  async retrieveForHop(): Promise<HeldCredentials> {
    const now = this.#now();
    const held = this.#valid(now);
    if (held && this.#windows && now < this.#windows.mandatoryAt) return held;
    if (!this.#pending && !mayRetry(this.#failure, now)) return this.#heldOrThrow(held, this.#failure?.error);
    return this.#fetch().catch((error: unknown) => this.#heldOrThrow(this.#valid(this.#now()), error));
  }

  /** Takes up what was known before a restart or reload: credentials that still live, and when a client last asked. */
  restore({ held, wantedAt }: Pick<ProviderSnapshot, "held" | "wantedAt">): void {
    this.#wantedAt = wantedAt;
    if (!held || this.#now() >= refreshWindows(held).advertisedExpiration) return;
    this.#hold(held);
    this.#plan();
  }

  /** Forgets the credentials; what is under way is not taken either. */
  drop(): void {
    this.#generation++;
    this.#held = undefined;
    this.#windows = undefined;
    this.#failure = undefined;
    this.#pending = undefined;
    this.#queued = undefined;
    this.#cancelPlanned();
    this.#options.onChange();
  }

  /** As `drop`, but only if exactly these are held. */
  forget(stale: HeldCredentials): void {
    if (this.#held?.credentials.accessKeyId === stale.credentials.accessKeyId) this.drop();
  }

  /** A login, key or unlock came: what waited for it is fetched now. */
  wake(): void {
    const waits = this.#failure ? !isRecoverable(this.#failure.error) : !this.#held;
    if (!waits || this.#wantedAt === undefined) return;
    this.#failure = undefined;
    this.#refreshBehind();
  }

  /** The wall clock moved beside the time that passed: a suspend, or a clock that was set. A `sweep` follows. */
  awake(jumpedMs: number): void {
    const now = this.#now();
    // Time asleep is not time idle: what was in use before a suspend is in use after it.
    if (this.#wantedAt !== undefined) this.#wantedAt = Math.min(now, this.#wantedAt + jumpedMs);
    this.#patience.begin();
    // Pauses grew in another world: what was unreachable then is asked at once.
    if (this.#failure && isRecoverable(this.#failure.error)) this.#failure = undefined;
  }

  /** Every 15 s, on the wall clock: lets idle credentials go, forgets expired ones, renews what is due. */
  sweep({ idleAfterMs }: { readonly idleAfterMs: number }): void {
    const now = this.#now();
    if (this.#wantedAt !== undefined && now - this.#wantedAt > idleAfterMs) this.#letGo();
    if (this.#held && !this.#valid(now)) this.#forgetExpired();
    this.#refreshIfDue();
  }

  /** Epoch ms of the last fetch by a client. */
  get wantedAt(): number | undefined {
    return this.#wantedAt;
  }

  snapshot(): ProviderSnapshot {
    return {
      held: this.#valid(this.#now()),
      refreshing: this.#pending !== undefined,
      refreshAt: this.#held && this.#refreshAt,
      error: this.#failure?.error,
      wantedAt: this.#wantedAt,
    };
  }

  /** For a client that cannot be answered from memory alone. */
  async #fetchFor(held: HeldCredentials | undefined): Promise<HeldCredentials> {
    if (!held && this.#patience.isOn) return this.#within(this.#patience.untilFetched(), CLIENT_WAIT_MS);
    const now = this.#now();
    if (!this.#pending && !mayRetry(this.#failure, now)) return this.#heldOrThrow(held, this.#failure?.error);
    return this.#await(CLIENT_WAIT_MS).catch((error: unknown) => this.#heldOrThrow(this.#valid(this.#now()), error));
  }

  #await(limitMs: number, signal?: AbortSignal): Promise<HeldCredentials> {
    return this.#within(this.#fetch(), limitMs, signal);
  }

  #within(fetched: Promise<HeldCredentials>, limitMs: number, signal?: AbortSignal): Promise<HeldCredentials> {
    const { clock, role } = this.#options;
    return within(fetched, { clock, limitMs, late: () => stillFetched(role), ...(signal && { signal }) });
  }

  /** The one upstream call: everybody who asks meanwhile shares it, nobody who leaves cancels it. */
  #fetch(): Promise<HeldCredentials> {
    if (this.#pending) return this.#pending;
    const generation = this.#generation;
    const pending = this.#options
      .retrieveUpstream()
      .then(
        (fresh) => this.#accept(fresh, generation),
        (error: unknown) => this.#reject(toBrokerError(error), generation),
      )
      .finally(() => {
        if (this.#pending !== pending) return;
        this.#pending = undefined;
        this.#plan();
        this.#options.onChange();
      });
    pending.catch(() => undefined);
    this.#pending = pending;
    return pending;
  }

  #accept(fresh: HeldCredentials, generation: number): HeldCredentials {
    if (generation !== this.#generation) throw droppedMeanwhile(this.#options.role);
    if (this.#now() >= refreshWindows(fresh).advertisedExpiration) {
      throw this.#fail(
        new BrokerError("AwsUnreachable", `AWS answered expired credentials for role ${this.#options.role}`),
      );
    }
    this.#failure = undefined;
    this.#hold(fresh);
    const { credentials, roleArn } = fresh;
    this.#options.logger.info(
      { role: this.#options.role, roleArn, expiration: credentials.expiration },
      "credentials fetched",
    );
    return fresh;
  }

  #reject(error: BrokerError, generation: number): never {
    throw generation === this.#generation ? this.#fail(error) : droppedMeanwhile(this.#options.role);
  }

  #fail(error: BrokerError): BrokerError {
    const { logger, random, role } = this.#options;
    const now = this.#now();
    this.#failure = nextFailure({ error, previous: this.#failure, now, random, soon: this.#patience.isOn });
    // AWS says the role may not be had any more: what is held would be refused, or should be.
    if (error.code === "AssumeRoleDenied") this.#held = this.#windows = undefined;
    logger.warn(
      { role, code: error.code, attempt: this.#failure.count, reason: error.message },
      "credentials not fetched",
    );
    return error;
  }

  #hold(held: HeldCredentials): void {
    this.#held = held;
    this.#windows = refreshWindows(held);
    this.#queued = undefined;
    this.#refreshAt = plannedRefresh(held, this.#windows, { now: this.#now(), random: this.#options.random });
  }

  #refreshBehind(): void {
    if (this.#pending || this.#queued || !mayRetry(this.#failure, this.#now())) return;
    const queued = (this.#queued = Symbol(this.#options.role));
    const renewed = this.#options.renewals.run(async () => {
      if (this.#queued !== queued) return;
      this.#queued = undefined;
      if (mayRetry(this.#failure, this.#now())) await this.#fetch();
    });
    renewed.catch(() => undefined); // told where it happens, and kept as the last failure
  }

  /** A timer at the next moment something is due; the sweep stands behind it. */
  #plan(): void {
    this.#cancelPlanned();
    const due = this.#dueAt();
    if (due === undefined) return;
    this.#cancelPlanned = this.#options.clock.after(due - this.#now(), () => this.#refreshIfDue());
  }

  #refreshIfDue(): void {
    const now = this.#now();
    const due = this.#dueAt();
    if (due === undefined) return;
    const clockSetBack = this.#held !== undefined && now < this.#held.receivedAt - CLOCK_TOLERANCE_MS;
    if (now >= due || clockSetBack || (this.#failure && mayRetry(this.#failure, now))) this.#refreshBehind();
  }

  /** Epoch ms; undefined: nobody wants it, or only a person can bring it on. */
  #dueAt(): number | undefined {
    if (this.#wantedAt === undefined || this.#pending) return undefined;
    if (this.#failure) return isRecoverable(this.#failure.error) ? this.#failure.retryAt : undefined;
    return this.#held ? this.#refreshAt : this.#wantedAt;
  }

  #letGo(): void {
    this.#options.logger.info({ role: this.#options.role }, "credentials idle, let go");
    this.#wantedAt = undefined;
    this.drop();
  }

  #forgetExpired(): void {
    this.#held = this.#windows = undefined;
    this.#options.onChange();
  }

  #valid(now: number): HeldCredentials | undefined {
    return this.#windows && now < this.#windows.advertisedExpiration ? this.#held : undefined;
  }

  #heldOrThrow(held: HeldCredentials | undefined, error: unknown): HeldCredentials {
    if (held) return held;
    throw toBrokerError(error);
  }

  #now(): number {
    return this.#options.clock.now();
  }
}
