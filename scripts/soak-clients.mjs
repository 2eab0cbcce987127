/**
 * The clients of `npm run soak`, in a process of their own. Arguments: port, clients, seconds. From stdin: JSON, a list of
 * `{token, roleArn}`. Prints one line of JSON at the end. A wait of this process itself is not counted as brokerd's.
 */

import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { setInterval } from "node:timers";

const [port, clients, seconds] = process.argv.slice(2).map(Number);
const leases = JSON.parse(readFileSync(0, "utf8"));
const kinds = {
  /** One connection, asked again and again. */
  kept: { share: 0.45, everyMs: 2000 },
  /** A connection for each request. */
  fresh: { share: 0.45, everyMs: 6000 },
  /** Goes away before, or in the middle of, the answer. */
  aborting: { share: 0.05, everyMs: 2000 },
  /** Sends a byte at a time. */
  dripping: { share: 0.05, everyMs: 4000 },
};
const LOOK_MS = 20;
const DRIP_MS = 10;

const report = { asked: 0, served: 0, aborted: 0, failures: {}, longestMs: 0, waits: [], keys: {} };
const end = performance.now() + 1000 * seconds;

/** For how long, in all, this process did not run when it wanted to. */
let stalledMs = 0;
let looked = performance.now();
setInterval(() => {
  const now = performance.now();
  stalledMs += Math.max(0, now - looked - LOOK_MS - 5);
  looked = now;
}, LOOK_MS);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const spread = (ms) => ms * (0.5 + Math.random());

function failed(what) {
  report.failures[what] = (report.failures[what] ?? 0) + 1;
}

/** What came: status, text; or an error's code. */
function judge({ status, text, error }, lease, { from, stalledFrom }) {
  const ms = Math.max(0, performance.now() - from - (stalledMs - stalledFrom));
  report.longestMs = Math.max(report.longestMs, ms);
  if (report.asked % 50 === 0) report.waits.push(ms);
  if (error) return failed(error);
  if (status !== 200) return failed(`${status} ${/"Code":"(\w+)"/.exec(text)?.[1] ?? ""}`);
  const body = JSON.parse(text);
  if (body.RoleArn !== lease.roleArn) return failed("credentials of another role");
  if (Date.parse(body.Expiration) <= Date.now()) return failed("credentials that have expired");
  (report.keys[lease.roleArn] ??= {})[body.AccessKeyId] = true;
  report.served++;
}

function began() {
  report.asked++;
  return { from: performance.now(), stalledFrom: stalledMs };
}

function ask(lease, agent) {
  const start = began();
  return new Promise((resolve) => {
    const finish = (came) => resolve(judge(came, lease, start));
    const headers = { Authorization: lease.token };
    get({ host: "127.0.0.1", port, path: "/creds", headers, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("end", () => finish({ status: response.statusCode, text }));
      response.on("error", (error) => finish({ error: error.code }));
    }).on("error", (error) => finish({ error: error.code }));
  });
}

async function abort(lease) {
  report.aborted++;
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  socket.write(`GET /lease/${lease.token} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  await pause(Math.random() * 10);
  if (Math.random() < 0.5) socket.resetAndDestroy();
  else socket.destroy();
}

function drip(lease) {
  const start = began();
  const bytes = `GET /lease/${lease.token} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1").setNoDelay(true);
    socket.on("data", (data) => (text += data.toString("latin1")));
    socket.on("error", (error) => resolve(judge({ error: error.code }, lease, start)));
    socket.on("close", () => {
      const [head = "", body = ""] = text.split("\r\n\r\n");
      resolve(judge({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), text: body }, lease, start));
    });
    socket.on("connect", async () => {
      for (let at = 0; at < bytes.length; at += 4) {
        socket.write(bytes.slice(at, at + 4));
        await pause(DRIP_MS);
      }
      // The time that it took to ask is not the answer's.
      Object.assign(start, { from: performance.now(), stalledFrom: stalledMs });
    });
  });
}

const ACTS = {
  kept: (lease, agent) => ask(lease, agent),
  fresh: (lease) => ask(lease, false),
  aborting: (lease) => abort(lease),
  dripping: (lease) => drip(lease),
};

async function client(kind, index) {
  const lease = leases[index % leases.length];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await pause(Math.random() * Math.min(10_000, 250 * seconds));
  while (performance.now() < end) {
    await ACTS[kind](lease, agent);
    await pause(spread(kinds[kind].everyMs));
  }
  agent.destroy();
}

const all = Object.entries(kinds).flatMap(([kind, { share }]) =>
  Array.from({ length: Math.round(clients * share) }, () => kind),
);
await Promise.all(all.map(client));
report.waits.sort((a, b) => a - b);
const at = (share) => Math.round(report.waits[Math.floor(share * (report.waits.length - 1))] ?? 0);
const { waits, ...rest } = report;
const keys = Object.fromEntries(Object.entries(report.keys).map(([arn, ids]) => [arn, Object.keys(ids)]));
console.log(
  JSON.stringify({
    ...rest,
    keys,
    clients: all.length,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    longestMs: Math.round(report.longestMs),
    stalledMs: Math.round(stalledMs),
    sampled: waits.length,
  }),
);
process.exit(0);
