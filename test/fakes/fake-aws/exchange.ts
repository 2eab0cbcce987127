import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, lieAnswer, portalAnswer, refusalAnswer } from "./answers.js";
import { AwsRefusal, accessDenied } from "./aws-refusal.js";
import { ecsParameters } from "./ecs-actions.js";
import type { Fault } from "./faults.js";
import { lambdaParameters } from "./lambda-actions.js";
import type { SignedRequest } from "./sigv4.js";
import type { Parameters } from "./sts-actions.js";

/** Reads the whole request, as the signature covers it. */
export async function readRequest(incoming: IncomingMessage): Promise<SignedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  return {
    method: incoming.method ?? "",
    target: incoming.url ?? "/",
    headers,
    body: Buffer.concat(chunks).toString(),
  };
}

export function parametersOf(request: SignedRequest): Parameters {
  const { method, target, body } = request;
  const ofOther = ecsParameters(request) ?? lambdaParameters(method, target);
  if (ofOther) return ofOther;
  return Object.fromEntries(new URLSearchParams(method === "GET" ? (target.split("?")[1] ?? "") : body));
}

/** One request and what would be its right answer. */
export interface Exchange {
  readonly response: ServerResponse;
  readonly request: SignedRequest;
  readonly service: string;
  readonly right: () => Answer;
}

export async function answerWithFault(fault: Fault | undefined, exchange: Exchange): Promise<void> {
  const { response, request, service, right } = exchange;
  const refuse = (refusal: AwsRefusal): void => send(response, refusalAnswer(service, refusal));
  switch (fault?.kind) {
    case undefined:
      return send(response, right());
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
      return send(response, right());
    case "unavailable":
      return send(response, { status: 503, headers: {}, body: "Service Unavailable" });
    case "failing":
      return refuse(new AwsRefusal("InternalFailure", "We encountered an internal error.", { status: 500 }));
    case "deny":
      return refuse(accessDenied("User is not authorized to perform this action"));
    case "throttle": {
      const wait = fault.retryAt?.toUTCString() ?? fault.retryAfterSeconds?.toString();
      const headers = wait === undefined ? {} : { "retry-after": wait };
      return refuse(new AwsRefusal("Throttling", "Rate exceeded", { headers }));
    }
    case "refuse":
      return refuse(new AwsRefusal(fault.code, fault.message, { status: fault.status ?? 400 }));
    case "drop":
      response.destroy();
      return;
    case "reset":
      return sendHalf(response, right());
    case "echo":
      return refuse(accessDenied(`denied: ${JSON.stringify(request.headers)} ${request.body}`));
    case "portal":
      return send(response, portalAnswer(403));
    case "lie":
      return send(response, lieAnswer(right(), fault.lie));
  }
}

export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}

/** As S3 does: a range of the bytes where one is asked for. */
export function sendArchive(response: ServerResponse, archive: Buffer | "refused", range: string | undefined): void {
  if (archive === "refused")
    return send(response, { status: 403, headers: {}, body: "<Error><Code>AccessDenied</Code></Error>" });
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  const part = from === undefined ? archive : archive.subarray(Number(from), Number(to) + 1);
  response.writeHead(from === undefined ? 200 : 206, { "content-length": part.length }).end(part);
}

function sendHalf(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}
