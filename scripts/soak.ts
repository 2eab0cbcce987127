import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DAEMON_NODE_FLAGS } from "../src/system/node-flags.js";
import { printRows, type Row } from "../test/attack/report.js";
import { startFakeAws } from "../test/fakes/fake-aws/fake-aws.js";
import { TestBroker } from "../test/support/broker.js";
import { ACCOUNT, awsOptions, ROLES_YAML, roleArn, USER_KEY } from "../test/support/in-process-broker.js";
import { scaledByLoad } from "../test/support/load.js";

/**
 * `npm run soak [-- --seconds 60 --clients 2000 --json]`: 20 minutes of many clients, mixed, while every role is renewed each
 * 20 s. Fails where one request fails or waits for a second, or where memory or open files grow.
 */
const ROLES = Array.from({ length: 20 }, (_, index) => `soak-${index}`);
/** Renewed when 0.4 of it is left, and up to a tenth of that earlier: each 19 to 20 s. */
const LIFE_SECONDS = 34;
const PROMISED_MS = 1000;
/** Until every client has come and caches are full. */
const WARM_UP_SHARE = 0.25;
/** Connections that wait for their next request are closed after 5 s; those of a renewal, to AWS, come and go every 20 s. */
const IDLE_MS = 30_000;
/** More than before: what a log or a timer has open at the moment. */
const FILES_MORE = 3;
const OWN_CODE = join(import.meta.dirname, "../dist/chunks/");

interface Sample {
  readonly megabytes: number;
  readonly files: number;
  readonly longestAllowedMs: number;
}

interface ClientsReport {
  readonly clients: number;
  readonly asked: number;
  readonly served: number;
  readonly aborted: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly longestMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "1200" },
    clients: { type: "string", default: "2000" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
if (!(seconds >= 20)) throw new Error("--seconds must be 20 or more: every role is renewed once in that time");

const aws = await startFakeAws(soakAws());
const broker = await TestBroker.create({
  name: "soak",
  config: soakConfig(),
  env: { AWS_ENDPOINT_URL: aws.url, CREDBROKER_LOG_LEVEL: "info" },
});
try {
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY }, DAEMON_NODE_FLAGS);
  const leases = await Promise.all(ROLES.map(leaseOf));
  const idleFiles = sample().files;
  const samples: Sample[] = [];
  const sampling = setInterval(() => samples.push(sample()), 500);
  const report = await runClients(leases);
  clearInterval(sampling);
  const filesAfter = await leastFiles(idleFiles + FILES_MORE);
  const rows = judge(report, { samples, idleFiles, filesAfter });
  if (values.json) process.stdout.write(`${JSON.stringify({ seconds, ...report, keys: undefined, rows })}\n`);
  else printRows(rows);
  if (rows.some(({ holds }) => !holds)) process.exitCode = 1;
} finally {
  await broker.stop("SIGKILL");
  await aws.close();
}

function soakAws(): Parameters<typeof startFakeAws>[0] {
  const trusts = [`arn:aws:iam::${ACCOUNT}:user/me`];
  return awsOptions({ roles: ROLES.map((name) => ({ arn: roleArn(name), trusts })), sessionSeconds: LIFE_SECONDS });
}

function soakConfig(): string {
  return ROLES_YAML + ROLES.map((name) => `  ${name}: { source: ops-keys, role_arn: "${roleArn(name)}" }\n`).join("");
}

async function leaseOf(role: string): Promise<{ readonly token: string; readonly roleArn: string }> {
  await broker.call("warm", { role });
  return { token: (await broker.call("lease-access", { pinnedRole: role })).token, roleArn: roleArn(role) };
}

function sample(): Sample {
  const directory = `/proc/${broker.pid ?? 0}`;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(join(directory, "status"), "latin1"))?.[1];
  return {
    megabytes: Number(kilobytes) / 1024,
    files: readdirSync(join(directory, "fd")).filter((file) => !isOwnCode(join(directory, "fd", file))).length,
    longestAllowedMs: scaledByLoad(PROMISED_MS),
  };
}

/** How many files are open once these are no more than `enough`, else the least of IDLE_MS: what is leaked never closes. */
async function leastFiles(enough: number): Promise<number> {
  let least = Infinity;
  for (let waited = 0; least > enough && waited < IDLE_MS; waited += 500) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    least = Math.min(least, sample().files);
  }
  return least;
}

/** brokerd opens chunks of its own once, a while after its start, so that an upgrade does not take them away. */
function isOwnCode(link: string): boolean {
  try {
    return readlinkSync(link).startsWith(OWN_CODE);
  } catch {
    return false;
  }
}

async function runClients(leases: readonly unknown[]): Promise<ClientsReport> {
  const { endpoint } = (await broker.call("status", {})).daemon;
  const port = new URL(endpoint ?? "").port;
  const script = join(import.meta.dirname, "soak-clients.mjs");
  const child = spawn(process.execPath, [script, port, values.clients, String(seconds)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(leases));
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  await once(child, "close");
  return JSON.parse(printed) as ClientsReport;
}

interface Measured {
  readonly samples: readonly Sample[];
  readonly idleFiles: number;
  readonly filesAfter: number;
}

function judge(
  report: ClientsReport,
  { samples, idleFiles, filesAfter }: Measured,
): readonly (Row & { readonly holds: boolean })[] {
  const warm = samples.slice(Math.floor(WARM_UP_SHARE * samples.length));
  const quarter = (index: number): readonly Sample[] =>
    warm.slice(Math.floor((index * warm.length) / 4), Math.floor(((index + 1) * warm.length) / 4));
  const quarters = [0, 1, 2, 3].map(quarter);
  // The least of a quarter: between two collections memory grows as it likes.
  const memory = quarters.map((those) => Math.round(Math.min(...those.map(({ megabytes }) => megabytes))));
  const files = quarters.map((those) => Math.round(median(those.map(({ files }) => files))));
  const [first = 0, , , last = 0] = memory;
  // A minute sees few collections, if any: growth of days shows in the long run.
  const allowed = Math.round(seconds >= 600 ? 8 + 0.1 * first : 16 + 0.25 * first);
  const [filesFirst = 0, , , filesLast = 0] = files;
  const limitMs = Math.max(...samples.map(({ longestAllowedMs }) => longestAllowedMs));
  const failures = Object.entries(report.failures).map(([what, count]) => `${count} × ${what}`);
  const foreign = foreignKeys(report);
  const rotations = aws.countOf("AssumeRole") / ROLES.length;
  const leastRotations = Math.floor(seconds / LIFE_SECONDS);
  return [
    row(
      "requests",
      "no failure",
      `${report.asked} of ${report.clients} clients, ${report.served} served, ${report.aborted} aborted; ${failures.join(", ") || "no failure"}`,
      failures.length === 0 && report.served > 0,
    ),
    row(
      "longest wait",
      `under ${limitMs} ms`,
      `${report.longestMs} ms (median ${report.medianMs}, 99th of 100 ${report.p99Ms})`,
      report.longestMs < limitMs,
    ),
    row(
      "credentials",
      `each role's own, renewed ${leastRotations} times or more`,
      `${foreign} of another role, ${rotations.toFixed(1)} fetches a role in ${seconds} s`,
      foreign === 0 && rotations > leastRotations,
    ),
    row(
      "memory, least of each quarter",
      `at most ${allowed} MB more in the last`,
      `${memory.join(", ")} MB`,
      last - first <= allowed,
    ),
    row(
      "open files, median of each quarter",
      "at most 10 % more in the last",
      files.join(", "),
      filesLast <= 1.1 * filesFirst + 10,
    ),
    row(
      "open files after all clients left",
      `${idleFiles}, as before they came`,
      String(filesAfter),
      filesAfter <= idleFiles + FILES_MORE,
    ),
  ];
}

function row(name: string, expected: string, got: string, holds: boolean): Row & { readonly holds: boolean } {
  return { case: name, expected, got: holds ? got : `DIFFERENT: ${got}`, holds };
}

/** Of all keys that were served, those that AWS made for another role. */
function foreignKeys({ keys }: ClientsReport): number {
  return Object.entries(keys).flatMap(([arn, ids]) => ids.filter((id) => aws.whoIs(id)?.roleArn !== arn)).length;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
