import type { ServerResponse } from "node:http";
import { portalAnswer } from "../fake-aws/answers.js";
import { send } from "../fake-aws/exchange.js";
import { type Answer, refusalAnswer, SsoRefusal, type SsoServiceName } from "./sso-refusal.js";

/**
 * What can be wrong with an action, until it is cleared or `times` calls have met it.
 * unavailable: 503 without AWS's format. failing: the service's own 500. throttle: 429, or OIDC's SlowDown. refuse: any
 * exception by its name (`InvalidGrantException`). slow: the right answer, late. drop: the connection ends without an answer,
 * after the call took effect; lost: before it. unanswered: it took effect, and the client waits. reset: it ends in the middle of the answer. echo: a refusal that quotes the
 * request's secrets. captive: 403 with HTML. lie: a right answer's JSON changed, or text in its place.
 */
export type SsoFault = (
  | { readonly kind: "unavailable" | "failing" | "drop" | "lost" | "unanswered" | "reset" | "echo" | "captive" }
  | { readonly kind: "throttle"; readonly retryAfterSeconds?: number }
  | { readonly kind: "refuse"; readonly code: string; readonly message?: string; readonly status?: number }
  | { readonly kind: "slow"; readonly milliseconds: number }
  | { readonly kind: "lie"; readonly body: (right: Record<string, unknown>) => unknown }
) & { readonly times?: number };

export interface FaultyExchange {
  readonly response: ServerResponse;
  readonly service: SsoServiceName;
  /** All that the request said, for `echo`. */
  readonly said: string;
  readonly right: () => Answer;
}

/** Answers as the fault has it; the status that was sent, or undefined if none was. */
export async function answerWithFault(
  fault: SsoFault | undefined,
  exchange: FaultyExchange,
): Promise<number | undefined> {
  const { response, service, right, said } = exchange;
  const answer = (it: Answer): number => {
    send(response, it);
    return it.status;
  };
  const refuse = (refusal: SsoRefusal): number => answer(refusalAnswer(service, refusal));
  switch (fault?.kind) {
    case undefined:
      return answer(right());
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
      return answer(right());
    case "unavailable":
      return answer({ status: 503, headers: {}, body: "Service Unavailable" });
    case "failing":
      return refuse(new SsoRefusal("InternalServerException", "Unexpected error", { status: 500 }));
    case "throttle":
      return refuse(throttling(service, fault.retryAfterSeconds));
    case "refuse":
      return refuse(new SsoRefusal(fault.code, fault.message ?? "refused", statusOf(fault)));
    case "lost":
      response.destroy();
      return undefined;
    case "drop":
      right();
      response.destroy();
      return undefined;
    case "unanswered":
      right();
      return undefined;
    case "reset":
      sendHalf(response, right());
      return undefined;
    case "echo":
      return refuse(new SsoRefusal("InvalidRequestException", `refused: ${said}`));
    case "captive":
      return answer(portalAnswer(403));
    case "lie":
      return answer(changed(right(), fault.body));
  }
}

function statusOf({ status }: { readonly status?: number }): { readonly status?: number } {
  return status === undefined ? {} : { status };
}

function throttling(service: SsoServiceName, seconds: number | undefined): SsoRefusal {
  const headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
  const code = service === "portal" ? "TooManyRequestsException" : "SlowDownException";
  return new SsoRefusal(code, "Too many requests", { headers });
}

function changed(right: Answer, change: (body: Record<string, unknown>) => unknown): Answer {
  const body = change(JSON.parse(right.body) as Record<string, unknown>);
  return { ...right, body: typeof body === "string" ? body : JSON.stringify(body) };
}

function sendHalf(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}
