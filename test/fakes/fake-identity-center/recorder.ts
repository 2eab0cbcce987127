import type { BrowserAction } from "./browser-pages.js";
import type { OidcAction } from "./oidc.js";
import type { Parameters } from "./parameters.js";
import type { PortalAction } from "./portal.js";
import { awsHost, parametersOf, type Route, type SsoRequest } from "./routes.js";
import type { SsoServiceName } from "./sso-refusal.js";

export type SsoAction = BrowserAction | OidcAction | PortalAction;

/** One request, recorded when it comes: also those that a fault then meets. */
export interface SsoCall {
  readonly service: SsoServiceName;
  readonly action: SsoAction;
  /** Of the host name that it was sent to; undefined where that was the fake's own address. */
  readonly region: string | undefined;
  /** Body, query or form. */
  readonly params: Parameters;
  /** Epoch milliseconds of the fake's clock. */
  readonly time: number;
  readonly userAgent: string;
  /** The bearer token of a portal call. */
  readonly accessToken: string | undefined;
  /** Absent until it was answered, and where no answer was given. */
  status?: number;
}

interface Watcher {
  readonly action: SsoAction;
  readonly count: number;
  readonly resolve: () => void;
}

export class Recorder {
  readonly calls: SsoCall[] = [];
  readonly #answered = new Map<SsoAction, number>();
  readonly #watchers = new Set<Watcher>();

  record(route: Route, request: SsoRequest, time: number): SsoCall {
    const { headers } = request;
    const call: SsoCall = {
      ...route,
      region: awsHost(headers["host"])?.region,
      params: readableParameters(route, request),
      time,
      userAgent: headers["user-agent"] ?? "",
      accessToken: headers["x-amz-sso_bearer_token"],
    };
    this.calls.push(call);
    return call;
  }

  finish(call: SsoCall, status: number | undefined): void {
    if (status !== undefined) call.status = status;
    this.#answered.set(call.action, this.#answeredOf(call.action) + 1);
    for (const watcher of this.#watchers) this.#look(watcher);
  }

  of(action: SsoAction): readonly SsoCall[] {
    return this.calls.filter((call) => call.action === action);
  }

  /** Resolves once so many calls of the action came to their end. */
  finished(action: SsoAction, count: number): Promise<void> {
    return new Promise((resolve) => {
      const watcher = { action, count, resolve };
      this.#watchers.add(watcher);
      this.#look(watcher);
    });
  }

  #look(watcher: Watcher): void {
    if (this.#answeredOf(watcher.action) < watcher.count) return;
    this.#watchers.delete(watcher);
    watcher.resolve();
  }

  #answeredOf(action: SsoAction): number {
    return this.#answered.get(action) ?? 0;
  }
}

function readableParameters(route: Route, request: SsoRequest): Parameters {
  try {
    return parametersOf(route, request);
  } catch {
    return {};
  }
}
