import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";

/** macOS takes 104 bytes with the final NUL. Node before 24 listens on a cut name without a word. */
const MAX_SOCKET_PATH = 103;

export function checkSocketPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= MAX_SOCKET_PATH) return;
  throw new BrokerError("UsageInvalid", `socket path of ${length} bytes, at most ${MAX_SOCKET_PATH}: ${path}`, {
    hint: "set CREDBROKER_HOME to a shorter path",
  });
}

/** Removes the socket of a daemon that was killed. One that answers, and what is no socket, stays: an error. */
export async function clearStaleSocket(path: string): Promise<void> {
  await refuseWhatIsNoSocket(path);
  const refused = await connectionError(path);
  if (hasErrno(refused, "ENOENT")) return; // there is nothing
  if (!hasErrno(refused, "ECONNREFUSED")) {
    const message = refused ? `cannot tell who has ${path}: ${reasonOf(refused)}` : `another daemon answers on ${path}`;
    throw new BrokerError("DaemonRunning", message, { hint: "brokerctl status", cause: refused });
  }
  await unlink(path);
}

async function refuseWhatIsNoSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw new BrokerError("FileRefused", `cannot look at ${path}: ${reasonOf(error)}`, { cause: error });
  });
  if (!found || found.isSocket()) return;
  throw new BrokerError("FileRefused", `${path} is not a socket`, {
    hint: `mv ${shellQuote(path)} ${shellQuote(`${path}.old`)}`,
  });
}

/** undefined: a daemon accepted. */
function connectionError(path: string): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", resolve);
  });
}
