import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What a container credentials endpoint answers, whatever it is asked. */
export interface StaticAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

/** A container credentials endpoint without a broker: shows what the clients do with an answer that the broker never gives. */
export async function startStaticEndpoint(answer: StaticAnswer): Promise<{ url: string; server: Server }> {
  const text = JSON.stringify(answer.body);
  const server = createServer((_request, response) => {
    response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/creds`, server };
}
