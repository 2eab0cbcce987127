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

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xed_b8_83_20 : value >>> 1;
  return value >>> 0;
});

/** `zlib.crc32` is not in Node 20. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xff_ff_ff_ff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}
