import * as net from "node:net";

/** What `net` makes a server's handle with; it has no types, and is there in every Node that we run on. */
interface Handles {
  readonly _createServerHandle: (address: string, port: number, type: 4 | 6 | -1) => { readonly fd: number } | number;
}

/**
 * The descriptor of a socket that is bound and waits for `listen`, as a service manager hands it over: nothing in this
 * process takes connections from it yet. It is closed by the server that listens on it. Port 0: any.
 */
export function inheritedTcp(host: "127.0.0.1" | "0.0.0.0" | "::1", port = 0): number {
  return descriptor(host, port, host === "::1" ? 6 : 4);
}

export function inheritedUnix(path: string): number {
  return descriptor(path, -1, -1);
}

/** They stay referred to: a handle that is collected closes a descriptor which is another's by then. */
const handles: unknown[] = [];

function descriptor(address: string, port: number, type: 4 | 6 | -1): number {
  const handle = (net as unknown as Handles)._createServerHandle(address, port, type);
  if (typeof handle === "number") throw new Error(`cannot bind ${address} port ${port}: ${handle}`);
  handles.push(handle);
  return handle.fd;
}
