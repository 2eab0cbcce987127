import type { Sts } from "../../aws/sts.js";
import type { HeldCredentials } from "../../core/credentials.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import { refreshWindows } from "../../core/refresh-windows.js";
import type { KeysSource, Role } from "../../core/role.js";
import type { Clock } from "../../system/clock.js";
import type { KeyStore } from "./key-store.js";
import type { AssumeRole, SourceProvider, SourceReadiness } from "./source-provider.js";

export interface KeysSessionsOptions {
  readonly keys: KeyStore;
  readonly sts: Sts;
  readonly assumeRole: AssumeRole;
  readonly clock: Clock;
  /** Called after a login or a drop, so that sessions are persisted. */
  readonly onChange: () => void;
}

/**
 * `keys` sources. Without MFA the long-term key itself signs AssumeRole; with MFA the one GetSessionToken session does
 * that `brokerctl login` opened for all roles of the source. A role without role_arn gets such a session itself: AWS
 * then refuses IAM and most of STS (sdk-contract §17).
 */
export class KeysSessions implements SourceProvider<KeysSource> {
  readonly #options: KeysSessionsOptions;
  readonly #sessions = new Map<string, HeldCredentials>();

  constructor(options: KeysSessionsOptions) {
    this.#options = options;
  }

  /** Rejects with KeyMissing, StoreLocked or MfaRequired before AWS is called. */
  async retrieve(source: KeysSource, role: Role): Promise<HeldCredentials> {
    if (!role.assume) return source.mfaSerial === undefined ? this.#open(source) : this.#current(source);
    const signer =
      source.mfaSerial === undefined ? await this.#options.keys.get(source.name) : this.#current(source).credentials;
    try {
      return await this.#options.assumeRole(signer, role);
    } catch (error) {
      throw this.#explain(toBrokerError(error), source);
    }
  }

  async readiness(source: KeysSource): Promise<SourceReadiness> {
    const session = this.peek(source.name);
    const expiresAt = session && refreshWindows(session).advertisedExpiration;
    if (!(await this.#options.keys.has(source.name))) return { needs: "KeyMissing", expiresAt };
    return { needs: source.mfaSerial !== undefined && !session ? "MfaRequired" : undefined, expiresAt };
  }

  /** Opens the MFA session with a one-time code; the former one is replaced. */
  async login(source: KeysSource, tokenCode: string): Promise<HeldCredentials> {
    const session = await this.#open(source, tokenCode);
    this.#sessions.set(source.name, session);
    this.#options.onChange();
    return session;
  }

  /** The live MFA session of a source, for status and persistence. */
  peek(source: string): HeldCredentials | undefined {
    const session = this.#sessions.get(source);
    return session && this.#isValid(session) ? session : undefined;
  }

  /** After a restart: sessions that still live are taken up again. */
  restore(source: string, session: HeldCredentials): void {
    if (this.#isValid(session)) this.#sessions.set(source, session);
  }

  /** Lock, removed key, changed definition. */
  drop(source: string): void {
    if (this.#sessions.delete(source)) this.#options.onChange();
  }

  dropAll(): void {
    this.#sessions.clear();
  }

  /** An MFA session that AWS calls expired needs a new login; a refused long-term key a new key. */
  #explain(error: BrokerError, { name, mfaSerial }: KeysSource): BrokerError {
    if (error.signer === undefined) return error;
    if (mfaSerial === undefined) return refusedKey(error, name);
    this.drop(name);
    return new BrokerError("MfaRequired", `the MFA session of source ${name} is no longer accepted`, {
      hint: `brokerctl login ${name}`,
      cause: error,
    });
  }

  #current(source: KeysSource): HeldCredentials {
    const session = this.peek(source.name);
    if (session) return session;
    throw new BrokerError("MfaRequired", `source ${source.name} needs an MFA code`, {
      hint: `brokerctl login ${source.name}`,
    });
  }

  async #open(source: KeysSource, tokenCode?: string): Promise<HeldCredentials> {
    const key = await this.#options.keys.get(source.name);
    const { mfaSerial, sessionDurationSeconds, stsRegion } = source;
    const mfa = mfaSerial === undefined || tokenCode === undefined ? {} : { serialNumber: mfaSerial, tokenCode };
    try {
      const parameters = { durationSeconds: sessionDurationSeconds, ...mfa };
      const credentials = await this.#options.sts.getSessionToken(key, parameters, stsRegion);
      const accountId = credentials.accountId ?? accountOf(mfaSerial);
      return {
        credentials: { ...credentials, ...(accountId === undefined ? {} : { accountId }) },
        receivedAt: this.#options.clock.now(),
      };
    } catch (error) {
      const failure = toBrokerError(error);
      throw failure.signer === "refused" ? refusedKey(failure, source.name) : failure;
    }
  }

  #isValid(session: HeldCredentials): boolean {
    return this.#options.clock.now() < refreshWindows(session).advertisedExpiration;
  }
}

/** STS does not know what we call the key: a refused one is mended at its source. */
function refusedKey(error: BrokerError, source: string): BrokerError {
  return new BrokerError("AssumeRoleDenied", `AWS refuses the access key of source ${source}: ${error.message}`, {
    hint: `brokerctl keys add ${source} --replace`,
    cause: error,
    signer: "refused",
  });
}

/** `arn:PARTITION:iam::ACCOUNT:mfa/NAME` tells the account. */
function accountOf(arn: string | undefined): string | undefined {
  return arn?.split(":")[4];
}
