import { createHash, randomBytes } from "node:crypto";
import type { PageFindings } from "../control-api/page-contract.js";
import type { Clock } from "../system/clock.js";

/** One tab that has come by a link. */
export interface PageSession {
  /** How many event streams it has open. */
  streams: number;
  /** Since when it has none, epoch milliseconds. */
  idleSince: number;
  /** Of the shell that opened it. */
  readonly findings: PageFindings;
}

interface Link {
  readonly expiresAt: number;
  readonly findings: PageFindings;
}

/** Between the link and the browser that takes it: a browser may have to start first. */
export const LINK_LIFE_MS = 3 * 60_000;
/** A laptop that slept, a tab that was reloaded: then it is closed for good. */
export const IDLE_LIFE_MS = 15 * 60_000;
/** More are not a person's. */
const MOST_LINKS = 8;
const MOST_SESSIONS = 32;

/** Links that are good once, and the secrets of the tabs that came by one: of both only hashes are kept. */
export class PageSessions {
  readonly #clock: Clock;
  readonly #links = new Map<string, Link>();
  readonly #sessions = new Map<string, PageSession>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 256 random bits. The oldest link gives way where there are too many. */
  newLink(findings: PageFindings): { readonly secret: string; readonly expiresAt: number } {
    const secret = newSecret();
    const expiresAt = this.#clock.now() + LINK_LIFE_MS;
    this.#links.set(hashOf(secret), { expiresAt, findings });
    if (this.#links.size > MOST_LINKS) this.#links.delete(firstOf(this.#links));
    return { secret, expiresAt };
  }

  /** The secret of a new session; undefined: there is no such link, or not any more. */
  redeem(link: string): string | undefined {
    const hash = hashOf(link);
    const found = this.#links.get(hash);
    this.#links.delete(hash);
    if (found === undefined || this.#clock.now() >= found.expiresAt) return undefined;
    const secret = newSecret();
    this.#sessions.set(hashOf(secret), { streams: 0, idleSince: this.#clock.now(), findings: found.findings });
    if (this.#sessions.size > MOST_SESSIONS) this.#forgetOne();
    return secret;
  }

  /** Looked up by its hash, so that no comparison runs over the secret and its time tells nothing. */
  find(secret: string): PageSession | undefined {
    const session = this.#sessions.get(hashOf(secret));
    return session && !this.#isOver(session) ? session : undefined;
  }

  /** Forgets what is over; when the next one is, epoch milliseconds. undefined: there is none left. */
  sweep(): { readonly nextEnd: number } | undefined {
    const now = this.#clock.now();
    for (const [hash, { expiresAt }] of this.#links) if (now >= expiresAt) this.#links.delete(hash);
    for (const [hash, session] of this.#sessions) if (this.#isOver(session)) this.#sessions.delete(hash);
    const ends = [
      ...[...this.#links.values()].map(({ expiresAt }) => expiresAt),
      ...[...this.#sessions.values()].map(({ streams, idleSince }) => (streams > 0 ? now : idleSince) + IDLE_LIFE_MS),
    ];
    return ends.length === 0 ? undefined : { nextEnd: Math.min(...ends) };
  }

  forgetAll(): void {
    this.#links.clear();
    this.#sessions.clear();
  }

  /** Math.abs: a clock that was set back must not make it live as long as the jump. */
  #isOver({ streams, idleSince }: PageSession): boolean {
    return streams === 0 && Math.abs(this.#clock.now() - idleSince) >= IDLE_LIFE_MS;
  }

  #forgetOne(): void {
    const idle = [...this.#sessions].find(([, { streams }]) => streams === 0);
    this.#sessions.delete(idle?.[0] ?? firstOf(this.#sessions));
  }
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function firstOf(map: ReadonlyMap<string, unknown>): string {
  return map.keys().next().value ?? "";
}
