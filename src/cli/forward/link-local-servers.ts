import type { IncomingMessage, RequestListener } from "node:http";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { newLeaseToken } from "../../core/lease.js";
import { type Listener, listenOnAddress } from "../../http/listen.js";
import { guarded, requestRefusal } from "../../http/request-guard.js";
import type { Clock } from "../../system/clock.js";
import type { RunTool } from "../../system/service/supervisor.js";
import { RELATIVE_URI_VARIABLE } from "../access/variables.js";
import type { Bridge } from "./bridge.js";
import { instanceMetadata } from "./instance-metadata.js";
import { addLinkLocal, LINK_LOCAL, notAllowed } from "./link-local.js";
import { isSameToken, refuse, relay, silent } from "./relay.js";

export interface LinkLocalOptions {
  /** Path of the lease's socket. */
  readonly socket: string;
  readonly region: string | null;
  readonly clock: Clock;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface LinkLocalAddresses {
  readonly container: Address;
  readonly instance: Address;
}

const HTTP = 80;
const REAL: LinkLocalAddresses = {
  container: { host: LINK_LOCAL.container, port: HTTP },
  instance: { host: LINK_LOCAL.instance, port: HTTP },
};

/** The lease for what knows link-local addresses alone; the network namespace must be known to be no other's (`own-network.ts`). */
export async function openLinkLocal(options: LinkLocalOptions, run: RunTool): Promise<Bridge> {
  const removeAddresses = await addLinkLocal(run);
  try {
    const served = await serveLinkLocal(options);
    const close = async (): Promise<void> => {
      await served.close();
      await removeAddresses();
    };
    return { variables: served.variables, close };
  } catch (error) {
    await removeAddresses();
    throw error;
  }
}

/** Also where they listen, which tests choose. */
export async function serveLinkLocal(
  { socket, region, clock }: LinkLocalOptions,
  { container, instance }: LinkLocalAddresses = REAL,
): Promise<Bridge & { readonly ports: { readonly container: number; readonly instance: number } }> {
  const token = newLeaseToken().reveal();
  const path = `/creds/${token}`;
  const ecs = await listen(containerCredentials({ socket, clock, path, host: container.host }), container, clock);
  try {
    const metadata = instanceMetadata({ socket, region, clock, hosts: [instance.host], refusalOfPeer });
    const imds = await listen(metadata, instance, clock);
    const close = async (): Promise<void> => {
      await Promise.all([ecs.close(), imds.close()]);
    };
    const ports = { container: ecs.port ?? HTTP, instance: imds.port ?? HTTP };
    return { variables: { [RELATIVE_URI_VARIABLE]: path }, ports, close };
  } catch (error) {
    await ecs.close();
    throw error;
  }
}

interface ContainerOptions extends Omit<LinkLocalOptions, "region"> {
  readonly path: string;
  readonly host: string;
}

/** Clients of a relative URI send no header: the token is in its path. */
function containerCredentials({ socket, clock, path, host }: ContainerOptions): RequestListener {
  const hint = "use the variables that this `brokerctl forward` set";
  const rules = { paths: /^\/creds\/[\w-]+$/, hosts: [host], hint };
  return (request, response) => {
    const refusal = refusalOfPeer(request) ?? requestRefusal(guarded(request), rules);
    if (refusal) return refuse(response, refusal);
    if (isSameToken(request.url ?? "", path)) return void relay(socket, response, clock);
    refuse(response, new BrokerError("LeaseUnknown", "the path has not the token of this forward", { hint }));
  };
}

/**
 * Linux takes packets for an address of `lo` on each of its interfaces: neighbours on a bridge that the namespace has, too, could ask.
 * From outside comes no packet of these sources, which the kernel drops as martians.
 */
function refusalOfPeer({ socket: { remoteAddress = "" } }: IncomingMessage): BrokerError | undefined {
  const isOwn = remoteAddress.startsWith("127.") || Object.values<string>(LINK_LOCAL).includes(remoteAddress);
  if (isOwn) return undefined;
  return new BrokerError("RequestRefused", "the request comes from outside of this network namespace's loopback", {
    hint: "brokerctl forward --socket PATH --imds -- CMD    # in the namespace that asks",
  });
}

async function listen(handler: RequestListener, { host, port }: Address, clock: Clock): Promise<Listener> {
  const limits = { bodies: false, maxConnections: 1024 };
  return listenOnAddress(handler, { host, port, clock, logger: silent, limits }).catch((cause: unknown) => {
    if (hasErrno(cause, "EACCES", "EPERM")) throw notAllowed(`port ${port}`);
    const isTaken = hasErrno(cause, "EADDRINUSE");
    const why = isTaken ? "another program listens there, perhaps another forward" : reasonOf(cause);
    throw new BrokerError("Conflict", `cannot listen on ${host}:${port}: ${why}`, {
      hint: `ss -ltnp 'sport = :${port}'`,
      cause,
    });
  });
}
