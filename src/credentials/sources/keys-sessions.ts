import type { Sts } from "../../aws/sts.js";
import type { HeldCredentials } from "../../core/credentials.js";
import { BrokerError, type BrokerErrorCode, toBrokerError } from "../../core/errors.js";
import { refreshWindows } from "../../core/refresh-windows.js";
import type { KeysSource, Role } from "../../core/role.js";
import type { Clock } from "../../system/clock.js";
import type { KeyStore } from "./key-store.js";
import type { MfaCodes } from "./mfa-codes.js";
import type { AssumeRole, SourceProvider, SourceReadiness } from "./source-provider.js";

/** A program that gave no session is not run for every role that asks. */
const PROGRAM_RETRY_MS = 30_000;

export interface KeysSessionsOptions {
  readonly keys: KeyStore;
  readonly codes: MfaCodes;
  readonly sts: Sts;
  readonly assumeRole: AssumeRole;
  readonly clock: Clock;
  /** Called after a login or a drop, so that sessions are persisted. */
  readonly onChange: () => void;
}

/**
 * `keys` sources. Without MFA the long-term key itself signs AssumeRole; with MFA the one GetSessionToken session does
 * that `brokerctl login` opened for all roles of the source, or mfa_process where the config has one. A role without role_arn gets such a session itself: AWS
 * then refuses IAM and most of STS (API reference of STS, GetSessionToken).
 */
export class KeysSessions implements SourceProvider<KeysSource> {
  readonly #options: KeysSessionsOptions;
  readonly #sessions = new Map<string, HeldCredentials>();
  /** Logins by mfa_process under way: one a source, however many roles wait for it. */
  readonly #opening = new Map<string, Promise<HeldCredentials>>();
  /** Counts locks: a session that was asked for before one is not taken after it. */
  #generation = 0;
  readonly #failures = new Map<string, { readonly error: BrokerError; readonly at: number }>();

  constructor(options: KeysSessionsOptions) {
    this.#options = options;
  }

  /** Rejects with KeyMissing, StoreLocked or MfaRequired before AWS is called. */
  async retrieve(source: KeysSource, role: Role): Promise<HeldCredentials> {
    if (!role.assume) return source.mfaSerial === undefined ? this.#open(source) : this.#current(source);
    const signer =
      source.mfaSerial === undefined
        ? await this.#options.keys.get(source.name)
        : (await this.#current(source)).credentials;
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
    const isByPerson = source.mfaProcess === undefined;
    const end = isByPerson && expiresAt !== undefined ? { at: expiresAt, since: session?.receivedAt ?? 0 } : undefined;
    return { needs: session ? undefined : this.#needs(source), expiresAt, end };
  }

  /** Opens the MFA session with a one-time code, or one that mfa_process prints; the former session is replaced. */
  async login(source: KeysSource, tokenCode?: string): Promise<HeldCredentials> {
    const { keys, codes } = this.#options;
    const generation = this.#generation;
    // Before a code is spent, or a program run.
    await keys.get(source.name);
    const code = tokenCode ?? (await codes.ask(source));
    if (source.mfaSerial !== undefined) codes.claim(source.mfaSerial, code);
    const session = await this.#open(source, code);
    if (generation !== this.#generation) throw lockedMeanwhile(source.name);
    this.#sessions.set(source.name, session);
    this.#failures.delete(source.name);
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
    this.#failures.delete(source);
    if (this.#sessions.delete(source)) this.#options.onChange();
  }

  dropAll(): void {
    this.#generation++;
    this.#sessions.clear();
    this.#failures.clear();
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

  /** What a role without session would fail with; a program that did not fail lately is expected to work. */
  #needs({ name, mfaSerial, mfaProcess }: KeysSource): BrokerErrorCode | undefined {
    if (mfaSerial === undefined) return undefined;
    return mfaProcess === undefined ? "MfaRequired" : this.#failures.get(name)?.error.code;
  }

  async #current(source: KeysSource): Promise<HeldCredentials> {
    const session = this.peek(source.name);
    if (session) return session;
    if (source.mfaProcess !== undefined) return this.#loginByProgram(source);
    throw new BrokerError("MfaRequired", `source ${source.name} needs an MFA code`, {
      hint: `brokerctl login ${source.name}`,
    });
  }

  #loginByProgram(source: KeysSource): Promise<HeldCredentials> {
    const { name } = source;
    const failure = this.#failures.get(name);
    if (failure && Math.abs(this.#options.clock.now() - failure.at) < PROGRAM_RETRY_MS) {
      return Promise.reject(failure.error);
    }
    const running = this.#opening.get(name);
    if (running) return running;
    const opening = this.login(source)
      .catch((thrown: unknown) => {
        const error = toBrokerError(thrown);
        // A command fixes these: after it the program is run at once.
        const isOurs = error.code === "KeyMissing" || error.code === "StoreLocked";
        if (!isOurs) this.#failures.set(name, { error, at: this.#options.clock.now() });
        throw error;
      })
      .finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return opening;
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

function lockedMeanwhile(source: string): BrokerError {
  return new BrokerError("StoreLocked", `the store was locked while source ${source} logged in`, {
    hint: "brokerctl unlock",
  });
}

/** STS does not know which source the key belongs to; the hint names the command that replaces it. */
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
