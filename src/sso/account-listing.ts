import type { Page, SsoAccount, SsoAccountRole, SsoPortal } from "../aws/sso.js";
import { type BrokerError, toBrokerError } from "../core/errors.js";
import type { SsoSource } from "../core/role.js";
import type { Secret } from "../core/secret.js";
import { type SsoSession, sessionOf } from "../core/sso-session.js";
import type { Clock } from "../system/clock.js";
import type { WithToken } from "./with-token.js";

const ATTEMPTS = 7;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 8000;

export interface AccountListingParts {
  readonly portal: SsoPortal;
  readonly withToken: WithToken;
  readonly clock: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

export interface ListingOptions {
  readonly signal: AbortSignal;
  /** What was listed before may be so old, in milliseconds; left out: the portal is asked. */
  readonly maxAgeMs?: number | undefined;
}

/** What was listed last. */
interface Listed<T> {
  readonly at: number;
  readonly items: readonly T[];
}

interface ListedOfSession {
  accounts?: Listed<SsoAccount>;
  readonly roles: Map<string, Listed<SsoAccountRole>>;
}

/**
 * What a login can have, page by page; what the portal refuses for being asked too fast is asked again, later each time.
 * What it said last is remembered, in memory only, for callers that allow an age.
 */
export class AccountListing {
  readonly #parts: AccountListingParts;
  /** By session. */
  readonly #listed = new Map<string, ListedOfSession>();

  constructor(parts: AccountListingParts) {
    this.#parts = parts;
  }

  async accounts(source: SsoSource, { signal, maxAgeMs }: ListingOptions): Promise<readonly SsoAccount[]> {
    const { portal, clock } = this.#parts;
    const listed = this.#of(source);
    if (this.#isFresh(listed.accounts, maxAgeMs)) return listed.accounts.items;
    const list = (token: Secret, page: { nextToken?: string }): Promise<Page<SsoAccount>> =>
      portal.listAccounts(token, page, source.ssoRegion);
    const items = await this.#allPages(source, signal, list);
    listed.accounts = { at: clock.now(), items };
    return items;
  }

  async roles(
    source: SsoSource,
    accountId: string,
    { signal, maxAgeMs }: ListingOptions,
  ): Promise<readonly SsoAccountRole[]> {
    const { portal, clock } = this.#parts;
    const { roles } = this.#of(source);
    const former = roles.get(accountId);
    if (this.#isFresh(former, maxAgeMs)) return former.items;
    const list = (token: Secret, page: { nextToken?: string }): Promise<Page<SsoAccountRole>> =>
      portal.listAccountRoles(token, { accountId, ...page }, source.ssoRegion);
    const items = await this.#allPages(source, signal, list);
    roles.set(accountId, { at: clock.now(), items });
    return items;
  }

  /** What was listed before, however long ago; the portal is not asked. */
  known(source: SsoSource): readonly (SsoAccountRole & Pick<SsoAccount, "accountName">)[] {
    const { accounts, roles } = this.#of(source);
    return (accounts?.items ?? []).flatMap(({ accountId, accountName }) =>
      (roles.get(accountId)?.items ?? []).map(({ roleName }) => ({ accountId, accountName, roleName })),
    );
  }

  /** The next login may be that of another user. */
  forget({ id }: SsoSession): void {
    this.#listed.delete(id);
  }

  forgetAll(): void {
    this.#listed.clear();
  }

  #of(source: SsoSource): ListedOfSession {
    const { id } = sessionOf(source);
    const listed = this.#listed.get(id) ?? { roles: new Map<string, Listed<SsoAccountRole>>() };
    this.#listed.set(id, listed);
    return listed;
  }

  /** A list from the future was made before the clock was set back. */
  #isFresh<T>(listed: Listed<T> | undefined, maxAgeMs = 0): listed is Listed<T> {
    const age = listed === undefined ? Number.NaN : this.#parts.clock.now() - listed.at;
    return age >= 0 && age < maxAgeMs;
  }

  async #allPages<T>(
    source: SsoSource,
    signal: AbortSignal,
    list: (token: Secret, page: { nextToken?: string }) => Promise<Page<T>>,
  ): Promise<readonly T[]> {
    const items: T[] = [];
    let nextToken: string | undefined;
    do {
      const wanted = nextToken === undefined ? {} : { nextToken };
      const page = await this.#patiently(signal, () => this.#parts.withToken(source, (token) => list(token, wanted)));
      items.push(...page.items);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return items;
  }

  async #patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (thrown) {
        const error = toBrokerError(thrown);
        if (error.code !== "AwsUnreachable" || attempt === ATTEMPTS || signal.aborted) throw error;
        await this.#parts.clock.sleep(this.#pause(attempt, error), signal);
      }
    }
  }

  #pause(attempt: number, { retryAfterMs }: BrokerError): number {
    const ceiling = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
    return Math.max(ceiling / 2 + (this.#parts.random() * ceiling) / 2, Math.min(retryAfterMs ?? 0, MAX_PAUSE_MS));
  }
}
