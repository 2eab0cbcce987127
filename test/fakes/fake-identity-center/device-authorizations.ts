import { isSameStartUrl, type Registration } from "./registrations.js";
import type { Settings } from "./settings.js";
import { invalidRequest, SsoRefusal } from "./sso-refusal.js";
import { secretText, userCode } from "./tokens.js";

/** RFC 8628 §3.5: what a client that polls too fast has to wait longer from then on. */
const SLOW_DOWN_MS = 5000;
/** Of the interval: how much sooner a poll may come; timers and networks are not exact. */
const TOLERANCE = 0.1;

/** The AWS CLI polls before it shows the code and again at once after, and is not slowed down for that. */
const FREE_POLLS = 2;

export interface DeviceAuthorization {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly registration: Registration;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  state: "pending" | "approved" | "denied" | "spent";
  user: string | undefined;
  intervalMs: number;
  polls: number;
  lastPollAt: number;
}

export interface DeviceAuthorizationsOptions {
  readonly settings: Settings;
  readonly now: () => number;
  /** Who approves where the client was approved before. */
  readonly firstUser: string;
}

/** Device authorizations (RFC 8628): begun by clients, decided by users, polled for. */
export class DeviceAuthorizations {
  readonly #options: DeviceAuthorizationsOptions;
  readonly #byDeviceCode = new Map<string, DeviceAuthorization>();

  constructor(options: DeviceAuthorizationsOptions) {
    this.#options = options;
  }

  start(registration: Registration, startUrl: string): DeviceAuthorization {
    const { settings, now, firstUser } = this.#options;
    if (!isSameStartUrl(startUrl, settings.startUrl)) throw invalidRequest("Invalid start URL provided");
    const authorization: DeviceAuthorization = {
      deviceCode: secretText("dev"),
      userCode: userCode(),
      registration,
      expiresAt: now() + settings.deviceCodeSeconds * 1000,
      state: settings.preAuthorized ? "approved" : "pending",
      user: settings.preAuthorized ? firstUser : undefined,
      intervalMs: settings.intervalSeconds * 1000,
      polls: 0,
      lastPollAt: 0,
    };
    this.#byDeviceCode.set(authorization.deviceCode, authorization);
    return authorization;
  }

  /** The user who approved; refuses until then, and with each call after the one that got an answer. */
  redeem(registration: Registration, deviceCode: string): string {
    const authorization = this.#byDeviceCode.get(deviceCode);
    const isTheirs = authorization?.registration.clientId === registration.clientId;
    if (!isTheirs || authorization.state === "spent") {
      throw new SsoRefusal("InvalidGrantException", "Invalid device code provided");
    }
    const now = this.#options.now();
    if (now >= authorization.expiresAt) throw new SsoRefusal("ExpiredTokenException", "Device code has expired");
    this.#refuseHaste(authorization, now);
    if (authorization.state === "denied") throw new SsoRefusal("AccessDeniedException", "Access denied");
    if (authorization.state === "pending" || authorization.user === undefined) {
      throw new SsoRefusal("AuthorizationPendingException", "Authorization is pending");
    }
    authorization.state = "spent";
    return authorization.user;
  }

  /** Codes that wait for their user, oldest first. */
  pendingUserCodes(): readonly string[] {
    const live = [...this.#byDeviceCode.values()].filter((each) => this.#isOpen(each));
    return live.map(({ userCode: code }) => code);
  }

  /** The authorization that waits under this code, as typed: any case, with or without the hyphen. */
  find(typed: string): DeviceAuthorization | undefined {
    const letters = typed.toUpperCase().replace(/[^A-Z]/g, "");
    return [...this.#byDeviceCode.values()].find(
      (each) => each.userCode.replace("-", "") === letters && this.#isOpen(each),
    );
  }

  decide(authorization: DeviceAuthorization, decision: "approve" | "deny", user: string): void {
    authorization.state = decision === "approve" ? "approved" : "denied";
    authorization.user = user;
  }

  #isOpen({ state, expiresAt }: DeviceAuthorization): boolean {
    return state === "pending" && this.#options.now() < expiresAt;
  }

  #refuseHaste(authorization: DeviceAuthorization, now: number): void {
    const { lastPollAt, intervalMs, polls } = authorization;
    authorization.lastPollAt = now;
    authorization.polls++;
    if (polls < FREE_POLLS || now - lastPollAt >= intervalMs * (1 - TOLERANCE)) return;
    authorization.intervalMs += SLOW_DOWN_MS;
    throw new SsoRefusal("SlowDownException", "Client is making too many token requests");
  }
}
