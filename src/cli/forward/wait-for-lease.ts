import { lstatSync } from "node:fs";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError, type BrokerErrorCode } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { CliContext } from "../context.js";
import { askSocket, type SocketAnswer } from "./ask-socket.js";

const ATTEMPTS = 60;
const RETRY_MS = 500;
/** brokerd answers within a client's second; this machine may be busy. */
const ANSWER_MS = 5000;
const ROOT = 0;
/** How a user namespace shows users that it does not know, root of the host among them (user_namespaces(7)). */
const OVERFLOW = 65_534;

/**
 * Asks once before anything runs, so that what is missing shows here and not inside an SDK. Rejects with what brokerd says,
 * `DaemonUnreachable`, or `FileRefused` where another user could be at the other end.
 */
export async function waitForLease(socket: string, { clock, output }: CliContext): Promise<SocketAnswer> {
  refuseForeignSocket(socket);
  return output.progress.during("fetching credentials", async () => {
    for (let attempt = 1; ; attempt++) {
      const answer = await askSocket(socket, { clock, limitMs: ANSWER_MS });
      if (answer.status === 200) return answer;
      const error = errorOf(answer);
      if (error.code !== "CredentialsPending" || attempt === ATTEMPTS) throw error;
      await clock.sleep(RETRY_MS);
    }
  });
}

/** What another user serves there would be their credentials. Root may be given any, as the root of a container is. */
function refuseForeignSocket(path: string, uid = process.getuid?.() ?? ROOT): void {
  let owner: number;
  try {
    const found = lstatSync(path);
    if (!found.isSocket())
      throw new BrokerError("FileRefused", `${path} is not a socket`, { hint: `ls -l ${shellQuote(path)}` });
    owner = found.uid;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return; // told by the first question
    if (error instanceof BrokerError) throw error;
    throw new BrokerError("FileRefused", `cannot look at ${path}: ${reasonOf(error)}`, { cause: error });
  }
  if ([uid, ROOT, OVERFLOW].includes(owner) || uid === ROOT) return;
  throw new BrokerError("FileRefused", `${path} belongs to uid ${owner}, not to uid ${uid}`, {
    hint: `ls -l ${shellQuote(path)}`,
  });
}

/** The message names the command that fixes it, to be run where brokerd is. */
function errorOf({ status, body }: SocketAnswer): BrokerError {
  const { code, message } = parsed(body);
  if (typeof code === "string" && typeof message === "string") return new BrokerError(code as BrokerErrorCode, message);
  return new BrokerError("InternalError", `the lease's socket answered with status ${status} and no error`, {
    hint: "brokerctl restart    # where brokerd runs",
  });
}

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(body) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
