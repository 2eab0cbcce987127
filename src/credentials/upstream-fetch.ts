import type { HeldCredentials } from "../core/credentials.js";
import { BrokerError, isRecoverable, toBrokerError } from "../core/errors.js";
import { refreshWindows } from "../core/refresh-windows.js";
import { type Failure, mayRetry, nextFailure } from "../core/retry-schedule.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";

/** After a resume the network takes seconds to come back; an SDK that gets an error does not ask again for minutes. */
const PATIENCE_MS = 30_000;

export interface UpstreamOptions {
  readonly role: string;
  /** One upstream retrieval; it takes as long as it takes. */
  readonly retrieveUpstream: () => Promise<HeldCredentials>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

/** What each fetch means for the credentials that are held. */
export interface UpstreamOutcomes {
  readonly onFetched: (fresh: HeldCredentials) => void;
  /** AWS no longer allows the role. */
  readonly onDenied: () => void;
  /** After each fetch, whatever came of it. */
  readonly onEnd: () => void;
}

/**
 * The one upstream call for a role, shared by all that ask, and its last failure. For 30 s after a resume a failure that
 * can recover is tried again instead of being answered.
 */
export class UpstreamFetch {
  readonly #options: UpstreamOptions;
  readonly #outcomes: UpstreamOutcomes;
  #pending: Promise<HeldCredentials> | undefined;
  #failure: Failure | undefined;
  /** Counts `abandon`: what was fetched for an earlier generation is not taken. */
  #generation = 0;
  #resumedAt: number | undefined;
  #tries: Promise<HeldCredentials> | undefined;

  constructor(options: UpstreamOptions, outcomes: UpstreamOutcomes) {
    this.#options = options;
    this.#outcomes = outcomes;
  }

  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** The last fetch failed, and nothing was fetched or forgotten since. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** The pause after the last failure is over, or there was none. */
  get mayRetry(): boolean {
    return mayRetry(this.#failure, this.#now());
  }

  /** A call is under way that can be shared, or `mayRetry`. */
  get mayRun(): boolean {
    return this.isPending || this.mayRetry;
  }

  /** Callers share the call that is under way; one that gives up does not cancel it. */
  run(): Promise<HeldCredentials> {
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
        this.#outcomes.onEnd();
      });
    pending.catch(() => undefined);
    this.#pending = pending;
    return pending;
  }

  /** What is under way is not taken; the last failure is forgotten. */
  abandon(): void {
    this.#generation++;
    this.#pending = this.#failure = undefined;
  }

  /** What the last failure waited for has come. */
  forgetFailure(): void {
    this.#failure = undefined;
  }

  /** The back-off from before the suspend no longer applies: what was unreachable then is asked at once. */
  onResume(): void {
    this.#resumedAt = this.#now();
    if (this.#failure && isRecoverable(this.#failure.error)) this.#failure = undefined;
  }

  get isAfterResume(): boolean {
    if (this.#resumedAt === undefined) return false;
    const passed = this.#now() - this.#resumedAt;
    return passed >= 0 && passed < PATIENCE_MS;
  }

  /** After a resume: tries until one works, one fails for good, or the 30 s end; all callers share the tries. */
  runPatiently(): Promise<HeldCredentials> {
    this.#tries ??= this.#tryOn().finally(() => (this.#tries = undefined));
    return this.#tries;
  }

  #accept(fresh: HeldCredentials, generation: number): HeldCredentials {
    const { logger, role } = this.#options;
    if (generation !== this.#generation) throw droppedMeanwhile(role);
    if (this.#now() >= refreshWindows(fresh).advertisedExpiration) {
      throw this.#fail(new BrokerError("AwsUnreachable", `AWS answered expired credentials for role ${role}`));
    }
    this.#failure = undefined;
    this.#outcomes.onFetched(fresh);
    const { credentials, roleArn } = fresh;
    logger.info({ role, roleArn, expiration: credentials.expiration }, "credentials fetched");
    return fresh;
  }

  #reject(error: BrokerError, generation: number): never {
    throw generation === this.#generation ? this.#fail(error) : droppedMeanwhile(this.#options.role);
  }

  #fail(error: BrokerError): BrokerError {
    const { logger, random, role } = this.#options;
    const soon = this.isAfterResume;
    this.#failure = nextFailure({ error, previous: this.#failure, now: this.#now(), random, soon });
    if (error.code === "AssumeRoleDenied") this.#outcomes.onDenied();
    const { code, message: reason } = error;
    logger.warn({ role, code, attempt: this.#failure.count, reason }, "credentials not fetched");
    return error;
  }

  async #tryOn(): Promise<HeldCredentials> {
    for (;;) {
      await this.#pause();
      const fetched = await this.run().catch(toBrokerError);
      if (!(fetched instanceof BrokerError)) return fetched;
      if (!this.isAfterResume || !isRecoverable(fetched)) throw fetched;
    }
  }

  /** Until another call may be made: one that failed meanwhile has a pause of its own. */
  async #pause(): Promise<void> {
    for (let last = this.#failure; last && !this.mayRun; last = this.#failure) {
      if (!this.isAfterResume || !isRecoverable(last.error)) throw last.error;
      await this.#options.clock.sleep(last.retryAt - this.#now());
    }
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

function droppedMeanwhile(role: string): BrokerError {
  const message = `credentials for role ${role} were dropped while they were being fetched`;
  return new BrokerError("CredentialsPending", message);
}
