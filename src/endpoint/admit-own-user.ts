import type { Socket } from "node:net";
import type { Response } from "express";
import { BrokerError } from "../core/errors.js";
import type { PeerIdentity, PeerVerdict } from "../system/peer-identity.js";
import { noteFetch } from "./fetch-record.js";

/**
 * Who is at the other end of a connection, before anything is fetched for it: refuses other users, whatever their token, and
 * closes the connection, since nothing else on it is worth reading. The refusal is on record with the user whom it names.
 */
export async function admitOwnUser(socket: Socket, response: Response, peers: PeerIdentity): Promise<PeerVerdict> {
  const verdict = await peers.of(socket);
  const refusal = peerRefusal(verdict);
  if (refusal === undefined) return verdict;
  noteFetch(response, { peer: verdict });
  if (verdict.kind === "gone") socket.destroy();
  else response.setHeader("Connection", "close");
  throw refusal;
}

const ROOT = 0;
/** How all users that a user namespace does not know are shown in it, root among them (user_namespaces(7)). */
const OVERFLOW = 65_534;

/** Why the program at the other end gets nothing; undefined: nothing speaks against it. */
function peerRefusal(verdict: PeerVerdict): BrokerError | undefined {
  switch (verdict.kind) {
    case "own":
    case "not-checked":
      return undefined;
    case "other":
      return otherUser(verdict.peer.uid);
    case "half-closed":
      return refused("the client closed its side of the connection before it was known whose it is", ASK_AGAIN);
    case "gone":
      return refused("the client has closed the connection", ASK_AGAIN);
    case "late":
      return new BrokerError("CredentialsPending", "it is not known yet which user asks: too many connections at once");
  }
}

const ASK_AGAIN = "ask again, and keep the connection open until the answer is there";

function otherUser(uid: number): BrokerError {
  if (uid === ROOT) {
    return refused(
      "the client runs as root (uid 0), and this brokerd serves its own user alone",
      "run it without sudo, or as your own user in the container",
    );
  }
  const who = uid === OVERFLOW ? "another user, or root," : `another user (uid ${uid})`;
  return refused(
    `the client is a program of ${who} and this brokerd serves its own user alone, whatever the token`,
    "run it as the user whose brokerd this is, without sudo",
  );
}

function refused(message: string, hint: string): BrokerError {
  return new BrokerError("RequestRefused", message, { hint });
}
