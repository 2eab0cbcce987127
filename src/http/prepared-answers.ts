import { type ServerResponse } from "node:http";
import { writeJsonHead } from "./json-answer.js";

/**
 * Answers of 200 that are sent again and again: head and body are one text and leave in one write. Each is rendered once a
 * second, since the head has the date; on connections that end with their answer, the body alone. The head is Node's own, as it
 * was for the first of them.
 *
 * Node has no interface for a head that is a text already. A response of every Node from 20 to 26 keeps it in `_header`; where it
 * is not found there, head and body are sent as usual.
 */
export class PreparedAnswers<Key extends object> {
  readonly #render: (key: Key) => string;
  #second = Number.NaN;
  /** Of this second. Weak: what a key stands for may be forgotten meanwhile. */
  #prepared = new WeakMap<Key, Prepared>();

  /** `render` gives the body, JSON, or throws where there is none. */
  constructor(render: (key: Key) => string) {
    this.#render = render;
  }

  /** `now` is epoch milliseconds. Throws what `render` throws, and then nothing was sent. */
  send(response: ServerResponse, key: Key, now: number): void {
    const prepared = this.#preparedFor(key, Math.floor(now / 1000));
    if (prepared.text !== undefined && response.shouldKeepAlive) {
      (response as WithHead)._header = prepared.text;
      response.end();
      return;
    }
    const { body } = prepared;
    writeJsonHead(response, { status: 200, body });
    const head = (response as WithHead)._header;
    // The text leaves as Latin-1.
    if (typeof head !== "string" || !isAscii(body)) return void response.end(body);
    const text = head + body;
    // A connection that ends has another head.
    if (head.includes(KEPT)) prepared.text = text;
    (response as WithHead)._header = text;
    response.end();
  }

  #preparedFor(key: Key, second: number): Prepared {
    if (second !== this.#second) {
      this.#second = second;
      this.#prepared = new WeakMap();
    }
    const known = this.#prepared.get(key);
    if (known) return known;
    const prepared: Prepared = { body: this.#render(key) };
    this.#prepared.set(key, prepared);
    return prepared;
  }
}

interface Prepared {
  readonly body: string;
  /** Head and body, of a connection that is kept. */
  text?: string;
}

type WithHead = ServerResponse & { _header?: unknown };

const KEPT = "\r\nConnection: keep-alive\r\n";

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
