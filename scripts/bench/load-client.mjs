/**
 * The clients of `npm run bench`, in a process of their own: raw sockets, one request at a time on each, so that they cost less than any
 * server. Arguments: JSON `{host, port, request, connections, fresh, milliseconds, everyMs, pid}`. Prints one line of JSON. `request` is sent as it is;
 * an answer is complete when it has as many bytes as its head says. `fresh`: a connection for each request. `everyMs`: a pause between two.
 * `pid`: whose processor time is told. Counted is what is asked from when each connection has had its first answer: a connection that is new
 * costs what none that is kept costs again (the look-up of its user and program).
 */

import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { performance } from "node:perf_hooks";

const { host, port, request, connections, fresh, milliseconds, everyMs = 0, pid } = JSON.parse(process.argv[2]);
const bytes = Buffer.from(request, "latin1");
/** Between the first answers and the first that counts. */
const WARM_UP_MS = 150;
/** For the last answers. */
const PATIENCE_MS = 10_000;
/** Set when each connection has had an answer. */
let from = Number.POSITIVE_INFINITY;
let end = Number.POSITIVE_INFINITY;
/** Of `HTTP/1.1 200`, the 2. */
const OK = "2".charCodeAt(0);
const waits = [];
let cpuBefore = process.cpuUsage();
let ranBefore = 0;
let ran = 0;
let open = connections;
let waitedFor = connections;
let answers = 0;

/** Processor time of the server's threads until now, ms. */
function ranMs() {
  if (pid === undefined) return 0;
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}

function countFrom(now) {
  from = now;
  end = from + milliseconds;
  answers = 0;
  cpuBefore = process.cpuUsage();
  ranBefore = ranMs();
}

/** How many bytes the answer that begins so has, 0 while that cannot be told; throws where it is not a 200. */
function lengthOf(text) {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return 0;
  if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(`answered: ${text.slice(0, text.indexOf("\r\n"))}`);
  return head + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1]);
}

function client() {
  let socket;
  let asked = 0;
  /** Of the answer that comes: how many bytes it has, 0 while its head is not whole, and how many have come. */
  let wanted = 0;
  let received = 0;
  let begun = "";
  let isFirst = true;
  const ask = (now) => {
    asked = now;
    received = 0;
    if (fresh) dial();
    else socket.write(bytes);
  };
  const answered = () => {
    const now = performance.now();
    answers++;
    if (isFirst) {
      isFirst = false;
      if (--waitedFor === 0) setTimeout(() => countFrom(performance.now()), WARM_UP_MS);
    }
    if (asked >= from && now <= end) waits.push(now - asked);
    if (fresh) socket.end();
    if (now >= end) return finish();
    if (everyMs > 0) setTimeout(() => ask(performance.now()), everyMs);
    else ask(now);
  };
  /** One buffer for all that comes, and no stream: a client must cost less than the server. */
  const take = (length, buffer) => {
    if (received === 0 && length > 9 && buffer[9] !== OK) throw new Error(`answered: ${buffer.latin1Slice(0, 60)}`);
    received += length;
    if (wanted === 0) {
      begun += buffer.latin1Slice(0, length);
      wanted = lengthOf(begun);
    }
    if (wanted > 0 && received >= wanted) answered();
    return true;
  };
  const dial = () => {
    wanted = 0;
    begun = "";
    const onread = { buffer: Buffer.allocUnsafe(16_384), callback: take };
    socket = connect({ host, port, noDelay: true, onread }, () => socket.write(bytes));
    socket.on("error", (error) => {
      throw error;
    });
  };
  const finish = () => {
    if (open === connections) ran = ranMs() - ranBefore;
    socket.end();
    if (--open === 0) report();
  };
  asked = performance.now();
  dial();
}

function report() {
  waits.sort((a, b) => a - b);
  const at = (share) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))];
  const { user, system } = process.cpuUsage(cpuBefore);
  const figures = {
    requests: waits.length,
    asked: answers,
    p50: at(0.5),
    p99: at(0.99),
    longest: at(1),
    clientCpuMs: (user + system) / 1000,
    serverCpuMs: ran,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit());
}

setTimeout(
  () => {
    throw new Error(`${open} of ${connections} clients still wait for an answer`);
  },
  WARM_UP_MS + milliseconds + PATIENCE_MS,
);
for (let count = 0; count < connections; count++) client();
