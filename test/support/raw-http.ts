import { connect, type Socket } from "node:net";

/** What came back on one connection. */
export interface RawAnswer {
  readonly text: string;
  /** Of the first answer; undefined: the connection was closed without one. */
  readonly status: number | undefined;
  /** Body of the first answer, parsed. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/** Sends bytes as they are and collects what comes until the server closes the connection. */
export function exchange(port: number, bytes: string | Buffer, host = "127.0.0.1"): Promise<RawAnswer> {
  return collect(connect({ port, host }), bytes);
}

export function collect(socket: Socket, bytes: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    // A reset is a close as well: what had come before it counts.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(parse(text)));
    socket.write(bytes);
  });
}

function parse(text: string): RawAnswer {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  return { text, status: status === undefined ? undefined : Number(status), json: bodyOf(text) };
}

function bodyOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!/^content-type: application\/json\r$/im.test(text)) return undefined;
  const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
  const start = text.indexOf("\r\n\r\n") + 4;
  const cut = start < 4 || text.length < start + length; // HEAD, or closed before the end
  if (length === 0 || cut) return undefined;
  return JSON.parse(text.slice(start, start + length)) as Record<string, unknown>;
}
