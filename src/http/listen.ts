import { once } from "node:events";
import type { RequestListener, Server } from "node:http";
import { dirname } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import {
  createLimitedServer,
  type LimitedServer,
  SERVER_LIMITS,
  type ServerLimits,
  type Upgrades,
} from "./limited-server.js";
import { checkSocketPath, clearStaleSocket } from "./stale-socket.js";

/** Something that takes requests until it is closed. */
export interface Listener {
  /** The TCP port; undefined on a unix socket. */
  readonly port: number | undefined;
  /** Another program has the same port on ::1. */
  readonly isTakenOnSix?: boolean;
  /** Stops accepting, lets running requests finish (1.5 s), cuts what is left. May be called twice. */
  readonly close: () => Promise<void>;
}

export interface ListenerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tests shorten the timeouts. */
  readonly limits?: Partial<ServerLimits>;
  /** A request was refused (403) that the handler never saw. */
  readonly onRefused?: () => void;
  /** Whose upgrades are taken. */
  readonly upgrades?: Upgrades;
}

/**
 * How many clients the kernel keeps for us while we are busy; beyond it they wait a second and more for their next SYN.
 * Node's default of 511 was overrun by a test's 2,000; the kernel takes it down to its own limit.
 */
const BACKLOG = 4096;

/**
 * Listens on 127.0.0.1 and, where it exists, on ::1 with the same port: a client that was told `localhost` must not
 * find another program there. Port 0: any. `Conflict` when 127.0.0.1 is taken.
 */
export async function listenOnLoopback(
  handler: RequestListener,
  { port, ...options }: ListenerOptions & { readonly port: number },
): Promise<Listener> {
  const v4 = await bound(handler, options, (server) =>
    server.listen({ host: "127.0.0.1", port, backlog: BACKLOG }),
  ).catch((cause: unknown) => {
    throw portFailure(port, cause);
  });
  const taken = portOf(v4.server);
  const v6 = await onSixToo(handler, options, taken);
  const closeAll = async (): Promise<void> => {
    await Promise.all([v4.close(), v6.server?.close()]);
  };
  return { port: taken, isTakenOnSix: v6.isTaken, close: closeAll };
}

/** Listens on one address, and no other. Rejects with what the system says. */
export async function listenOnAddress(
  handler: RequestListener,
  { host, port, ...options }: ListenerOptions & { readonly host: string; readonly port: number },
): Promise<Listener> {
  const { server, close } = await bound(handler, options, (unbound) =>
    unbound.listen({ host, port, backlog: BACKLOG }),
  );
  return { port: portOf(server), close };
}

/**
 * Listens on a unix socket, 0600 from birth. The caller holds the one-instance lock and has checked the directory: two
 * who clear a stale socket at once would race. `DaemonRunning` when a daemon answers there.
 */
export async function listenOnSocket(
  handler: RequestListener,
  { path, ...options }: ListenerOptions & { readonly path: string },
): Promise<Listener> {
  checkSocketPath(path);
  await clearStaleSocket(path);
  const { close } = await bound(handler, options, (server) => listenPrivately(server, path)).catch((cause: unknown) => {
    throw new BrokerError("FileRefused", `cannot listen on ${path}: ${reasonOf(cause)}`, {
      hint: `ls -ld ${shellQuote(dirname(path))}`,
      cause,
    });
  });
  return { port: undefined, close };
}

/**
 * Listens on a unix socket that a service manager opened and bound; closing leaves it, and its path, to the manager.
 * `UsageInvalid`: no listening socket, or one of TCP, where any program that connects would be taken for the user.
 */
export async function listenOnDescriptor(
  handler: RequestListener,
  { fd, ...options }: ListenerOptions & { readonly fd: number },
): Promise<Listener> {
  const { server, close } = await onDescriptor(handler, options, fd);
  if (portOf(server) === undefined) return { port: undefined, close };
  const found = `${hostOf(server) ?? "no address"} port ${portOf(server) ?? "none"}`;
  await close();
  throw new BrokerError("UsageInvalid", `the inherited control socket must be a unix socket, not ${found}`, {
    hint: SERVICE_INSTALL,
  });
}

/**
 * The endpoint on sockets that a service manager holds: 127.0.0.1 and, where it could be had, ::1. Where only the first
 * was handed over, ::1 is tried here, as `listenOnLoopback` does. `UsageInvalid`: not TCP on loopback, or two ports.
 */
export async function listenOnInherited(
  handler: RequestListener,
  { descriptors, ...options }: ListenerOptions & { readonly descriptors: readonly number[] },
): Promise<Listener & { readonly port: number }> {
  const servers: LimitedServer[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
  };
  try {
    for (const fd of descriptors) servers.push(await onDescriptor(handler, options, fd));
    const port = sharedPort(servers.map(({ server }) => server));
    const hasSix = servers.some(({ server }) => hostOf(server) === LOOPBACK_SIX);
    const v6 = hasSix ? { isTaken: false } : await onSixToo(handler, options, port);
    if (v6.server) servers.push(v6.server);
    return { port, isTakenOnSix: v6.isTaken, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const LOOPBACK = "127.0.0.1";
const LOOPBACK_SIX = "::1";

/** What is bound wider than loopback would offer credentials to the network. */
function sharedPort(servers: readonly Server[]): number {
  const hosts = servers.map(hostOf);
  const ports = new Set(servers.map(portOf));
  const [port] = ports;
  const isLoopback = hosts.includes(LOOPBACK) && hosts.every((host) => host === LOOPBACK || host === LOOPBACK_SIX);
  if (isLoopback && ports.size === 1 && port !== undefined) return port;
  const found = servers.map((server) => `${hostOf(server) ?? "no address"} port ${portOf(server) ?? "none"}`);
  throw new BrokerError(
    "UsageInvalid",
    `the inherited endpoint must be one port of 127.0.0.1, not ${found.join(", ")}`,
    {
      hint: SERVICE_INSTALL,
    },
  );
}

const SERVICE_INSTALL = "brokerctl service install";

async function onDescriptor(handler: RequestListener, options: ListenerOptions, fd: number): Promise<LimitedServer> {
  // Node takes the backlog of a descriptor from the second argument only.
  return bound(handler, options, (server) => server.listen({ fd }, BACKLOG)).catch((cause: unknown) => {
    throw new BrokerError("UsageInvalid", `descriptor ${fd} is not a listening socket: ${reasonOf(cause)}`, {
      hint: SERVICE_INSTALL,
      cause,
    });
  });
}

/** A server for which `bind` has worked. */
async function bound(
  handler: RequestListener,
  { limits, ...options }: ListenerOptions,
  bind: (server: Server) => void,
): Promise<LimitedServer> {
  const limited = createLimitedServer(handler, { ...options, limits: { ...SERVER_LIMITS, ...limits } });
  const listening = once(limited.server, "listening");
  bind(limited.server);
  await listening;
  return limited;
}

interface OnSix {
  readonly server?: LimitedServer;
  readonly isTaken: boolean;
}

/** Best effort: not every machine has IPv6, and a program that took the port there cannot be told to go. */
async function onSixToo(handler: RequestListener, options: ListenerOptions, port: number | undefined): Promise<OnSix> {
  try {
    const server = await bound(handler, options, (unbound) =>
      unbound.listen({ host: "::1", port, ipv6Only: true, backlog: BACKLOG }),
    );
    return { server, isTaken: false };
  } catch (error) {
    const reason = reasonOf(error);
    options.logger.warn(
      { port, reason },
      "not on [::1] too: clients that say localhost may find another program there",
    );
    return { isTaken: hasErrno(error, "EADDRINUSE") };
  }
}

/** The bind happens inside listen(): a chmod afterwards would leave the socket open for a moment, 0.2 ms where it was measured. */
function listenPrivately(server: Server, path: string): void {
  const umask = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(umask);
  }
}

function portFailure(port: number, cause: unknown): BrokerError {
  const anotherPort = "choose another endpoint.port: brokerctl config edit";
  if (hasErrno(cause, "EADDRINUSE")) {
    const hint = `end the program that has it, or ${anotherPort}`;
    return new BrokerError("Conflict", `port ${port} on 127.0.0.1 is taken`, { hint, cause });
  }
  return new BrokerError("ConfigInvalid", `cannot listen on port ${port} of 127.0.0.1: ${reasonOf(cause)}`, {
    hint: anotherPort,
    cause,
  });
}

function portOf(server: Server): number | undefined {
  const address = server.address();
  return typeof address === "object" ? address?.port : undefined;
}

function hostOf(server: Server): string | undefined {
  const address = server.address();
  return typeof address === "object" ? address?.address : undefined;
}
