import { BrokerError } from "../core/errors.js";
import type { PeerVerdict } from "../system/peer-identity.js";

const ROOT = 0;
/** How all users that a user namespace does not know are shown in it, root among them (user_namespaces(7)). */
const OVERFLOW = 65_534;

/** Why the program at the other end gets nothing; undefined: nothing speaks against it. */
export function peerRefusal(verdict: PeerVerdict): BrokerError | undefined {
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
