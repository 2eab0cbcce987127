import type { Principal } from "../fake-aws/principals.js";
import { type FakeAccount, ssoRoleArn } from "./organization.js";
import { optionalText, type Parameters, text } from "./parameters.js";
import { RateLimit } from "./rate-limit.js";
import type { Sessions } from "./sessions.js";
import type { Settings } from "./settings.js";
import { type Answer, invalidRequest, jsonAnswer, SsoRefusal } from "./sso-refusal.js";

const MAX_PAGE_SIZE = 100;

/** Where role credentials come from: a `FakeAws`, at which they then sign. */
export interface RoleOpener {
  openRole(roleArn: string, sessionName: string, expiration: number): Principal;
}

export interface PortalOptions {
  readonly settings: Settings;
  readonly now: () => number;
  readonly sessions: Sessions;
  /** By user. */
  readonly assignments: ReadonlyMap<string, readonly FakeAccount[]>;
  readonly aws: RoleOpener;
}

export interface PortalRequest {
  readonly query: Parameters;
  readonly accessToken: string | undefined;
}

export type PortalAction = "GetRoleCredentials" | "ListAccounts" | "ListAccountRoles" | "Logout";

/** The access portal's API: accounts, roles, and their credentials, for the holder of an access token. */
export class Portal {
  readonly #options: PortalOptions;
  readonly #limit: RateLimit;

  constructor(options: PortalOptions) {
    this.#options = options;
    this.#limit = new RateLimit(options.settings);
  }

  perform(action: PortalAction, request: PortalRequest): Answer {
    const { settings, sessions, now } = this.#options;
    if (!this.#limit.admits(now())) {
      const { retryAfterSeconds } = settings;
      const headers = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
      throw new SsoRefusal("TooManyRequestsException", "HTTP 429 Unknown Code", { headers });
    }
    if (action === "Logout") {
      sessions.end(request.accessToken);
      return { status: 200, headers: {}, body: "" };
    }
    const user = sessions.userOf(request.accessToken);
    return jsonAnswer(this.#read(action, user, request.query));
  }

  #read(action: Exclude<PortalAction, "Logout">, user: string, query: Parameters): object {
    const accounts = this.#options.assignments.get(user) ?? [];
    switch (action) {
      case "GetRoleCredentials":
        return this.#roleCredentials(user, accounts, query);
      case "ListAccounts": {
        const { items, nextToken } = this.#page(accounts, query, user);
        return { accountList: items.map(withoutRoles), nextToken };
      }
      case "ListAccountRoles": {
        const { accountId, roles } = assigned(accounts, query);
        const { items, nextToken } = this.#page(roles, query, `${user} ${accountId}`);
        return { roleList: items.map((roleName) => ({ roleName, accountId })), nextToken };
      }
    }
  }

  #roleCredentials(user: string, accounts: readonly FakeAccount[], query: Parameters): object {
    const roleName = text(query, "role_name");
    const { accountId, roles } = assigned(accounts, query);
    if (!roles.includes(roleName)) throw noAccess();
    const { settings, now, aws } = this.#options;
    const expiration = Math.floor(now() / 1000 + settings.roleSessionSeconds) * 1000;
    const principal = aws.openRole(ssoRoleArn(accountId, roleName, settings.region), user, expiration);
    const { accessKeyId, secretAccessKey, sessionToken } = principal;
    return { roleCredentials: { accessKeyId, secretAccessKey, sessionToken, expiration } };
  }

  /** `scope` binds a page token to its list: one of another list is refused. */
  #page<T>(all: readonly T[], query: Parameters, scope: string): { items: readonly T[]; nextToken: string | null } {
    const size = pageSize(query, this.#options.settings.pageSize);
    const start = startOfPage(optionalText(query, "next_token"), scope);
    const end = start + size;
    const nextToken = end < all.length ? Buffer.from(`${scope}\0${end}`).toString("base64") : null;
    return { items: all.slice(start, end), nextToken };
  }
}

function withoutRoles({ accountId, accountName, emailAddress }: FakeAccount): Omit<FakeAccount, "roles"> {
  return { accountId, accountName, emailAddress };
}

function assigned(accounts: readonly FakeAccount[], query: Parameters): FakeAccount {
  const accountId = text(query, "account_id");
  if (!/^\d{12}$/.test(accountId)) throw invalidRequest("Invalid account id provided");
  const account = accounts.find((each) => each.accountId === accountId);
  if (!account) throw noAccess();
  return account;
}

function pageSize(query: Parameters, fallback: number): number {
  const size = Number(optionalText(query, "max_result") ?? fallback);
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE_SIZE) throw invalidRequest("Invalid max_result provided");
  return size;
}

function startOfPage(token: string | undefined, scope: string): number {
  if (token === undefined) return 0;
  const [found, start = ""] = Buffer.from(token, "base64").toString().split("\0");
  if (found !== scope || !/^\d+$/.test(start)) throw invalidRequest("Invalid next_token provided");
  return Number(start);
}

/** Also for accounts that do not exist: AWS does not tell. */
function noAccess(): SsoRefusal {
  return new SsoRefusal("ForbiddenException", "No access");
}
