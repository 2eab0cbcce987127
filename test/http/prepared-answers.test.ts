import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { sendJson } from "../../src/http/json-answer.js";
import { PreparedAnswers } from "../../src/http/prepared-answers.js";

const opened: { close: () => unknown }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

async function serving(handler: RequestListener): Promise<Socket> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  opened.push(server);
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  opened.push({ close: () => socket.destroy() });
  return socket;
}

async function ask(socket: Socket, ...fields: readonly string[]): Promise<string> {
  socket.write(["GET / HTTP/1.1", "Host: x", ...fields, "", ""].join("\r\n"));
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.toString("utf8");
}

const withoutDate = (text: string): string => text.replace(/^Date: .*$/m, "Date:");
const KEY = {};

/** Answers with `body` at the times given in turn; counts how often it was rendered. */
function prepared(body: string, ...times: readonly number[]) {
  let rendered = 0;
  const answers = new PreparedAnswers<object>(() => {
    rendered++;
    return body;
  });
  const moments = [...times];
  const handler: RequestListener = (_request, response) => answers.send(response, KEY, moments.shift() ?? 0);
  return { handler, rendered: () => rendered };
}

const plainly =
  (body: string): RequestListener =>
  (_request, response) =>
    sendJson(response, { status: 200, body });

describe("a prepared answer", () => {
  it("has the bytes of one that is rendered anew, each time on a kept connection, and is rendered once a second", async () => {
    const body = JSON.stringify({ a: "b".repeat(1000) });
    const { handler, rendered } = prepared(body, 1000, 1001, 1999, 2000);
    const socket = await serving(handler);
    const expected = withoutDate(await ask(await serving(plainly(body))));

    for (let n = 0; n < 4; n++) expect(withoutDate(await ask(socket))).toBe(expected);

    expect(expected).toContain("\r\nConnection: keep-alive\r\n");
    expect(rendered()).toBe(2);
  });

  it("closes the connection of a client that asked for that, before and after one that keeps it", async () => {
    const { handler } = prepared("{}", 1, 2, 3, 4);
    const closing = withoutDate(await ask(await serving(plainly("{}")), "Connection: close"));
    const listener = createServer(handler).listen(0, "127.0.0.1");
    opened.push(listener);
    await once(listener, "listening");
    const fresh = (): Socket => connect((listener.address() as AddressInfo).port, "127.0.0.1");

    for (const fields of [["Connection: close"], [], ["Connection: close"]]) {
      const socket = fresh();
      const text = withoutDate(await ask(socket, ...fields));
      if (fields.length > 0) {
        expect(text).toBe(closing);
        await once(socket, "close");
      } else expect(text).toContain("\r\nConnection: keep-alive\r\n");
      socket.destroy();
    }
  });

  it("keeps characters beyond ASCII", async () => {
    const body = JSON.stringify({ a: "é€" });
    const socket = await serving(prepared(body, 1, 2).handler);

    for (let n = 0; n < 2; n++) expect((await ask(socket)).endsWith(body)).toBe(true);
  });

  it("is none where there is no body: what rendering throws is thrown, and nothing sent", async () => {
    const answers = new PreparedAnswers<object>(() => {
      throw new TypeError("from the test");
    });
    const thrown: unknown[] = [];
    const socket = await serving((_request, response) => {
      try {
        answers.send(response, KEY, 0);
      } catch (error) {
        thrown.push(error);
        response.end("other");
      }
    });

    expect(await ask(socket)).toContain("other");
    expect(thrown).toEqual([expect.any(TypeError)]);
  });
});
