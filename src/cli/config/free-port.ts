import { createServer } from "node:net";
import { BrokerError } from "../../core/errors.js";
import { hasErrno } from "../../system/system-error.js";

/** interface §2; the next ones are tried where it is taken, e.g. by another installation. */
const FIRST_PORT = 9171;
const PORTS_TRIED = 100;

/** The first port that nobody listens on. It may be taken before brokerd binds it; then brokerd says by whom. */
export async function findFreePort(): Promise<number> {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TRIED; port++) {
    if (await isFree(port)) return port;
  }
  throw new BrokerError("Conflict", `none of the ports ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1} is free`, {
    hint: "brokerctl init --port N",
  });
}

export async function checkPortFree(port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new BrokerError("UsageInvalid", `--port ${port}: another process listens on 127.0.0.1:${port}`, {
    hint: "brokerctl init, which looks for a free one",
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      if (hasErrno(error, "EADDRINUSE", "EACCES")) resolve(false);
      else reject(error);
    });
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
