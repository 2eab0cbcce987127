import { patienceLeft } from "../core/client-patience.js";
import type { HeldCredentials } from "../core/credentials.js";
import { BrokerError, isRecoverable, toBrokerError } from "../core/errors.js";
import { earliestRefresh, plannedRefresh, type RefreshWindows, refreshWindows } from "../core/refresh-windows.js";
import type { ConcurrencyLimit } from "../core/serial.js";
import { within } from "../core/within.js";
import type { Cancel } from "../system/clock.js";
import { UpstreamFetch, type UpstreamOptions } from "./upstream-fetch.js";

/** Received "later than now": the wall clock was set back, and with it every window is wrong. */
const CLOCK_TOLERANCE_MS = 60_000;

export interface CachedProviderOptions extends UpstreamOptions {
  /** Shared by all roles: renewals that no client waits for. */
  readonly renewals: ConcurrencyLimit;
  /** Called whenever what is held or known changed. */
  readonly onChange: () => void;
  /** Let go when no client has asked for so long, if that is less than what the config says for all. */
  readonly idleAfterMs?: number | undefined;
}

export interface ProviderSnapshot {
  readonly held: HeldCredentials | undefined;
  readonly refreshing: boolean;
  /** Epoch ms of the planned refresh. */
  readonly refreshAt: number | undefined;
  readonly error: BrokerError | undefined;
  /** Epoch ms of the last fetch by a client; undefined: none. */
  readonly lastRequestedAt: number | undefined;
}

/** Credentials in memory, with the instants that follow from them. */
interface Kept extends RefreshWindows {
  readonly held: HeldCredentials;
  readonly refreshAt: number;
}

/**
 * The credentials of one role: answered from memory, renewed before they are needed, one upstream call however many ask.
 * Recoverable failures keep what is valid; only a refusal or a `drop` takes it away.
 */
export class CachedProvider {
  readonly #options: CachedProviderOptions;
  #kept: Kept | undefined;
  #lastRequestedAt: number | undefined;
  #cancelPlanned: Cancel = () => undefined;
  /** The renewal that waits for its turn; what happens meanwhile can make it needless. */
  #queued: symbol | undefined;
  readonly #upstream: UpstreamFetch;

  constructor(options: CachedProviderOptions) {
    this.#options = options;
    this.#upstream = new UpstreamFetch(options, {
      onFetched: (fresh) => this.#keep(fresh),
      // AWS may refuse what is held, too.
      onDenied: () => (this.#kept = undefined),
      onEnd: () => {
        this.#plan();
        options.onChange();
      },
    });
  }

  /** For a client: at most 900 ms less `waitedMs`, from memory whenever something valid is held. */
  async retrieve(waitedMs = 0): Promise<HeldCredentials> {
    return this.heldForClient() ?? this.#fetchForClient(waitedMs);
  }

  /** What `retrieve` answers without a wait; undefined: it has to wait for a fetch. */
  heldForClient(): HeldCredentials | undefined {
    const now = this.#now();
    this.#lastRequestedAt = now;
    const kept = this.#valid(now);
    if (!kept || (now >= kept.refreshAt && now >= kept.mandatoryAt)) return undefined;
    if (now >= kept.refreshAt) this.#refreshBehind();
    return kept.held;
  }

  /** For the user in a terminal: waits up to `limitMs`, asks AWS at once though an earlier try failed. `force` renews valid ones too. */
  async warm(options: {
    readonly limitMs: number;
    readonly signal?: AbortSignal;
    readonly force?: boolean;
  }): Promise<HeldCredentials> {
    const now = this.#now();
    this.#lastRequestedAt = now;
    const kept = this.#valid(now);
    if (!options.force && kept && now < kept.refreshAt) return kept.held;
    const fetched = this.#within(this.#upstream.run(), options.limitMs, options.signal);
    return options.force ? fetched : fetched.catch((error: unknown) => this.#validOrThrow(error));
  }

  /**
   * For a role behind this one: waits for as long as upstream takes; does not count as being fetched. `fresh`: renewed where a client's
   * would be, because what is made of them ends with them.
   */
  async retrieveForHop({ fresh = false }: { readonly fresh?: boolean } = {}): Promise<HeldCredentials> {
    const now = this.#now();
    const kept = this.#valid(now);
    if (kept && now < (fresh ? Math.min(kept.refreshAt, earliestRefresh(kept.held)) : kept.mandatoryAt))
      return kept.held;
    if (!this.#upstream.mayRun) return this.#validOrThrow(this.#upstream.failure?.error);
    return this.#upstream.run().catch((error: unknown) => this.#validOrThrow(error));
  }

  /** Takes up what was known before a restart or reload: credentials that still live, and when a client last asked. */
  restore({ held, lastRequestedAt }: Pick<ProviderSnapshot, "held" | "lastRequestedAt">): void {
    this.#lastRequestedAt = lastRequestedAt;
    if (!held || this.#now() >= refreshWindows(held).advertisedExpiration) return;
    this.#keep(held);
    this.#plan();
  }

  /** Forgets the credentials; what is under way is not taken either. */
  drop(): void {
    this.#upstream.abandon();
    this.#kept = this.#queued = undefined;
    this.#cancelPlanned();
    this.#options.onChange();
  }

  /** As `drop`, but only if exactly these are held. */
  forget(stale: HeldCredentials): void {
    if (this.#kept?.held.credentials.accessKeyId === stale.credentials.accessKeyId) this.drop();
  }

  /** A login, key or unlock came: what waited for it is fetched now. */
  wake(): void {
    const { failure } = this.#upstream;
    const waits = failure ? !isRecoverable(failure.error) : !this.#kept;
    if (!waits || this.#lastRequestedAt === undefined) return;
    this.#upstream.forgetFailure();
    this.#refreshBehind();
  }

  /** The machine resumed, or its clock was set: it moved by `jumpedMs` beside the time that passed. A `sweep` follows. */
  onResume(jumpedMs: number): void {
    const now = this.#now();
    // Time asleep is not time idle: what was in use before a suspend is in use after it.
    if (this.#lastRequestedAt !== undefined) this.#lastRequestedAt = Math.min(now, this.#lastRequestedAt + jumpedMs);
    this.#upstream.onResume();
  }

  /** Every 15 s, on the wall clock: lets idle credentials go, forgets expired ones, renews what is due. */
  sweep({ idleAfterMs }: { readonly idleAfterMs: number }): void {
    const now = this.#now();
    const longest = Math.min(idleAfterMs, this.#options.idleAfterMs ?? idleAfterMs);
    if (this.#lastRequestedAt !== undefined && now - this.#lastRequestedAt > longest) {
      this.#options.logger.info({ role: this.#options.role }, "credentials idle, let go");
      this.#lastRequestedAt = undefined;
      this.drop();
    }
    if (this.#kept && !this.#valid(now)) {
      this.#kept = undefined;
      this.#options.onChange();
    }
    this.#refreshIfDue();
  }

  /** Epoch ms of the last fetch by a client. */
  get lastRequestedAt(): number | undefined {
    return this.#lastRequestedAt;
  }

  /** What is held and valid. */
  peek(): HeldCredentials | undefined {
    return this.#valid(this.#now())?.held;
  }

  snapshot(): ProviderSnapshot {
    return {
      held: this.peek(),
      refreshing: this.#upstream.isPending,
      refreshAt: this.#kept?.refreshAt,
      error: this.#upstream.failure?.error,
      lastRequestedAt: this.#lastRequestedAt,
    };
  }

  /** For a client that cannot be answered from memory alone: nothing is held, or it ends within minutes. */
  async #fetchForClient(waitedMs: number): Promise<HeldCredentials> {
    const nothingHeld = !this.#valid(this.#now());
    const limitMs = patienceLeft(waitedMs);
    if (nothingHeld && this.#upstream.isAfterResume) return this.#within(this.#upstream.runPatiently(), limitMs);
    if (!this.#upstream.mayRun) return this.#validOrThrow(this.#upstream.failure?.error);
    return this.#within(this.#upstream.run(), limitMs).catch((error: unknown) => this.#validOrThrow(error));
  }

  #within(fetched: Promise<HeldCredentials>, limitMs: number, signal?: AbortSignal): Promise<HeldCredentials> {
    const { clock, role } = this.#options;
    return within(fetched, { clock, limitMs, late: () => stillFetched(role), ...(signal && { signal }) });
  }

  #keep(held: HeldCredentials): void {
    const refreshAt = plannedRefresh(held, { now: this.#now(), random: this.#options.random });
    this.#kept = { held, refreshAt, ...refreshWindows(held) };
    this.#queued = undefined;
  }

  #refreshBehind(): void {
    if (this.#upstream.isPending || this.#queued || !this.#upstream.mayRetry) return;
    const queued = (this.#queued = Symbol(this.#options.role));
    const renewed = this.#options.renewals.run(async () => {
      if (this.#queued !== queued) return;
      this.#queued = undefined;
      if (this.#upstream.mayRetry) await this.#upstream.run();
    });
    renewed.catch(() => undefined); // told where it happens, and kept as the last failure
  }

  /** A timer at the next moment something is due; the sweep makes up for it. */
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
    const clockSetBack = this.#kept !== undefined && now < this.#kept.held.receivedAt - CLOCK_TOLERANCE_MS;
    const { failure, mayRetry } = this.#upstream;
    if (now >= due || clockSetBack || (failure && mayRetry)) this.#refreshBehind();
  }

  /** Epoch ms; undefined: no client asks for it, or only the user can bring it on. */
  #dueAt(): number | undefined {
    const { failure, isPending } = this.#upstream;
    if (this.#lastRequestedAt === undefined || isPending) return undefined;
    if (failure) return isRecoverable(failure.error) ? failure.retryAt : undefined;
    return this.#kept ? this.#kept.refreshAt : this.#lastRequestedAt;
  }

  #valid(now: number): Kept | undefined {
    return this.#kept && now < this.#kept.advertisedExpiration ? this.#kept : undefined;
  }

  /** An error is never answered while valid credentials are held. */
  #validOrThrow(error: unknown): HeldCredentials {
    const kept = this.#valid(this.#now());
    if (kept) return kept.held;
    throw toBrokerError(error);
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

function stillFetched(role: string): BrokerError {
  return new BrokerError("CredentialsPending", `credentials for role ${role} are still being fetched`, {
    hint: "brokerctl status",
  });
}
