import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { type ErrorDocument, errorDocument } from "./error-document.js";
import type { RuntimeConnection, StreamedPost } from "./runtime-connection.js";
import { RuntimeFault } from "./runtime-fault.js";

/** What a streaming handler writes to. */
export interface ResponseStream extends Writable {
  setContentType(contentType: string): void;
}

const ERROR_TYPE = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY = "Lambda-Runtime-Function-Error-Body";
/** Ends the prelude of an HTTP response: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html */
const PRELUDE_END = Buffer.alloc(8);

/** One streamed response on its way: nothing is sent before the first write, so that an early failure is a plain error. */
export class StreamedResponse {
  readonly stream: ResponseStream;
  readonly #connection: RuntimeConnection;
  readonly #requestId: string;
  #contentType = "application/octet-stream";
  #prelude: Buffer | undefined;
  /** What goes out in the trailers, behind all that was written. */
  #failure: ErrorDocument | undefined;
  #post: StreamedPost | undefined;

  constructor(connection: RuntimeConnection, requestId: string) {
    this.#connection = connection;
    this.#requestId = requestId;
    const writable = new Writable({
      // Objects are written as JSON.
      objectMode: true,
      write: (chunk: unknown, _, callback) => void this.#started().request.write(bytesOf(chunk), callback),
      final: (callback) => {
        const { request } = this.#started();
        if (this.#failure) request.addTrailers(trailersOf(this.#failure));
        request.end(callback);
      },
    });
    this.stream = Object.assign(writable, { setContentType: (type: string) => this.#setContentType(type) });
    streamed.set(this.stream, this);
  }

  /** Sends what describes an HTTP response (status, headers, cookies) ahead of the body. */
  setPrelude(metadata: unknown): void {
    this.#setContentType("application/vnd.awslambda.http-integration-response");
    this.#prelude = Buffer.concat([Buffer.from(JSON.stringify(metadata)), PRELUDE_END]);
  }

  /** Resolves when the API has all of it. */
  async sent(): Promise<void> {
    await this.#post?.done;
  }

  /**
   * After the first byte an error can only be sent at the end, in trailers; after the handler ended the stream not even there:
   * the response stands. What was written goes out in either case.
   */
  async fail(error: unknown): Promise<void> {
    const document = errorDocument(error);
    const { stream } = this;
    const isUntouched = this.#post === undefined && stream.writableLength === 0 && !stream.writableEnded;
    if (isUntouched) return this.#connection.fail(this.#requestId, document);
    if (!stream.writableEnded) this.#failure = document;
    if (stream.destroyed && !stream.writableFinished) return this.#cutOff(document);
    stream.end();
    await finished(stream);
    await this.sent();
  }

  /** The handler destroyed its stream: what was on its way is all there is. */
  async #cutOff(document: ErrorDocument): Promise<void> {
    const { request, done } = this.#started();
    request.addTrailers(trailersOf(document));
    request.end();
    await done;
  }

  #setContentType(contentType: string): void {
    if (this.#post !== undefined) {
      throw new RuntimeFault("InvalidStreamingOperation", "Cannot set content-type, too late.");
    }
    this.#contentType = contentType;
  }

  #started(): StreamedPost {
    if (this.#post !== undefined) return this.#post;
    this.#post = this.#connection.stream(this.#requestId, {
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      "Content-Type": this.#contentType,
      "Transfer-Encoding": "chunked",
      Trailer: `${ERROR_TYPE}, ${ERROR_BODY}`,
    });
    if (this.#prelude) this.#post.request.write(this.#prelude);
    return this.#post;
  }
}

const streamed = new WeakMap<ResponseStream, StreamedResponse>();

/** `awslambda.HttpResponseStream` */
export const HttpResponseStream = {
  from(stream: ResponseStream, metadata: unknown): ResponseStream {
    streamed.get(stream)?.setPrelude(metadata);
    return stream;
  },
};

function bytesOf(chunk: unknown): string | Uint8Array {
  return typeof chunk === "string" || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk);
}

function trailersOf(document: ErrorDocument): Record<string, string> {
  return {
    [ERROR_TYPE]: document.errorType.replaceAll(/[^\x20-\x7e]/g, "?"),
    [ERROR_BODY]: Buffer.from(JSON.stringify(document)).toString("base64"),
  };
}
