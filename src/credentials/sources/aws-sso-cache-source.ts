import type { SsoPortal } from "../../aws/sso.js";
import type { Credentials, HeldCredentials } from "../../core/credentials.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { AwsSsoCacheSource, Role } from "../../core/role.js";
import type { Clock } from "../../system/clock.js";
import { type AwsSsoCache, type CachedLogin, loginNeeded } from "./aws-sso-cache.js";
import type { SourceProvider, SourceReadiness } from "./source-provider.js";

export interface AwsSsoCacheSourceOptions {
  readonly cache: AwsSsoCache;
  readonly portal: SsoPortal;
  readonly clock: Clock;
}

/** `aws_sso_cache` sources: GetRoleCredentials with the login of `aws sso login`, for as long as that lives. */
export class AwsSsoCacheSourceProvider implements SourceProvider<AwsSsoCacheSource> {
  readonly #options: AwsSsoCacheSourceOptions;

  constructor(options: AwsSsoCacheSourceOptions) {
    this.#options = options;
  }

  /** Rejects with LoginRequired and the AWS CLI's own command, with AssumeRoleDenied where the role is not assigned. */
  async retrieve(source: AwsSsoCacheSource, role: Role): Promise<HeldCredentials> {
    const { sso } = role;
    if (!sso) throw new BrokerError("ConfigInvalid", `role ${role.name} has no sso_account_id and sso_role_name`);
    const credentials = await this.#withLogin(source, (login) => {
      const region = source.ssoRegion ?? login.region;
      if (region === undefined) throw regionMissing(source);
      return this.#options.portal.getRoleCredentialsOfCli(login.cacheKey, sso, region);
    });
    return { credentials: { ...credentials, accountId: sso.accountId }, receivedAt: this.#options.clock.now() };
  }

  async readiness(source: AwsSsoCacheSource): Promise<SourceReadiness> {
    const { expiresAt } = await this.#options.cache.read(source);
    return { needs: this.#isOver(expiresAt) ? "LoginRequired" : undefined, expiresAt };
  }

  /** A token that is refused may have been replaced since it was read: another one is tried, once. */
  async #withLogin(source: AwsSsoCacheSource, use: (login: CachedLogin) => Promise<Credentials>): Promise<Credentials> {
    const login = await this.#live(source);
    try {
      return await use(login);
    } catch (error) {
      if (toBrokerError(error).code !== "LoginRequired") throw error;
    }
    const newer = await this.#live(source);
    if (newer.accessToken.reveal() === login.accessToken.reveal()) throw loginNeeded(source, "has ended");
    return use(newer).catch((error: unknown) => {
      throw toBrokerError(error).code === "LoginRequired" ? loginNeeded(source, "has ended") : error;
    });
  }

  async #live(source: AwsSsoCacheSource): Promise<CachedLogin> {
    const login = await this.#options.cache.read(source);
    if (this.#isOver(login.expiresAt)) throw loginNeeded(source, "has ended");
    return login;
  }

  #isOver(expiresAt: number): boolean {
    return expiresAt <= this.#options.clock.now();
  }
}

function regionMissing({ name }: AwsSsoCacheSource): BrokerError {
  return new BrokerError("ConfigInvalid", `the login of source ${name} does not say its region`, {
    hint: "set sso_region: brokerctl config edit",
  });
}
