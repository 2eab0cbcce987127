import type { ClientRegistration } from "../aws/sso-oidc.js";
import { Secret } from "../core/secret.js";
import type { SsoSession } from "../core/sso-session.js";
import type { SecretStore } from "../secrets/secret-store.js";

/** How a login is authorized: RFC 6749 with PKCE in a browser on this machine, or RFC 8628 in any browser. */
export type LoginFlow = "browser" | "device";

/** What a login yields and a renewal replaces. */
export interface SsoToken {
  readonly accessToken: Secret;
  /** Epoch milliseconds; of the access token. */
  readonly expiresAt: number;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  /** Absent: the session ends with the access token. */
  readonly refreshToken?: Secret;
  /** Epoch milliseconds; absent: Identity Center did not show it yet. */
  readonly sessionEndsAt?: number;
  /** A refresh token works for the client only that it was granted to. */
  readonly client: ClientRegistration;
}

const FLOWS: readonly LoginFlow[] = ["browser", "device"];
const TOKEN = "sso-token:";
const CLIENT = "sso-client:";

/**
 * Tokens and client registrations, in the secret store and nowhere else; each entry is replaced as a whole. Entries of
 * a session's former ids are read where it has none of its own, and go when it is given one.
 */
export class TokenStore {
  readonly #secrets: SecretStore;

  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  /** Of several former ones the last that was received: its refresh token lives longest. */
  async token(session: SsoSession): Promise<SsoToken | undefined> {
    const tokens = (await this.#stored(TOKEN, session)).map(tokenOf);
    return tokens.sort((a, b) => b.receivedAt - a.receivedAt)[0];
  }

  /** Resolves once it is durable. */
  async putToken(session: SsoSession, token: SsoToken): Promise<void> {
    await this.#put(TOKEN, session, new Secret(JSON.stringify(flatToken(token))));
  }

  async deleteToken(session: SsoSession): Promise<void> {
    await this.#delete(TOKEN, session);
  }

  async client(session: SsoSession, flow: LoginFlow): Promise<ClientRegistration | undefined> {
    const clients = await this.#stored(`${CLIENT}${flow}:`, session);
    return clients.map((stored) => clientOf(JSON.parse(stored.reveal()) as FlatClient))[0];
  }

  async putClient(session: SsoSession, flow: LoginFlow, client: ClientRegistration): Promise<void> {
    await this.#put(`${CLIENT}${flow}:`, session, new Secret(JSON.stringify(flatClient(client))));
  }

  /** Identity Center does not know this one any more; one that a login has put in its place stays. */
  async deleteRefusedClient(session: SsoSession, { clientId }: ClientRegistration): Promise<void> {
    for (const flow of FLOWS) {
      if ((await this.client(session, flow))?.clientId === clientId) await this.deleteClient(session, flow);
    }
  }

  async deleteClient(session: SsoSession, flow: LoginFlow): Promise<void> {
    await this.#delete(`${CLIENT}${flow}:`, session);
  }

  /** Registrations that have ended at `now` go, of sessions that no source names any more too. Resolves with how many. */
  async deleteEndedClients(now: number): Promise<number> {
    let deleted = 0;
    for (const key of await this.#secrets.keys(CLIENT)) {
      const stored = await this.#secrets.get(key);
      if (!stored || clientOf(JSON.parse(stored.reveal()) as FlatClient).expiresAt > now) continue;
      // One that a login puts in its place between the two is lost, and made anew by the next login.
      if (await this.#secrets.delete(key)) deleted++;
    }
    return deleted;
  }

  /** The session's own entry, or else those of its former ids. */
  async #stored(kind: string, { id, formerIds }: SsoSession): Promise<readonly Secret[]> {
    const own = await this.#secrets.get(kind + id);
    if (own) return [own];
    const former = await Promise.all(formerIds.map((formerId) => this.#secrets.get(kind + formerId)));
    return former.filter((secret) => secret !== undefined);
  }

  /** The new entry first: a crash between the two leaves more than is needed, never less. */
  async #put(kind: string, { id, formerIds }: SsoSession, value: Secret): Promise<void> {
    await this.#secrets.put(kind + id, value);
    for (const formerId of formerIds) await this.#secrets.delete(kind + formerId);
  }

  /** The session's own entry last: no reader may find a former one in its place. */
  async #delete(kind: string, { id, formerIds }: SsoSession): Promise<void> {
    for (const each of [...formerIds, id]) await this.#secrets.delete(kind + each);
  }
}

interface FlatClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly expiresAt: number;
}

interface FlatToken {
  readonly accessToken: string;
  readonly expiresAt: number;
  readonly receivedAt: number;
  readonly sessionEndsAt?: number;
  readonly refreshToken?: string;
  readonly client: FlatClient;
}

function flatToken({ accessToken, refreshToken, client, ...times }: SsoToken): FlatToken {
  return {
    ...times,
    accessToken: accessToken.reveal(),
    ...(refreshToken && { refreshToken: refreshToken.reveal() }),
    client: flatClient(client),
  };
}

function flatClient({ clientId, clientSecret, expiresAt }: ClientRegistration): FlatClient {
  return { clientId, clientSecret: clientSecret.reveal(), expiresAt };
}

function tokenOf(stored: Secret): SsoToken {
  const { accessToken, refreshToken, client, ...times } = JSON.parse(stored.reveal()) as FlatToken;
  return {
    ...times,
    accessToken: new Secret(accessToken),
    ...(refreshToken !== undefined && { refreshToken: new Secret(refreshToken) }),
    client: clientOf(client),
  };
}

function clientOf({ clientId, clientSecret, expiresAt }: FlatClient): ClientRegistration {
  return { clientId, clientSecret: new Secret(clientSecret), expiresAt };
}
