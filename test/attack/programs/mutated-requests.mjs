/**
 * A user of the machine who has a token: sends mutated requests, each on a connection of its own, and prints what
 * came of them as JSON. A 200 is wrong unless the bytes are, by the plain reading below, a request that may have one.
 * Arguments: port, token, seed, count.
 */
import { Buffer } from "node:buffer";
import { connect } from "node:net";

const [port, token, seed, count] = process.argv.slice(2);
const PARALLEL = 16;
/** Without an answer for so long, our half is closed: the server waits for the rest of what is no whole request. */
const SILENCE_MS = 100;

const NAMES = [
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__", "then", "0", "-1"],
  ...["1e999", "NaN", "$", "!#$%&'*+-.^_`|~", "x".repeat(3000), "x".repeat(7900), "X-Forwarded-For", "Origin", "Via"],
  ...["Referer", "Cookie", "Forwarded", "Sec-Fetch-Site", "Transfer-Encoding", "Content-Length", "Expect", "Upgrade"],
  ...["Host", "Authorization", "Connection", "TE", "Trailer", "Keep-Alive", "HTTP2-Settings", "Accept", "User-Agent"],
];
const VALUES = [
  "",
  "1",
  "0",
  "null",
  "none",
  "chunked",
  "100-continue",
  "websocket",
  "close",
  "127.0.0.1",
  "a, b",
  "\t",
];
const TARGETS = [
  "/creds",
  "/healthz",
  "/",
  "*",
  "//creds",
  "/creds?a",
  "/lease/__proto__",
  "/lease/",
  "http://x/creds",
];
const METHODS = ["GET", "POST", "HEAD", "PUT", "CONNECT", "OPTIONS", "TRACE", "get", "PRI", "M-SEARCH", "__proto__"];
const WHOLE = [
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "\r\n".repeat(500),
  "GET / HTTP/1.1\r\n".repeat(40),
  "0\r\n__proto__: 1\r\n\r\n",
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

function request() {
  if (below(20) === 0) return oneOf(WHOLE);
  const withHeader = below(2) === 0;
  let line = `GET ${withHeader ? "/creds" : `/lease/${token}`} HTTP/1.1`;
  if (below(6) === 0)
    line = `${oneOf(METHODS)} ${oneOf([...TARGETS, `/lease/${token}`])} HTTP/${oneOf(["1.1", "1.0", "2"])}`;
  const fields = ["Host: 127.0.0.1", ...(withHeader ? [`Authorization: ${token}`] : [])];
  for (let more = below(4); more > 0; more--)
    fields.splice(below(fields.length + 1), 0, `${oneOf(NAMES)}: ${oneOf(VALUES)}`);
  let bytes = `${line}\r\n${fields.join("\r\n")}\r\n\r\n`;
  for (let more = below(3); more > 0; more--) bytes = mutated(bytes);
  return bytes;
}

function mutated(bytes) {
  const at = below(bytes.length);
  const byte = String.fromCharCode(below(256));
  const ways = [
    () => bytes.slice(0, at) + byte + bytes.slice(at + 1),
    () => bytes.slice(0, at) + byte + bytes.slice(at),
    () => bytes.slice(0, at) + bytes.slice(at + 1),
    () => bytes.slice(0, at),
    () => bytes + bytes.slice(at),
    () => bytes.slice(0, at) + oneOf(["\r\n", "\n", "\0", "\r", ": ", "__proto__"]) + bytes.slice(at),
  ];
  return oneOf(ways)();
}

const FORBIDDEN =
  /^(?:origin|referer|cookie|sec-fetch-site|forwarded|via|x-forwarded-.*|transfer-encoding|upgrade|expect)$/;

/**
 * Whether the first request in these bytes may have credentials. It reads as strictly as Node's parser, which passes over
 * empty lines before a request, and blanks in its line where one should stand (RFC 9112 §2.2, §3).
 */
function mayHave200(bytes) {
  const [head] = bytes.replace(/^[\r\n]+/, "").split("\r\n\r\n", 1);
  const [line, ...fields] = head.split("\r\n");
  const target = /^GET +(\S+) +HTTP\/1\.1$/.exec(line)?.[1];
  const pairs = fields.map((field) => /^([^:\s]+):[ \t]*(.*?)[ \t]*$/s.exec(field)?.slice(1));
  if (pairs.includes(undefined)) return false;
  const valuesOf = (name) => pairs.filter(([found]) => found.toLowerCase() === name).map(([, value]) => value);
  const isForbidden = ([name, value]) =>
    FORBIDDEN.test(name.toLowerCase()) && !(/^sec-fetch-site$/i.test(name) && value === "none");
  if (pairs.some(isForbidden) || valuesOf("content-length").some((length) => !/^0+$/.test(length))) return false;
  const hosts = valuesOf("host").map((host) => host.toLowerCase());
  const ours = ["127.0.0.1", "localhost", "[::1]"].flatMap((name) => [name, `${name}:${port}`]);
  if (hosts.length !== 1 || !ours.includes(hosts[0])) return false;
  const tokens = valuesOf("authorization");
  if (tokens.length > 1) return false;
  return target === `/lease/${token}` || (target === "/creds" && tokens[0]?.replace(/^bearer +/i, "") === token);
}

const statuses = {};
const wrong = [];
let sent = 0;

function exchange(bytes) {
  return new Promise((resolve) => {
    const socket = connect(Number(port), "127.0.0.1");
    let answer = "";
    socket.setTimeout(SILENCE_MS, () => socket.end());
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (answer.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("close", () => resolve(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? "none"));
    socket.write(Buffer.from(bytes, "latin1"));
  });
}

async function worker() {
  while (sent < Number(count)) {
    sent++;
    const bytes = request();
    const status = await exchange(bytes);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === "200" && !mayHave200(bytes))
      wrong.push(JSON.stringify(bytes.replaceAll(token, "TOKEN")).slice(0, 400));
  }
}

await Promise.all(Array.from({ length: PARALLEL }, worker));
console.log(JSON.stringify({ sent, statuses, wrong }));
