import { AuthorizationCodes } from "./authorization-codes.js";
import { BrowserPages } from "./browser-pages.js";
import { DeviceAuthorizations } from "./device-authorizations.js";
import { Oidc } from "./oidc.js";
import type { FakeAccount } from "./organization.js";
import { Portal, type RoleOpener } from "./portal.js";
import { Registrations } from "./registrations.js";
import { parametersOf, type Route, type SsoRequest } from "./routes.js";
import { Sessions } from "./sessions.js";
import type { Settings } from "./settings.js";
import type { Answer } from "./sso-refusal.js";

export interface PartsOptions {
  readonly settings: Settings;
  readonly now: () => number;
  readonly users: Readonly<Record<string, readonly FakeAccount[]>>;
  readonly aws: RoleOpener;
  /** Where a browser reaches the verification page. */
  readonly verificationUrl: () => string;
}

/** The fake's state and what works on it. */
export class Parts {
  readonly registrations: Registrations;
  readonly sessions: Sessions;
  readonly deviceAuthorizations: DeviceAuthorizations;
  readonly #oidc: Oidc;
  readonly #portal: Portal;
  readonly #pages: BrowserPages;

  constructor({ users, ...options }: PartsOptions) {
    const userNames = Object.keys(users);
    const registrations = new Registrations(options.settings);
    const sessions = new Sessions(options);
    const deviceAuthorizations = new DeviceAuthorizations({ ...options, firstUser: userNames[0] ?? "" });
    const authorizationCodes = new AuthorizationCodes({ ...options, registrations });
    this.registrations = registrations;
    this.sessions = sessions;
    this.deviceAuthorizations = deviceAuthorizations;
    this.#oidc = new Oidc({ ...options, registrations, sessions, deviceAuthorizations, authorizationCodes });
    this.#portal = new Portal({ ...options, sessions, assignments: new Map(Object.entries(users)) });
    this.#pages = new BrowserPages({ users: userNames, deviceAuthorizations, authorizationCodes });
  }

  /** The right answer; throws the refusal. */
  perform(route: Route, request: SsoRequest): Answer {
    const parameters = parametersOf(route, request);
    switch (route.service) {
      case "oidc":
        return this.#oidc.perform(route.action, parameters);
      case "portal": {
        const accessToken = request.headers["x-amz-sso_bearer_token"];
        return this.#portal.perform(route.action, { query: parameters, accessToken });
      }
      case "browser":
        return this.#pages.perform(route.action, parameters);
    }
  }
}
