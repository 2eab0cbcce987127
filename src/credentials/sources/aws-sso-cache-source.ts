import { createHash } from "node:crypto";
import { join } from "node:path";
import type { SsoPortal } from "../../aws/sso.js";
import type { Credentials, HeldCredentials } from "../../core/credentials.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import { loginCommandOfCli } from "../../core/login-command.js";
import type { AwsSsoCacheSource, Role } from "../../core/role.js";
import { Secret } from "../../core/secret.js";
import { shellQuote } from "../../core/shell-quote.js";
import { spellingsOfStartUrl } from "../../core/start-url.js";
import type { ReadSmallFile } from "../../files/read-small-file.js";
import type { Clock } from "../../system/clock.js";
import type { SourceProvider, SourceReadiness } from "./source-provider.js";

/** The CLI rewrites its file in place: for a moment it is empty or cut. */
const PATIENCE_MS = 200;
const LOOK_AGAIN_MS = 25;
const MAX_FILE_BYTES = 64 * 1024;

interface AwsSsoCacheOptions {
  /** `~/.aws/sso/cache` of the user. */
  readonly directory: string;
  readonly readFile: ReadSmallFile;
  readonly clock: Clock;
}

export interface AwsSsoCacheSourceOptions extends AwsSsoCacheOptions {
  readonly portal: SsoPortal;
}

interface CachedLogin {
  /** What the file is named by: the session's name, or the start URL as the CLI's profile has it. */
  readonly cacheKey: string;
  readonly accessToken: Secret;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** As the file has it. */
  readonly region: string | undefined;
}

/** `aws_sso_cache` sources: GetRoleCredentials with the login of `aws sso login`, for as long as that lives. */
export class AwsSsoCacheSourceProvider implements SourceProvider<AwsSsoCacheSource> {
  readonly #cache: AwsSsoCache;
  readonly #portal: SsoPortal;
  readonly #clock: Clock;

  constructor(options: AwsSsoCacheSourceOptions) {
    this.#cache = new AwsSsoCache(options);
    this.#portal = options.portal;
    this.#clock = options.clock;
  }

  /** Rejects with LoginRequired and the AWS CLI's own command, with AssumeRoleDenied where the role is not assigned. */
  async retrieve(source: AwsSsoCacheSource, role: Role): Promise<HeldCredentials> {
    const { sso } = role;
    if (!sso) throw new BrokerError("ConfigInvalid", `role ${role.name} has no sso_account_id and sso_role_name`);
    const credentials = await this.#withLogin(source, (login) => {
      const region = source.ssoRegion ?? login.region;
      if (region === undefined) throw regionMissing(source);
      return this.#portal.getRoleCredentialsOfCli(login.cacheKey, sso, region);
    });
    return { credentials: { ...credentials, accountId: sso.accountId }, receivedAt: this.#clock.now() };
  }

  async readiness(source: AwsSsoCacheSource): Promise<SourceReadiness> {
    const { expiresAt } = await this.#cache.read(source);
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
    const login = await this.#cache.read(source);
    if (this.#isOver(login.expiresAt)) throw loginNeeded(source, "has ended");
    return login;
  }

  #isOver(expiresAt: number): boolean {
    return expiresAt <= this.#clock.now();
  }
}

function regionMissing({ name }: AwsSsoCacheSource): BrokerError {
  return new BrokerError("ConfigInvalid", `the login of source ${name} does not say its region`, {
    hint: "set sso_region: brokerctl config edit",
  });
}

/**
 * The logins of `aws sso login`, as it keeps them: which one, until when, and whether it is half written. Credentials
 * for one are fetched by the AWS SDK. Strictly read-only: a refresh would spend the CLI's refresh token.
 */
class AwsSsoCache {
  readonly #options: AwsSsoCacheOptions;

  constructor(options: AwsSsoCacheOptions) {
    this.#options = options;
  }

  /** The login as it is now, ended or not. Rejects with LoginRequired where there is none, ConfigInvalid where it is unreadable. */
  async read(source: AwsSsoCacheSource): Promise<CachedLogin> {
    const { clock } = this.#options;
    const giveUpAt = clock.now() + PATIENCE_MS;
    for (;;) {
      const { text, cacheKey } = await this.#text(source);
      const login = parseLogin(text);
      if (login) return { ...login, cacheKey };
      if (clock.now() >= giveUpAt) throw loginNeeded(source, "holds no login that can be read");
      await clock.sleep(LOOK_AGAIN_MS);
    }
  }

  async #text(source: AwsSsoCacheSource): Promise<{ readonly text: Secret; readonly cacheKey: string }> {
    for (const cacheKey of cacheKeysOf(source)) {
      const path = join(this.#options.directory, `${createHash("sha1").update(cacheKey, "utf8").digest("hex")}.json`);
      const file = await this.#options.readFile(path, MAX_FILE_BYTES);
      if (file.found === "text") return { text: file.text, cacheKey };
      if (file.found === "nothing") continue;
      const message = `the login of the AWS CLI for source ${source.name}, ${path}, ${file.problem}`;
      throw new BrokerError("ConfigInvalid", message, { hint: `ls -l ${shellQuote(path)}` });
    }
    throw loginNeeded(source, "has no login");
  }
}

/** `why` continues the sentence after the name of the session. */
function loginNeeded(source: AwsSsoCacheSource, why: string): BrokerError {
  const { name, session } = source;
  const what = "ssoSession" in session ? `SSO session ${session.ssoSession}` : session.startUrl;
  return new BrokerError("LoginRequired", `source ${name}: ${what} ${why} in the AWS CLI's cache`, {
    hint: loginCommandOfCli(source),
  });
}

/**
 * The names of the CLI's files: the SHA-1 of the session's name or of the start URL, as it is spelled; how the CLI's
 * profile spells the same portal is not known here, so the config's spelling comes first and then the others.
 */
function cacheKeysOf({ session }: AwsSsoCacheSource): readonly string[] {
  const names =
    "ssoSession" in session ? [session.ssoSession] : [session.startUrl, ...spellingsOfStartUrl(session.startUrl)];
  return [...new Set(names)];
}

/** Undefined: half written, or something else. Only what is needed is taken: refresh token and client stay where they are. */
function parseLogin(text: Secret): Omit<CachedLogin, "cacheKey"> | undefined {
  const { accessToken, expiresAt, region } = parseObject(text);
  if (typeof accessToken !== "string" || accessToken === "" || typeof expiresAt !== "string") return undefined;
  const expiration = parseInstant(expiresAt);
  if (Number.isNaN(expiration)) return undefined;
  return {
    accessToken: new Secret(accessToken),
    expiresAt: expiration,
    region: typeof region === "string" ? region : undefined,
  };
}

function parseObject(text: Secret): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text.reveal());
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

/** `…Z` of the CLI, milliseconds of the JavaScript SDK, `…UTC` of older ones; without a zone UTC is meant. */
function parseInstant(text: string): number {
  const plain = text.trim().replace(/\s*UTC$/i, "Z");
  return Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(plain) ? plain : `${plain}Z`);
}
