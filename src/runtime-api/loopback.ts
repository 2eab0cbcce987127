import type { Server } from "node:http";
import type { BrokerError } from "../core/errors.js";

/**
 * Listens on 127.0.0.1, port 0 for any; throws what `failure` makes of a bind that failed. An accept that fails later, for want of
 * descriptors say, ends nothing.
 */
export async function listenOnPort(
  server: Server,
  port: number,
  failure: (cause: unknown) => BrokerError,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(failure(cause)));
    server.listen(port, "127.0.0.1", resolve);
  });
  server.on("error", () => undefined);
}

/** At once: a request that runs is cut. */
export async function closeNow(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
