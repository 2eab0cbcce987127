import { createServer } from "node:net";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";

/** interface §2; the next ones are tried where it is taken, e.g. by another installation. */
const FIRST_PORT = 9171;
const PORTS_TRIED = 100;

/** A port that is ours until it is released: no other `init` finds it free meanwhile. */
export interface HeldPort {
  readonly port: number;
  /** Resolves when brokerd can have it; harmless when called twice. */
  readonly release: () => Promise<void>;
}

/**
 * The first port that nobody listens on, held. The users of a machine begin at different ones; between the release and
 * brokerd's own bind another process can take it all the same, and then brokerd says by whom.
 */
export async function holdFreePort(uid: number): Promise<HeldPort> {
  for (let index = 0; index < PORTS_TRIED; index++) {
    const held = await hold(FIRST_PORT + ((Math.max(uid, 0) + index) % PORTS_TRIED));
    if (held) return held;
  }
  throw new BrokerError("Conflict", `none of the ports ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1} is free`, {
    hint: "brokerctl init --port N",
  });
}

/** The port that was asked for, held. */
export async function holdPort(port: number): Promise<HeldPort> {
  const held = await hold(port);
  if (held) return held;
  throw new BrokerError("UsageInvalid", `--port ${port}: another process listens on 127.0.0.1:${port}`, {
    hint: "brokerctl init, which looks for a free one",
  });
}

/** Undefined: it is taken. */
function hold(port: number): Promise<HeldPort | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once("error", (error) => {
      if (hasErrno(error, "EADDRINUSE", "EACCES")) resolve(undefined);
      else reject(error);
    });
    const release = (): Promise<void> => new Promise((released) => server.close(() => released()));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve({ port, release }));
    server.unref();
  });
}
