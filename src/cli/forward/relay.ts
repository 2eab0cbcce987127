import { createHash, timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import { CLIENT_PATIENCE_MS } from "../../core/client-patience.js";
import { type BrokerError, toBrokerError } from "../../core/errors.js";
import { errorAnswer, sendJson } from "../../http/json-answer.js";
import type { Clock } from "../../system/clock.js";
import type { Logger } from "../../system/logger.js";
import { askSocket } from "./ask-socket.js";

/** What brokerd says, as it says it; where it says nothing, clients are told to ask again. */
export async function relay(socket: string, response: ServerResponse, clock: Clock): Promise<void> {
  try {
    const { status, reason, body } = await askSocket(socket, { clock, limitMs: CLIENT_PATIENCE_MS });
    sendJson(response, { status, reason, body });
  } catch (error) {
    sendJson(response, errorAnswer(toBrokerError(error), 503));
  }
}

/** Nothing else on the connection is worth reading. */
export function refuse(response: ServerResponse, refusal: BrokerError, status = 403): void {
  sendJson(response.setHeader("Connection", "close"), errorAnswer(refusal, status));
}

/** Hashes are compared, so that the time tells nothing of the token. */
export function isSameToken(given: string, token: string): boolean {
  return timingSafeEqual(sha256(given), sha256(token));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

const ignore = (): void => undefined;
/** CMD's terminal is CMD's: what goes wrong is told to the client that asks. */
export const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => silent };
