import type { Source } from "../core/role.js";
import type { SealedCache } from "../secrets/sealed-cache.js";
import type { Logger } from "../system/logger.js";
import type { CredentialsRegistry } from "./credentials-registry.js";
import { type CachedRole, type CachedSession, decodeSnapshot, encodeSnapshot } from "./credentials-snapshot.js";
import type { KeysSessions } from "./sources/keys-sessions.js";

export interface CredentialsCacheOptions {
  readonly cache: SealedCache;
  readonly registry: CredentialsRegistry;
  readonly sessions: KeysSessions;
  readonly logger: Logger;
  /** Sources in force, by name. */
  readonly sources: () => ReadonlyMap<string, Source>;
}

/** Carries role credentials and MFA sessions over a restart, in the sealed cache. Losing it costs upstream calls only. */
export class CredentialsCache {
  readonly #options: CredentialsCacheOptions;
  #suspended = true;

  constructor(options: CredentialsCacheOptions) {
    this.#options = options;
  }

  /** Takes up what still lives, then starts saving. */
  async restore(): Promise<void> {
    const { cache, registry, sessions, logger, sources } = this.#options;
    const snapshot = decodeSnapshot(await cache.read());
    for (const [name, { mfaSerial, held }] of snapshot.sessions) {
      const source = sources().get(name);
      if (source?.type === "keys" && source.mfaSerial === mfaSerial) sessions.restore(name, held);
    }
    registry.restore(snapshot.roles);
    this.#suspended = false;
    logger.debug({ roles: snapshot.roles.size, sessions: snapshot.sessions.size }, "credentials restored");
  }

  /** Something changed: the cache coalesces what comes close together, and asks for the snapshot when it writes. */
  readonly save = (): void => {
    if (this.#suspended) return;
    this.#options.cache.write(this.#encoded).catch((error: unknown) => {
      this.#options.logger.warn({ err: error }, "credentials not cached");
    });
  };

  /** Lock: nothing is saved any more, and what was saved is overwritten with nothing. */
  async clear(): Promise<void> {
    this.#suspended = true;
    await this.#options.cache.write(() => encodeSnapshot({ roles: new Map(), sessions: new Map() }));
  }

  readonly #encoded = (): string => encodeSnapshot(this.#snapshot());

  #snapshot(): { roles: Map<string, CachedRole>; sessions: Map<string, CachedSession> } {
    const { registry, sessions, sources } = this.#options;
    const roles = new Map<string, CachedRole>();
    for (const { role, held, lastRequestedAt } of registry.snapshot()) {
      if (held) roles.set(role.name, { digest: role.digest, held, lastRequestedAt });
    }
    const cached = new Map<string, CachedSession>();
    for (const source of sources().values()) {
      const session = sessionOf(source, sessions);
      if (session) cached.set(source.name, session);
    }
    return { roles, sessions: cached };
  }
}

function sessionOf(source: Source, sessions: KeysSessions): CachedSession | undefined {
  if (source.type !== "keys") return undefined;
  const held = sessions.peek(source.name);
  return held && source.mfaSerial !== undefined ? { mfaSerial: source.mfaSerial, held } : undefined;
}
