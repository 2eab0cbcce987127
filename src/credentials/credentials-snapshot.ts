import type { HeldCredentials } from "../core/credentials.js";
import { Secret } from "../core/secret.js";

/** What survives a restart in the sealed cache: roles by name with the digest they were fetched under, MFA sessions by source. */
export interface CredentialsSnapshot {
  readonly roles: ReadonlyMap<string, CachedRole>;
  readonly sessions: ReadonlyMap<string, CachedSession>;
}

export interface CachedRole {
  readonly digest: string;
  readonly held: HeldCredentials;
  /** Epoch ms of the last fetch by a client; undefined: none. */
  readonly lastRequestedAt: number | undefined;
}

export interface CachedSession {
  /** The MFA device it was opened with: another one in the config means another session. */
  readonly mfaSerial: string;
  readonly held: HeldCredentials;
}

const VERSION = 1;

/** Clear text: only ever handed to the sealed cache. */
export function encodeSnapshot({ roles, sessions }: CredentialsSnapshot): string {
  const flatRole = ({ digest, lastRequestedAt, held }: CachedRole): FlatRole => ({
    digest,
    ...(lastRequestedAt === undefined ? {} : { wantedAt: lastRequestedAt }),
    held: flattenHeld(held),
  });
  return JSON.stringify({
    version: VERSION,
    roles: [...roles].map(([name, role]) => [name, flatRole(role)]),
    sessions: [...sessions].map(([name, session]) => [name, { ...session, held: flattenHeld(session.held) }]),
  });
}

/** The cache is disposable: what does not read as a snapshot of this version is an empty one. */
export function decodeSnapshot(text: string | undefined): CredentialsSnapshot {
  const empty: CredentialsSnapshot = { roles: new Map(), sessions: new Map() };
  if (text === undefined) return empty;
  try {
    const flat = JSON.parse(text) as FlatSnapshot;
    if (flat.version !== VERSION) return empty;
    return {
      roles: new Map(
        flat.roles.map(([name, { digest, wantedAt: lastRequestedAt, held }]) => [
          name,
          { digest, lastRequestedAt, held: unflattenHeld(held) },
        ]),
      ),
      sessions: new Map(
        flat.sessions.map(([name, session]) => [name, { ...session, held: unflattenHeld(session.held) }]),
      ),
    };
  } catch {
    return empty;
  }
}

interface FlatHeld {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: number;
  readonly accountId?: string;
  readonly receivedAt: number;
  readonly roleArn?: string;
}

interface FlatRole {
  readonly digest: string;
  /** `lastRequestedAt`, under the name that caches on disk have it by. */
  readonly wantedAt?: number;
  readonly held: FlatHeld;
}

interface FlatSnapshot {
  readonly version: number;
  readonly roles: readonly (readonly [string, FlatRole])[];
  readonly sessions: readonly (readonly [string, { mfaSerial: string; held: FlatHeld }])[];
}

function flattenHeld({ credentials, receivedAt, roleArn }: HeldCredentials): FlatHeld {
  return {
    ...credentials,
    secretAccessKey: credentials.secretAccessKey.reveal(),
    sessionToken: credentials.sessionToken.reveal(),
    receivedAt,
    ...(roleArn === undefined ? {} : { roleArn }),
  };
}

function unflattenHeld({ receivedAt, roleArn, ...flat }: FlatHeld): HeldCredentials {
  return {
    credentials: {
      ...flat,
      secretAccessKey: new Secret(flat.secretAccessKey),
      sessionToken: new Secret(flat.sessionToken),
    },
    receivedAt,
    ...(roleArn === undefined ? {} : { roleArn }),
  };
}
