/**
 * A program of the user that sends mutated requests to the control socket, each on a connection of its own, and prints
 * what came of them as JSON. Arguments: socket, seed, count. From stdin: JSON, `{operation: body}`, what is right.
 */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { connect } from "node:net";

const [socketPath, seed, count] = process.argv.slice(2);
const RIGHT = Object.entries(JSON.parse(readFileSync(0, "utf8")));
const PARALLEL = 16;
/** Without an answer for so long our half is closed. */
const SILENCE_MS = 150;
const VALUES = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  "",
  " ",
  "\u0000",
  "\ud800",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "-",
  "*",
  "x".repeat(300),
  "x".repeat(70_000),
  [],
  {},
  [[]],
  { by: "default" },
  { by: "__proto__" },
  { toString: 1 },
  "brk_" + "A".repeat(43),
  "$(id)",
  "lambda:x@y",
];
const NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "then",
  "by",
  "role",
  "name",
  "lease",
  "toJSON",
  "hasOwnProperty",
  "",
];

let state = Number(seed) >>> 0;
/** mulberry32 */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}
const below = (limit) => Math.floor(random() * limit);
const oneOf = (list) => list[below(list.length)];

/** JSON text, in which a `__proto__` is a key like any other. */
function mutatedBody(body) {
  const fields = Object.entries(body).map(([key, value]) => [key, JSON.stringify(value)]);
  for (let more = below(4); more > 0; more--) {
    const ways = [
      () => fields.push([oneOf(NAMES), JSON.stringify(oneOf(VALUES))]),
      () => fields.splice(below(fields.length + 1), 1),
      () => fields.length > 0 && (oneOf(fields)[1] = JSON.stringify(oneOf(VALUES))),
      () => fields.length > 0 && (oneOf(fields)[0] = oneOf(NAMES)),
    ];
    oneOf(ways)();
  }
  const text = `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`;
  return below(12) === 0
    ? oneOf(["", "null", "[]", "1", '"x"', "{".repeat(3000), "[".repeat(20_000), `${text}${text}`])
    : text;
}

function mutatedBytes(text) {
  let bytes = Buffer.from(text);
  for (let more = below(6) === 0 ? 1 + below(3) : 0; more > 0; more--) {
    const at = below(bytes.length);
    const insert = Buffer.from([below(256)]);
    bytes = oneOf([
      () => Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + 1)]),
      () => Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
      () => bytes.subarray(0, at),
    ])();
  }
  return bytes;
}

function request() {
  const [operation, right] = oneOf(RIGHT);
  const body = mutatedBody(right);
  const name = below(30) === 0 ? oneOf([...NAMES, "../status", "status%00", "STATUS"]) : operation;
  const type =
    below(20) === 0
      ? oneOf(["text/plain", "application/json; charset=utf-16", "multipart/form-data", ""])
      : "application/json";
  const extra = below(20) === 0 ? oneOf(["Origin: http://x\r\n", "Cookie: a\r\n", "Referer: x\r\n"]) : "";
  const method = below(30) === 0 ? oneOf(["GET", "PUT", "DELETE", "OPTIONS"]) : "POST";
  const length = below(30) === 0 ? below(99_999) : Buffer.byteLength(body);
  const head = `${method} /v1/${name} HTTP/1.1\r\nHost: x\r\n${extra}Content-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
  return { bytes: mutatedBytes(head + body), isBrowser: extra !== "" };
}

const statuses = {};
const wrong = [];
let sent = 0;

function exchange(bytes) {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let answer = "";
    socket.setTimeout(SILENCE_MS, () => (answer === "" ? socket.end() : socket.destroy()));
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      const length = /content-length: (\d+)/i.exec(answer)?.[1];
      if (length !== undefined && answer.length >= answer.indexOf("\r\n\r\n") + 4 + Number(length)) socket.destroy();
    });
    socket.on("close", () => resolve(answer));
    socket.write(bytes);
  });
}

async function worker() {
  while (sent < Number(count)) {
    sent++;
    const { bytes, isBrowser } = request();
    const answer = await exchange(bytes);
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? "none";
    statuses[status] = (statuses[status] ?? 0) + 1;
    const problem =
      status === "500"
        ? "an unexpected error"
        : /CaNaRy|SecretAccessKey|"secretAccessKey"/.test(answer)
          ? "a secret"
          : isBrowser && status === "200" && /\r\n(?:origin|cookie|referer):/i.test(bytes.toString("latin1"))
            ? "answered a browser"
            : undefined;
    if (problem)
      wrong.push(
        `${problem}: ${JSON.stringify(bytes.toString("latin1").slice(0, 300))} → ${answer.slice(-300)}`.slice(0, 700),
      );
  }
}

await Promise.all(Array.from({ length: PARALLEL }, worker));
console.log(JSON.stringify({ sent, statuses, wrong: wrong.slice(0, 10), wrongCount: wrong.length }));
