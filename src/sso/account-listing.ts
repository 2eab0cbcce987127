import type { Page, SsoAccount, SsoAccountRole, SsoPortal } from "../aws/sso.js";
import { type BrokerError, toBrokerError } from "../core/errors.js";
import type { SsoSource } from "../core/role.js";
import type { Secret } from "../core/secret.js";
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

/** What a login can have, page by page; what the portal refuses for being asked too fast is asked again, later each time. */
export class AccountListing {
  readonly #parts: AccountListingParts;

  constructor(parts: AccountListingParts) {
    this.#parts = parts;
  }

  async accounts(source: SsoSource, signal: AbortSignal): Promise<readonly SsoAccount[]> {
    const { portal } = this.#parts;
    return this.#allPages(source, signal, (token, page) => portal.listAccounts(token, page, source.ssoRegion));
  }

  async roles(source: SsoSource, accountId: string, signal: AbortSignal): Promise<readonly SsoAccountRole[]> {
    const { portal } = this.#parts;
    const list = (token: Secret, page: { nextToken?: string }): Promise<Page<SsoAccountRole>> =>
      portal.listAccountRoles(token, { accountId, ...page }, source.ssoRegion);
    return this.#allPages(source, signal, list);
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
