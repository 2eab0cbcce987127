import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Stands between one client and the endpoint, and notes when the client asked. */
export interface FetchRelay {
  /** Epoch milliseconds of each fetch. */
  readonly fetches: readonly number[];
  /** The same variables with the relay in the endpoint's place. */
  relayed(env: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  readonly stop: () => void;
}

const URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

export async function startFetchRelay(endpointUrl: string): Promise<FetchRelay> {
  const { host, hostname, port } = new URL(endpointUrl);
  const fetches: number[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    fetches.push(Date.now());
    const { method, url: path, headers } = incoming;
    const passed = request({ hostname, port, method, path, headers: { ...headers, host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    fetches,
    relayed: (env) => ({ ...env, [URI]: env[URI]?.replace(host, own) ?? "" }),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
