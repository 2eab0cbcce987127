import type { ControlError } from "../../control-api/contract.js";
import {
  API_PREFIX,
  EVENTS_PATH,
  PAGE_HEADER,
  type PageEvent,
  type PageFailure,
  type PageOperation,
  type PageRequest,
  type PageResponse,
} from "../../control-api/page-contract.js";
import { visibleText } from "../../core/visible-text.js";

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
  async events(onEvent: (event: PageEvent) => void, signal: AbortSignal): Promise<void> {
    const response = await reached(() => fetch(EVENTS_PATH, { headers: { [PAGE_HEADER]: this.#secret }, signal }));
    if (!response.ok || !response.body) throw await failureOf(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reached(() => reader.read());
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") onEvent(seenIn(line) as PageEvent);
    }
  }
}

/** The browser says of a connection that it failed, not why. */
export async function reached<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new PageError({ code: "DaemonUnreachable", message: "brokerd cannot be reached", hint: "brokerctl ui" });
  }
}

/** What brokerd answered; rejects with a PageError. */
export async function answerOf(response: Response): Promise<unknown> {
  if (!response.ok) throw await failureOf(response);
  return seenIn(await response.text());
}

/** What may not be ASCII, in itself or escaped. */
const OTHERS = /[^\n -~]|\\u/;

/**
 * JSON as the page shows it, and copies it for a terminal: names of programs, directories and messages are others' to choose, and what
 * cannot be seen in them could turn or hide the words beside.
 */
export function seenIn(json: string): unknown {
  if (!OTHERS.test(json)) return JSON.parse(json);
  return JSON.parse(json, (_name, value: unknown) => (typeof value === "string" ? visibleText(value) : value));
}

async function failureOf(response: Response): Promise<PageError> {
  const body = (await response
    .text()
    .then(seenIn)
    .catch(() => undefined)) as PageFailure | undefined;
  return new PageError(
    body?.error ?? {
      code: "InternalError",
      message: `brokerd answered with ${response.status}`,
      hint: "brokerctl logs",
    },
  );
}
