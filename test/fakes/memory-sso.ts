import type { Page, SsoAccount, SsoAccountRole, SsoPortal } from "../../src/aws/sso.js";
import type {
  ClientRegistration,
  ClientRegistrationRequest,
  DeviceAuthorization,
  SsoOidc,
  TokenGrant,
  TokenOutcome,
} from "../../src/aws/sso-oidc.js";
import type { Credentials } from "../../src/core/credentials.js";
import { BrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import type { Clock } from "../../src/system/clock.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";

const MINUTE = 60_000;

/** Identity Center in memory: one organization, one user, who decides through `decision`. */
export class MemorySso implements SsoOidc, SsoPortal {
  readonly registered: ClientRegistrationRequest[] = [];
  readonly grants: TokenGrant[] = [];
  readonly calls: string[] = [];
  /** Epoch ms of each portal call. */
  readonly portalTimes: number[] = [];
  decision: "pending" | "approved" | "denied" = "pending";
  /** Answers of the next createToken calls, before what is right. */
  readonly next: (TokenOutcome | BrokerError)[] = [];
  registrationLifeMs = 90 * 24 * 60 * MINUTE;
  accessLifeMs = 60 * MINUTE;
  roleLifeMs = 60 * MINUTE;
  deviceLifeMs = 10 * MINUTE;
  rotation: "rotate" | "omit" = "rotate";
  accounts: readonly SsoAccount[] = [];
  rolesOfEach: readonly string[] = ["Developer"];
  pageSize = 20;
  /** Portal calls that are refused with 429 before any is answered. */
  throttled = 0;
  portalDown = false;
  /** Waits before each createToken is answered. */
  gate: Promise<void> = Promise.resolve();
  #refreshToken: string | undefined;
  #challenge: string | undefined;
  readonly #valid = new Set<string>();
  #count = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async registerClient(request: ClientRegistrationRequest): Promise<ClientRegistration> {
    this.registered.push(request);
    const expiresAt = this.#clock.now() + this.registrationLifeMs;
    return { clientId: `client-${this.registered.length}`, clientSecret: this.#secret("client"), expiresAt };
  }

  async startDeviceAuthorization(): Promise<DeviceAuthorization> {
    this.calls.push("StartDeviceAuthorization");
    return {
      deviceCode: this.#secret("device"),
      userCode: "ABCD-EFGH",
      verificationUri: "https://device.example/",
      verificationUriComplete: "https://device.example/?user_code=ABCD-EFGH",
      expiresAt: this.#clock.now() + this.deviceLifeMs,
      intervalSeconds: 5,
    };
  }

  async authorizeUrl(parameters: Readonly<Record<string, string>>, region: string): Promise<string> {
    this.#challenge = parameters["code_challenge"];
    return `https://oidc.${region}.example/authorize?${new URLSearchParams(parameters).toString()}`;
  }

  get challenge(): string | undefined {
    return this.#challenge;
  }

  async createToken(_client: ClientRegistration, grant: TokenGrant): Promise<TokenOutcome> {
    this.grants.push(grant);
    await this.gate;
    const planned = this.next.shift();
    if (planned instanceof BrokerError) throw planned;
    if (planned) return planned;
    if (grant.kind === "device") {
      if (this.decision === "pending") return { outcome: "pending" };
      if (this.decision === "denied") return { outcome: "denied", message: "denied" };
    }
    if (grant.kind === "refresh" && grant.refreshToken.reveal() !== this.#refreshToken) {
      return { outcome: "invalid_grant", message: "Invalid refresh token provided" };
    }
    return this.#grant();
  }

  /** An administrator ends the session: tokens answer 401, renewals invalid_grant. */
  endSession(): void {
    this.#valid.clear();
    this.#refreshToken = undefined;
  }

  revokeRefreshToken(): void {
    this.#refreshToken = undefined;
  }

  expireAccessTokens(): void {
    this.#valid.clear();
  }

  async getRoleCredentials(token: Secret, role: { accountId: string; roleName: string }): Promise<Credentials> {
    this.#portal(`GetRoleCredentials ${role.accountId}/${role.roleName}`, token);
    if (!this.rolesOfEach.includes(role.roleName)) {
      throw new BrokerError("AssumeRoleDenied", `no access to ${role.roleName} in ${role.accountId}`);
    }
    return {
      accessKeyId: `ASIA${String(++this.#count).padStart(16, "0")}`,
      secretAccessKey: new Secret(canarySecretKey("sso")),
      sessionToken: this.#secret("session"),
      expiration: this.#clock.now() + this.roleLifeMs,
    };
  }

  async getRoleCredentialsOfCli(): Promise<Credentials> {
    return Promise.reject(new BrokerError("LoginRequired", "there is no login of the AWS CLI"));
  }

  async listAccounts(token: Secret, { nextToken }: { nextToken?: string }): Promise<Page<SsoAccount>> {
    this.#portal("ListAccounts", token);
    return this.#page(this.accounts, nextToken);
  }

  async listAccountRoles(
    token: Secret,
    { accountId, nextToken }: { accountId: string; nextToken?: string },
  ): Promise<Page<SsoAccountRole>> {
    this.#portal(`ListAccountRoles ${accountId}`, token);
    const roles = this.rolesOfEach.map((roleName) => ({ accountId, roleName }));
    return this.#page(roles, nextToken);
  }

  async logout(token: Secret): Promise<void> {
    this.#portal("Logout", token);
    this.endSession();
  }

  #grant(): TokenOutcome {
    const accessToken = this.#secret("access");
    this.#valid.add(accessToken.reveal());
    const refreshToken = this.#secret("refresh");
    const isRenewable = this.rotation === "rotate" || this.#refreshToken === undefined;
    this.#refreshToken = isRenewable ? refreshToken.reveal() : undefined;
    return {
      outcome: "granted",
      accessToken,
      expiresAt: this.#clock.now() + this.accessLifeMs,
      ...(isRenewable && { refreshToken }),
    };
  }

  #portal(action: string, token: Secret): void {
    this.calls.push(action);
    this.portalTimes.push(this.#clock.now());
    if (this.portalDown) throw new BrokerError("AwsUnreachable", "portal.example cannot be reached");
    if (this.throttled-- > 0) throw new BrokerError("AwsUnreachable", "portal.example throttles");
    if (!this.#valid.has(token.reveal())) throw new BrokerError("LoginRequired", "the access token is not accepted");
  }

  #page<T>(all: readonly T[], nextToken: string | undefined): Page<T> {
    const start = Number(nextToken ?? 0);
    const end = start + this.pageSize;
    return { items: all.slice(start, end), ...(end < all.length && { nextToken: String(end) }) };
  }

  #secret(kind: string): Secret {
    return new Secret(`${kind}-${CANARY}-${++this.#count}`);
  }
}
