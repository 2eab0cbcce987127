import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { crc32 } from "node:zlib";
import { writePatiently } from "./write-patiently.js";

/**
 * `application/vnd.amazon.eventstream`, as InvokeWithResponseStream answers: each message has its length, the length of its
 * headers and a CRC-32 of both, the headers, the payload, and a CRC-32 of all before
 * (https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html describes the form).
 */
const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
const STRING_TYPE = 7;
const CRC_AT = 8;

export type StreamedEvent =
  | { readonly type: "PayloadChunk"; readonly payload: Buffer }
  | { readonly type: "InvokeComplete"; readonly payload: Buffer };

export function eventStreamFrame({ type, payload }: StreamedEvent): Buffer {
  const contentType = type === "PayloadChunk" ? "application/octet-stream" : "application/json";
  const headers = Buffer.concat([
    stringHeader(":message-type", "event"),
    stringHeader(":event-type", type),
    stringHeader(":content-type", contentType),
  ]);
  const length = PRELUDE_BYTES + headers.length + payload.length + CRC_BYTES;
  const prelude = Buffer.alloc(PRELUDE_BYTES);
  prelude.writeUInt32BE(length, 0);
  prelude.writeUInt32BE(headers.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, CRC_AT)), CRC_AT);
  const message = Buffer.concat([prelude, headers, payload]);
  const end = Buffer.alloc(CRC_BYTES);
  end.writeUInt32BE(crc32(message), 0);
  return Buffer.concat([message, end]);
}

function stringHeader(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value), 0);
  return Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(STRING_TYPE), length, Buffer.from(value)]);
}

/** Each chunk is a message, at most so large. */
const MAX_FRAME_PAYLOAD = 65_536;

/** What a function streams, as messages of an answer of InvokeWithResponseStream; the last one is sent by who ends it. */
export class StreamedFrames extends Writable {
  readonly #response: ServerResponse;
  readonly #version: string;

  constructor(response: ServerResponse, version: string) {
    super();
    this.#response = response;
    this.#version = version;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#begin();
    const frames: Buffer[] = [];
    for (let at = 0; at < chunk.length; at += MAX_FRAME_PAYLOAD) {
      frames.push(eventStreamFrame({ type: "PayloadChunk", payload: chunk.subarray(at, at + MAX_FRAME_PAYLOAD) }));
    }
    void writePatiently(this.#response, Buffer.concat(frames)).then(() => done());
  }

  override _final(done: () => void): void {
    this.#begin();
    done();
  }

  #begin(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, {
      "Content-Type": "application/vnd.amazon.eventstream",
      "X-Amz-Executed-Version": this.#version,
      "X-Amzn-Remapped-Content-Type": "application/octet-stream",
    });
  }
}
