import type { ControlError } from "../../control-api/contract.js";
import {
  API_PREFIX,
  EVENTS_PATH,
  LINK_HEADER,
  PAGE_HEADER,
  type PageEvent,
  type PageFailure,
  type PageOperation,
  type PageRequest,
  type PageResponse,
  type PageSession,
  SESSION_PATH,
} from "../../control-api/page-contract.js";

/** What brokerd answered in place of what was asked for. */
export class PageError extends Error {
  readonly code: ControlError["code"];
  readonly hint: string | undefined;

  constructor({ code, message, hint }: ControlError) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** This page's link has ended, or was another's: no request helps any more. */
export function isOver(error: unknown): boolean {
  return error instanceof PageError && error.code === "RequestRefused";
}

const SECRET_KEY = "credbroker-page";

/**
 * The secret of this tab: of a reload the one that it had, else what the link is exchanged for. The link leaves the address before
 * anything else. undefined: there is neither.
 */
export async function openSession(): Promise<string | undefined> {
  if (!isLink(location.hash)) return sessionStorage.getItem(SECRET_KEY) ?? undefined;
  const link = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  const response = await reached(() => fetch(SESSION_PATH, { method: "POST", headers: { [LINK_HEADER]: link } }));
  const { secret } = (await answerOf(response)) as PageSession;
  sessionStorage.setItem(SECRET_KEY, secret);
  return secret;
}

/** What begins with a slash is a place in the page. */
export function isLink(fragment: string): boolean {
  return /^#[^/]/.test(fragment);
}

/** What the page asks brokerd; rejects with a PageError. */
export class PageClient {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  async call<O extends PageOperation>(
    operation: O,
    request: PageRequest<O>,
    signal?: AbortSignal,
  ): Promise<PageResponse<O>> {
    const response = await reached(() =>
      fetch(API_PREFIX + operation, {
        method: "POST",
        headers: { [PAGE_HEADER]: this.#secret, "Content-Type": "application/json" },
        body: JSON.stringify(request),
        ...(signal && { signal }),
      }),
    );
    return (await answerOf(response)) as PageResponse<O>;
  }

  /** Until the stream ends, which its last event may tell of. */
  async events(onEvent: (event: PageEvent) => void): Promise<void> {
    const response = await reached(() => fetch(EVENTS_PATH, { headers: { [PAGE_HEADER]: this.#secret } }));
    if (!response.ok || !response.body) throw await failureOf(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reached(() => reader.read());
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") onEvent(JSON.parse(line) as PageEvent);
    }
  }
}

/** The browser says of a connection that it failed, not why. */
async function reached<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new PageError({ code: "DaemonUnreachable", message: "brokerd cannot be reached", hint: "brokerctl ui" });
  }
}

async function answerOf(response: Response): Promise<unknown> {
  if (!response.ok) throw await failureOf(response);
  return response.json();
}

async function failureOf(response: Response): Promise<PageError> {
  const body = (await response.json().catch(() => undefined)) as PageFailure | undefined;
  return new PageError(
    body?.error ?? {
      code: "InternalError",
      message: `brokerd answered with ${response.status}`,
      hint: "brokerctl logs",
    },
  );
}
