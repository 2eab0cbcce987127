import type { Page, SsoAccount, SsoAccountRole, SsoPortal } from "../aws/sso.js";
import type { Credentials } from "../core/credentials.js";
import type { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";

/** The portal answers about 20 calls a second and refuses the rest: 14 a second, and a few at once. */
const SPACING_MS = 70;
const AT_ONCE = 4;
/** More than a thousand calls that wait: it is the clock that was set back. */
const MAX_QUEUE_MS = 80_000;

/** The portal at a pace that it keeps up with: 50 roles that are woken at once are fetched in 4 s, not refused. */
export class PacedPortal implements SsoPortal {
  readonly #portal: SsoPortal;
  readonly #clock: Clock;
  /** Epoch ms at which all turns given so far would be used up, one each spacing (the generic cell rate algorithm). */
  #usedUpAt = 0;

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

  async getRoleCredentialsOfCli(
    cacheKey: string,
    role: { readonly accountId: string; readonly roleName: string },
    region: string,
  ): Promise<Credentials> {
    await this.#turn();
    return this.#portal.getRoleCredentialsOfCli(cacheKey, role, region);
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

  /** One call, and the user waits for it. */
  async logout(accessToken: Secret, region: string): Promise<void> {
    return this.#portal.logout(accessToken, region);
  }

  async #turn(): Promise<void> {
    const now = this.#clock.now();
    const usedUpAt = this.#usedUpAt - now > MAX_QUEUE_MS ? now : Math.max(this.#usedUpAt, now);
    this.#usedUpAt = usedUpAt + SPACING_MS;
    const delay = usedUpAt - now - (AT_ONCE - 1) * SPACING_MS;
    if (delay > 0) await this.#clock.sleep(delay);
  }
}
