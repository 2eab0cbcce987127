import type { ClientRegistration } from "../aws/sso-oidc.js";
import { Secret } from "../core/secret.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { SsoSession } from "./sso-session.js";

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
  /** A refresh token works for the client only that it was granted to. */
  readonly client: ClientRegistration;
}

const TOKEN = "sso-token:";
const CLIENT = "sso-client:";

/** Tokens and client registrations, in the secret store and nowhere else; each entry is replaced as a whole. */
export class TokenStore {
  readonly #secrets: SecretStore;

  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  async token({ id }: SsoSession): Promise<SsoToken | undefined> {
    const stored = await this.#secrets.get(TOKEN + id);
    return stored && tokenOf(stored);
  }

  /** Resolves once it is durable. */
  async putToken({ id }: SsoSession, token: SsoToken): Promise<void> {
    await this.#secrets.put(TOKEN + id, new Secret(JSON.stringify(flatToken(token))));
  }

  /** True if there was one. */
  async deleteToken({ id }: SsoSession): Promise<boolean> {
    return this.#secrets.delete(TOKEN + id);
  }

  async client({ id }: SsoSession, flow: LoginFlow): Promise<ClientRegistration | undefined> {
    const stored = await this.#secrets.get(`${CLIENT}${flow}:${id}`);
    return stored && clientOf(JSON.parse(stored.reveal()) as FlatClient);
  }

  async putClient({ id }: SsoSession, flow: LoginFlow, client: ClientRegistration): Promise<void> {
    await this.#secrets.put(`${CLIENT}${flow}:${id}`, new Secret(JSON.stringify(flatClient(client))));
  }

  async deleteClient({ id }: SsoSession, flow: LoginFlow): Promise<void> {
    await this.#secrets.delete(`${CLIENT}${flow}:${id}`);
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
