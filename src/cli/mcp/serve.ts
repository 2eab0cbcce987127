import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import type { Clock } from "../../system/clock.js";
import type { OwnLease } from "./own-lease.js";
import { INSTRUCTIONS, registerTools } from "./tools.js";
import { answerWithoutSecrets } from "./without-secrets.js";

export interface McpOptions {
  readonly lease: OwnLease;
  readonly version: string;
  readonly clock: Clock;
  readonly stdin: Readable;
  readonly stdout: Writable;
}

/** No message of a client of ours comes near it. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Serves MCP, of whichever revision the client speaks, until its end of stdin; requests under way then are given up. */
export async function serveMcp({ lease, version, clock, stdin, stdout }: McpOptions): Promise<void> {
  const factory = (): McpServer => {
    const server = new McpServer({ name: "credbroker", version }, { instructions: INSTRUCTIONS });
    registerTools(server, lease, clock);
    return server;
  };
  const ended = Promise.race([once(stdin, "end"), once(stdin, "close"), once(stdout, "close")]);
  const handle = serveStdio(factory, { transport: guardedTransport(stdin, stdout) });
  await ended.catch(() => undefined);
  await handle.close();
}

/** Every message passes one gate on its way out, those that the SDK makes included; only a request's id is its sender's own. */
function guardedTransport(stdin: Readable, stdout: Writable): StdioServerTransport {
  const transport = new StdioServerTransport(stdin, stdout, { maxBufferSize: MAX_MESSAGE_BYTES });
  const send = transport.send.bind(transport);
  transport.send = (message) => send(guarded(message));
  return transport;
}

type Message = Parameters<StdioServerTransport["send"]>[0];

function guarded(message: Message): Message {
  return { ...(answerWithoutSecrets(message) as Message), ...("id" in message && { id: message.id }) } as Message;
}
