import type { StatusView } from "../control-api/contract.js";
import type { RequestView } from "../control-api/guard-contract.js";
import { durationText } from "../core/duration.js";
import { span } from "./words/when.js";

/** What a person is told outside of the page. `key`: it is told once. */
export interface Notice {
  readonly key: string;
  readonly title: string;
  readonly body: string;
}

/** Before a login's end, so that there is time for a new one. */
const SOON_MS = 15 * 60_000;

/** Pending requests, and logins that end soon or have ended. */
export function noticesOf(
  { sources }: Pick<StatusView, "sources">,
  requests: readonly RequestView[],
  now: number,
): readonly Notice[] {
  const asked = requests
    .filter(({ state }) => state === "pending")
    .map(({ id, role, lease, forSeconds, reason }) => ({
      key: `request ${id}`,
      title: `${lease.label} asks for ${role}`,
      body: `For ${durationText(forSeconds)}: ${reason}`,
    }));
  const logins = sources.flatMap(({ name, type, state, expiresAt }): readonly Notice[] => {
    if (state === "login_required" || state === "mfa_required") {
      return [{ key: `login ${name}`, title: `${name} needs a login`, body: `brokerctl login ${name}` }];
    }
    // Identity Center's access token is renewed by itself: its end is not the login's.
    const endsSoon = type !== "sso" && state === "ready" && expiresAt !== null && expiresAt - now < SOON_MS;
    if (!endsSoon) return [];
    return [
      {
        key: `login ${name} ${expiresAt}`,
        title: `The login to ${name} ends in ${span(expiresAt - now)}`,
        body: `brokerctl login ${name}`,
      },
    ];
  });
  return [...asked, ...logins];
}

/** Tells each notice once. What there is when it begins is on the page that the person looks at: only what comes later is told. */
export class NoticeTeller {
  readonly #show: (notice: Notice) => void;
  #told: ReadonlySet<string> | undefined;

  constructor(show: (notice: Notice) => void) {
    this.#show = show;
  }

  take(notices: readonly Notice[]): void {
    if (this.#told) {
      for (const notice of notices) if (!this.#told.has(notice.key)) this.#show(notice);
    }
    // What is over may come again.
    this.#told = new Set(notices.map(({ key }) => key));
  }
}
