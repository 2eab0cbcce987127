import { request } from "node:http";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { NETWORK_HEADER, REGION_HEADER } from "../../core/lease-socket.js";
import type { Clock } from "../../system/clock.js";

/** What brokerd answered on the socket of a lease, as it is. */
export interface SocketAnswer {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
  /** Of the lease's role, where it names one. */
  readonly region: string | null;
  /** Of brokerd, where it tells. */
  readonly network: string | null;
}

/** brokerd may be in the middle of a restart. */
const RETRY_MS = 50;
/** More is no answer of brokerd's: clients read 10,000 bytes. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * One `GET /creds` over the socket of a lease, tried again while no program listens there, for `limitMs` in all. Rejects with
 * `DaemonUnreachable`, or with `CredentialsPending` where brokerd has the question and no answer yet.
 */
export async function askSocket(
  path: string,
  { clock, limitMs }: { readonly clock: Clock; readonly limitMs: number },
): Promise<SocketAnswer> {
  const startedAt = clock.now();
  for (let sleptMs = 0; ; sleptMs += RETRY_MS) {
    // Of a clock that is set back the sleeps are what counts.
    const leftMs = limitMs - Math.max(sleptMs, clock.now() - startedAt);
    try {
      return await askOnce(path, Math.max(leftMs, RETRY_MS));
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      if (leftMs <= RETRY_MS || !hasErrno(error, "ECONNREFUSED", "ENOENT", "ECONNRESET")) {
        throw unreachable(path, error);
      }
      await clock.sleep(RETRY_MS);
    }
  }
}

function askOnce(path: string, limitMs: number): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: path, path: "/creds", headers: { Host: "localhost" }, agent: false },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
          if (body.length > MAX_BODY_BYTES) asked.destroy(tooLong(path));
        });
        answer.once("error", reject);
        answer.once("end", () => {
          const { statusCode: status = 0, statusMessage: reason = "", headers } = answer;
          const [region = null, network = null] = [REGION_HEADER, NETWORK_HEADER].map((name) =>
            headers[name]?.toString(),
          );
          resolve({ status, reason, body, region, network });
        });
      },
    );
    asked.setTimeout(limitMs, () => asked.destroy(late()));
    asked.once("error", reject);
    asked.end();
  });
}

function late(): BrokerError {
  return new BrokerError("CredentialsPending", "brokerd has not answered yet");
}

function tooLong(path: string): BrokerError {
  return new BrokerError("InternalError", `what answers on ${path} is not brokerd`, {
    hint: "brokerctl lease list    # where brokerd runs",
  });
}

/** Of a lease that has ended there is no socket, as of a brokerd that does not run. */
function unreachable(path: string, cause: unknown): BrokerError {
  const why = hasErrno(cause, "EACCES", "EPERM")
    ? "it is another user's"
    : "brokerd does not run, or the lease has ended";
  return new BrokerError("DaemonUnreachable", `no program answers on ${path} (${reasonOf(cause)}): ${why}`, {
    hint: "brokerctl lease list    # where brokerd runs",
    cause,
  });
}
