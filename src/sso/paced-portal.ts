import type { Page, SsoAccount, SsoAccountRole, SsoPortal } from "../aws/sso.js";
import type { Credentials } from "../core/credentials.js";
import type { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";

/** The portal answers about 20 calls a second and refuses the rest (peers §3.25): a little fewer, as clocks differ. */
const CALLS_PER_WINDOW = 18;
const WINDOW_MS = 1000;

/** The portal at a pace that it keeps up with: 50 roles that are woken at once are fetched in 3 s, not refused. */
export class PacedPortal implements SsoPortal {
  readonly #portal: SsoPortal;
  readonly #clock: Clock;
  /** Epoch ms of the turns given last, at most one window's worth. */
  #turns: number[] = [];

  constructor({ portal, clock }: { readonly portal: SsoPortal; readonly clock: Clock }) {
    this.#portal = portal;
    this.#clock = clock;
  }

  async getRoleCredentials(
    accessToken: Secret,
    role: { readonly accountId: string; readonly roleName: string },
    region: string,
  ): Promise<Credentials> {
    await this.#turn();
    return this.#portal.getRoleCredentials(accessToken, role, region);
  }

  async listAccounts(
    accessToken: Secret,
    page: { readonly nextToken?: string },
    region: string,
  ): Promise<Page<SsoAccount>> {
    await this.#turn();
    return this.#portal.listAccounts(accessToken, page, region);
  }

  async listAccountRoles(
    accessToken: Secret,
    page: { readonly accountId: string; readonly nextToken?: string },
    region: string,
  ): Promise<Page<SsoAccountRole>> {
    await this.#turn();
    return this.#portal.listAccountRoles(accessToken, page, region);
  }

  /** One call, and a person waits for it. */
  async logout(accessToken: Secret, region: string): Promise<void> {
    return this.#portal.logout(accessToken, region);
  }

  /** Each call's turn comes one window after the one that many calls before it. */
  async #turn(): Promise<void> {
    const now = this.#clock.now();
    const earliest = this.#turns.length < CALLS_PER_WINDOW ? now : (this.#turns[0] ?? now) + WINDOW_MS;
    // A clock that was set back must not make anybody wait for the time that it lost.
    const at = earliest - now > MAX_QUEUE_MS ? now : Math.max(now, earliest);
    this.#turns = [...this.#turns, at].slice(-CALLS_PER_WINDOW);
    if (at > now) await this.#clock.sleep(at - now);
  }
}

/** 1,000 calls that wait; beyond that the clock lies. */
const MAX_QUEUE_MS = 60_000;
