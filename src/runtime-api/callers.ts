import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { PeerIdentity } from "../system/peer-identity.js";
import { MAX_EVENT_BYTES } from "./payload-limits.js";

/** Root is kept out as any other user: who calls acts with the functions' roles. Waits until it is known. */
export async function isOwnUser(peers: PeerIdentity, socket: Socket): Promise<boolean> {
  for (;;) {
    const verdict = await peers.of(socket);
    if (verdict.kind !== "late") return verdict.kind === "own" || verdict.kind === "not-checked";
  }
}

/** undefined: more than Lambda takes. What is left is read and let go, so that the client reads the answer. */
export async function eventBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_EVENT_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_EVENT_BYTES ? Buffer.concat(chunks) : undefined;
}

/** Percent-encoding of UTF-8. */
export function isWellEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
