import { randomInt } from "node:crypto";
import type { AccessRequest } from "../core/access-request.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { Mutex } from "../core/serial.js";
import { StateFile, type WriteAtomic } from "../files/state-file.js";
import type { Clock } from "../system/clock.js";
import { parseRequests, renderRequests } from "./request-records.js";

const HOUR_MS = 60 * 60_000;
/** Of one lease. */
const MOST_AN_HOUR = 10;
/** Of all leases: asking with ever new ones would fill a list that no person reads to its end. */
const MOST_PENDING = 50;
/** After a no to the same role. */
const COOL_DOWN_MS = 10 * 60_000;
/** A request that no person has seen by then is not what its asker still waits for. */
const PENDING_MS = 2 * HOUR_MS;
/** Decided ones are kept for those who look, and for the limits above. */
const KEPT_MS = 24 * HOUR_MS;
const MAX_KEPT = 500;

export interface RequestRegistryOptions {
  /** `requests.json`. */
  readonly path: string;
  readonly writeAtomic: WriteAtomic;
  readonly clock: Clock;
}

export type NewRequest = Pick<AccessRequest, "lease" | "role" | "digest" | "reason" | "forSeconds" | "pid"> &
  Partial<Pick<AccessRequest, "scope">>;

/** What became of a request. */
export type Decision =
  | { readonly state: "approved"; readonly by: "person" | "rule"; readonly until: number }
  | { readonly state: "denied"; readonly by: "person" | "rule" }
  | { readonly state: "released" | "void" };

/** The wishes of leases for roles; durable, so that a restart ends neither a wait nor a limit. */
export class RequestRegistry {
  readonly #file: StateFile;
  readonly #clock: Clock;
  readonly #changes = new Mutex();
  readonly #waiting = new Map<string, Set<(request: AccessRequest) => void>>();
  #requests: readonly AccessRequest[] | undefined;
  #loadProblem: BrokerError | undefined;

  constructor({ path, writeAtomic, clock }: RequestRegistryOptions) {
    this.#file = new StateFile({ path, writeAtomic, what: "requests" });
    this.#clock = clock;
  }

  /** Until it has worked every other method throws or rejects, and the file is not written. */
  async load(): Promise<void> {
    try {
      this.#requests = (await this.#file.read(parseRequests)) ?? [];
    } catch (error) {
      this.#loadProblem = toBrokerError(error);
      throw error;
    }
  }

  /** Why nothing can be requested or approved, for `status`; undefined: it can. */
  get loadProblem(): BrokerError | undefined {
    return this.#loadProblem;
  }

  /** The newest first, as they stand now. */
  list(): readonly AccessRequest[] {
    return this.#all.map((request) => this.#present(request)).toReversed();
  }

  /** How many wait for a person; 0 where they could not be loaded, which the log says: `status` says all else. */
  get pendingCount(): number {
    return this.#requests === undefined ? 0 : this.list().filter(({ state }) => state === "pending").length;
  }

  get(id: string): AccessRequest {
    const found = this.#all.find((request) => request.id === id);
    if (found) return this.#present(found);
    throw new BrokerError("UsageInvalid", `there is no request ${id}`, { hint: "brokerctl requests" });
  }

  /** One that a person has to decide; throws `Conflict` where it is decided. */
  pending(id: string): AccessRequest {
    const request = this.get(id);
    if (request.state === "pending") return request;
    throw decidedAlready(request);
  }

  /** What `create` would do, and nothing done: throws what it rejects with, answers the pending request that is the same. */
  preview(wish: NewRequest): AccessRequest | undefined {
    return this.#refuse(wish);
  }

  /** Rejects with `RequestPending` where the lease waits for another one, with `RequestDenied` where it has to wait first. */
  async create(wish: NewRequest): Promise<AccessRequest> {
    return this.#changes.run(async () => {
      const same = this.#refuse(wish);
      if (same) return same;
      const request: AccessRequest = {
        ...{ id: this.#newId(), scope: "any", ...wish, state: "pending", createdAt: this.#clock.now() },
        ...{ decidedAt: null, decidedBy: null, until: null },
      };
      await this.#save([...this.#all, request]);
      return request;
    });
  }

  /**
   * `give` makes the grant, before the approval is on record: what it rejects with leaves the request as it was. Rejects with
   * `Conflict` where it was decided already; an approved one can still be denied or released, which takes the grant back by `give`.
   */
  async decide(
    id: string,
    decision: Decision,
    give: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<AccessRequest> {
    return this.#changes.run(async () => {
      const request = this.get(id);
      const endsGrant = decision.state === "denied" || decision.state === "released";
      const mayDecide = request.state === "pending" || (request.state === "approved" && endsGrant);
      if (!mayDecide) throw decidedAlready(request);
      await give();
      const decided: AccessRequest = {
        ...request,
        state: decision.state,
        decidedAt: this.#clock.now(),
        decidedBy: "by" in decision ? decision.by : null,
        until: decision.state === "approved" ? decision.until : null,
      };
      await this.#save(this.#all.map((one) => (one.id === id ? decided : one)));
      this.#tell(decided);
      return decided;
    });
  }

  /** Resolves with the request once it is not pending any more; rejects with the signal's reason. */
  async wait(id: string, signal: AbortSignal): Promise<AccessRequest> {
    const request = this.get(id);
    if (request.state !== "pending") return request;
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      const stop = (): void => {
        waiting.delete(done);
        signal.removeEventListener("abort", abort);
      };
      const done = (decided: AccessRequest): void => {
        stop();
        resolve(decided);
      };
      const abort = (): void => {
        stop();
        reject(new Error("the wait was given up"));
      };
      this.#waiting.set(id, waiting.add(done));
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Ends what was not decided in time, forgets what is old. Rejects when that cannot be saved; then the next one tries again. */
  async sweep(): Promise<void> {
    if (!this.#requests) return;
    await this.#changes.run(async () => {
      const now = this.#clock.now();
      const presented = this.#all.map((request) => this.#present(request));
      const kept = presented.filter((one) => one.state === "pending" || Math.abs(now - one.createdAt) < KEPT_MS);
      const ended = kept.filter(({ id, state }) => state === "expired" && this.#waiting.has(id));
      const isSame = kept.length === this.#all.length && kept.every((one, index) => one === this.#all[index]);
      if (!isSame) await this.#save(kept);
      for (const request of ended) this.#tell(request);
    });
  }

  get #all(): readonly AccessRequest[] {
    if (this.#requests) return this.#requests;
    throw new BrokerError("StoreUnavailable", "the requests could not be loaded", { hint: "brokerctl logs" });
  }

  #present(request: AccessRequest): AccessRequest {
    const isOver = Math.abs(this.#clock.now() - request.createdAt) >= PENDING_MS;
    return request.state === "pending" && isOver ? { ...request, state: "expired" } : request;
  }

  /** Throws where this may not be asked now; answers the request that asks the same and is pending. */
  #refuse(wish: NewRequest): AccessRequest | undefined {
    const requests = this.list();
    const own = requests.filter(({ lease }) => lease.id === wish.lease.id);
    const pending = own.find(({ state }) => state === "pending");
    if (pending) return sameOrRefused(pending, wish);
    this.#refuseTooSoon(own, wish);
    const open = requests.filter(({ state }) => state === "pending").length;
    if (open >= MOST_PENDING) throw tooSoon(`${open} requests are pending`, COOL_DOWN_MS);
    return undefined;
  }

  /** `own`: of the same lease, the newest first. */
  #refuseTooSoon(own: readonly AccessRequest[], { lease, role }: NewRequest): void {
    const now = this.#clock.now();
    const within = (ms: number, at: number | null): boolean => at !== null && Math.abs(now - at) < ms;
    const denied = own.find(
      (one) => one.role === role && one.state === "denied" && within(COOL_DOWN_MS, one.decidedAt),
    );
    if (denied)
      throw tooSoon(`request ${denied.id} for ${role} was denied`, (denied.decidedAt ?? now) + COOL_DOWN_MS - now);
    const recent = own.filter(({ createdAt }) => within(HOUR_MS, createdAt));
    if (recent.length < MOST_AN_HOUR) return;
    const oldest = recent.at(-1)?.createdAt ?? now;
    throw tooSoon(`lease ${lease.label} has made ${recent.length} requests`, oldest + HOUR_MS - now);
  }

  async #save(requests: readonly AccessRequest[]): Promise<void> {
    const kept = this.#withoutOldest(requests);
    await this.#file.write(renderRequests(kept));
    this.#requests = kept;
  }

  /** What a person still decides, or could take back, stays: no flood of others pushes it out. */
  #withoutOldest(requests: readonly AccessRequest[]): readonly AccessRequest[] {
    let tooMany = requests.length - MAX_KEPT;
    if (tooMany <= 0) return requests;
    const now = this.#clock.now();
    const isOpen = ({ state, until }: AccessRequest): boolean =>
      state === "pending" || (state === "approved" && until !== null && now < until);
    return requests.filter((request) => isOpen(request) || tooMany-- <= 0);
  }

  #tell(request: AccessRequest): void {
    const waiting = this.#waiting.get(request.id) ?? [];
    this.#waiting.delete(request.id);
    for (const done of waiting) done(request);
  }

  #newId(): string {
    const letters = "abcdefghijklmnopqrstuvwxyz234567";
    const id = Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join("");
    return this.#all.some((request) => request.id === id) ? this.#newId() : id;
  }
}

function decidedAlready({ id, state }: AccessRequest): BrokerError {
  return new BrokerError("Conflict", `request ${id} is ${state} already`, { hint: "brokerctl requests --all" });
}

function sameOrRefused(pending: AccessRequest, { lease, role, digest, reason, forSeconds }: NewRequest): AccessRequest {
  const isSame = pending.role === role && pending.digest === digest && pending.forSeconds === forSeconds;
  if (isSame && pending.reason === reason) return pending;
  throw new BrokerError("RequestPending", `lease ${lease.label} waits for request ${pending.id} already`, {
    hint: `brokerctl approve ${pending.id}, or brokerctl deny ${pending.id}    # by its user`,
  });
}

function tooSoon(why: string, waitMs: number): BrokerError {
  const minutes = Math.min(60, Math.max(1, Math.ceil(waitMs / 60_000)));
  return new BrokerError("RequestDenied", `${why}: ask again in ${minutes} min`, { hint: "brokerctl requests" });
}
