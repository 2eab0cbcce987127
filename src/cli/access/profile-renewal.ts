import type { LeaseAccess } from "../../control-api/lease-contract.js";
import { reasonOf } from "../../core/errno.js";
import { type BrokerError, type BrokerErrorCode, toBrokerError } from "../../core/errors.js";
import { plannedRefresh } from "../../core/refresh-windows.js";
import type { Clock } from "../../system/clock.js";
import type { EndpointCredentials } from "./fetch-credentials.js";
import type { KeysOfProfiles } from "./profile-files.js";

/** A role whose keys stand under some names: its lease, and what was fetched with it. */
export interface ProfilesOfRole extends KeysOfProfiles {
  readonly access: LeaseAccess;
  readonly keys: EndpointCredentials;
}

export interface RenewalOptions {
  readonly profiles: readonly ProfilesOfRole[];
  readonly fetch: (access: LeaseAccess, signal: AbortSignal) => Promise<EndpointCredentials>;
  /** Replaces what the command reads. */
  readonly write: (profiles: readonly KeysOfProfiles[]) => Promise<void>;
  readonly warn: (message: string) => void;
  readonly clock: Clock;
}

/** After a suspend, timers go on where they were: the clock is looked at this often. It is also how soon a failed fetch is tried again. */
const LOOK_MS = 15_000;
/** Of credentials that live for seconds only. */
const SOONEST_MS = 1000;
/** The lease is over, or may not have the role any more: nothing that was given by it stays in the file. */
const FINAL: readonly BrokerErrorCode[] = ["LeaseUnknown", "LeaseEnded", "GuardRefused", "RequestRefused"];

interface Slot {
  readonly profiles: ProfilesOfRole;
  keys: EndpointCredentials | undefined;
  /** Epoch milliseconds of the next fetch; Infinity: none. */
  dueAt: number;
  told: BrokerErrorCode | undefined;
}

/** Keeps the keys in a file good while a command runs: fetched anew as the broker renews them, taken out when they have ended. */
export class ProfileRenewal {
  readonly #options: RenewalOptions;
  readonly #slots: readonly Slot[];
  readonly #stopped = new AbortController();
  #isWritten = true;
  #writing: Promise<void> = Promise.resolve();
  #hasToldDisk = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
    const now = options.clock.now();
    this.#slots = options.profiles.map((profiles) => {
      const { keys } = profiles;
      return { profiles, keys, dueAt: dueAt(keys, now), told: undefined };
    });
  }

  /** Goes on until `stop`; never throws. */
  start(): void {
    void this.#run();
  }

  /** Resolves when nothing is written any more. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error("the command has ended"));
    await this.#writing;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(this.#pauseMs(), signal).catch(() => undefined);
      await this.#look(signal);
    }
  }

  #pauseMs(): number {
    const now = this.#options.clock.now();
    const next = this.#slots.map(({ keys, dueAt }) => Math.min(dueAt, keys ? endOf(keys) : dueAt));
    return Math.min(LOOK_MS, Math.max(SOONEST_MS, Math.min(...next) - now));
  }

  async #look(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock } = this.#options;
    await Promise.all(this.#slots.filter(({ dueAt }) => dueAt <= clock.now()).map((slot) => this.#renew(slot, signal)));
    for (const slot of this.#slots) if (slot.keys && endOf(slot.keys) <= clock.now()) this.#put(slot, undefined);
    if (!this.#isWritten && !this.#stopped.signal.aborted) await (this.#writing = this.#write());
  }

  async #renew(slot: Slot, signal: AbortSignal): Promise<void> {
    const { fetch, clock } = this.#options;
    try {
      const keys = await fetch(slot.profiles.access, signal);
      if (keys.accessKeyId !== slot.keys?.accessKeyId) this.#put(slot, keys);
      slot.dueAt = dueAt(keys, clock.now());
      slot.told = undefined;
    } catch (thrown) {
      if (!signal.aborted) this.#failed(slot, toBrokerError(thrown));
    }
  }

  #failed(slot: Slot, { code, message }: BrokerError): void {
    const isOver = FINAL.includes(code);
    slot.dueAt = isOver ? Number.POSITIVE_INFINITY : this.#options.clock.now() + LOOK_MS;
    if (isOver) this.#put(slot, undefined);
    if (slot.told === code) return;
    slot.told = code;
    const { names } = slot.profiles;
    const what = isOver ? "has no keys any more" : "is not renewed";
    this.#options.warn(`profile ${names.join(", ")} ${what}: ${message}`);
  }

  #put(slot: Slot, keys: EndpointCredentials | undefined): void {
    slot.keys = keys;
    this.#isWritten = false;
  }

  /** What the disk does not take stands as it was, and is tried again. */
  async #write(): Promise<void> {
    const { write, warn } = this.#options;
    this.#isWritten = true;
    try {
      await write(this.#slots.map(({ profiles, keys }) => ({ ...profiles, keys })));
      this.#hasToldDisk = false;
    } catch (error) {
      this.#isWritten = false;
      if (!this.#hasToldDisk) warn(`the keys of the profiles are not renewed: ${reasonOf(error)}`);
      this.#hasToldDisk = true;
    }
  }
}

function endOf({ expiration }: EndpointCredentials): number {
  return Date.parse(expiration);
}

/** As brokerd plans its own: a little later than it, which then has the new ones. */
function dueAt(keys: EndpointCredentials, now: number): number {
  const { secretAccessKey, sessionToken, accessKeyId } = keys;
  const credentials = { accessKeyId, secretAccessKey, sessionToken, expiration: endOf(keys) };
  return Math.max(plannedRefresh({ credentials, receivedAt: now }, { now, random: () => 0 }), now + SOONEST_MS);
}
