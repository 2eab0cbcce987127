import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { awsOptions, ROLES_YAML } from "../support/in-process-broker.js";
import { scaledByLoad } from "../support/load.js";
import { printRows, type Row } from "./report.js";
import { besideHonestClient, type HonestTime, missing, runAs, Victim } from "./victim.js";

const isFull = process.env["CREDBROKER_TEST_FULL"] === "1";
const REQUESTS = isFull ? 100_000 : 10_000;
const SEED = Number(process.env["CREDBROKER_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const LIMIT_MS = 3_600_000;
/** One second; on a machine that was busy with something else before we began, as much more as it is overcommitted. */
const LONGEST_WAIT_MS = scaledByLoad(1000);
/** An idle brokerd holds about 95 MB; what comes at once is bounded, so that this is. */
const MAX_MEGABYTES = 300;

/** After how many connections that were cut off a pipelining case ends. */
function cutsOf(connections: number): number {
  return Math.max(400, 4 * connections) * (isFull ? 5 : 1);
}

const rows: Row[] = [];
let aws: FakeAws;
let victim: Victim;

beforeAll(async () => {
  expect(missing()).toEqual([]);
  aws = await startFakeAws(awsOptions());
  victim = await Victim.start({ config: ROLES_YAML, awsUrl: aws.url });
  await victim.broker.call("warm", { role: "dev" });
});

afterAll(async () => {
  printRows(rows);
  await victim.stop();
  await aws.close();
});

function expectUnharmed(name: string, honest: HonestTime, got: string): void {
  const peak = victim.peakMegabytes();
  const client = `honest client ${honest.asked} asked, ${honest.failed} failed, longest wait ${honest.longestMs} ms`;
  rows.push({
    case: name,
    expected: `alive, honest client under ${LONGEST_WAIT_MS} ms, under ${MAX_MEGABYTES} MB`,
    got: `${victim.isAlive() ? "alive" : "dead"}, ${got}${client}, peak ${peak} MB`,
  });
  expect(victim.isAlive(), victim.broker.log().slice(-2000)).toBe(true);
  expect(honest.asked).toBeGreaterThan(0);
  expect(honest.failed).toBe(0);
  expect(honest.longestMs).toBeLessThan(LONGEST_WAIT_MS);
  expect(peak).toBeLessThan(MAX_MEGABYTES);
}

interface Mutated {
  readonly sent: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

/** As brokerd's own user: another one is refused whatever it sends, and reaches less of what reads requests. */
describe("a program of brokerd's user", () => {
  it(
    "sends mutated requests, and neither ends brokerd nor gets a wrong 200",
    async () => {
      process.stdout.write(`seed of the mutated requests: ${SEED} (CREDBROKER_TEST_SEED)\n`);
      const args = [victim.port, victim.token, SEED, REQUESTS];
      const [{ sent, statuses, wrong }, honest] = await besideHonestClient(
        victim,
        runAs<Mutated>("own", "mutated-requests.mjs", args),
      );

      const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
      expectUnharmed(`${sent} mutated requests`, honest, `${answers.join(", ")}, ${wrong.length} wrong 200s, `);
      expect(wrong).toEqual([]);
      // The sample reaches both sides: what may have credentials and what may not.
      expect(statuses["200"]).toBeGreaterThan(REQUESTS / 100);
      expect(statuses["403"]).toBeGreaterThan(REQUESTS / 10);
    },
    LIMIT_MS,
  );
});

describe("another user of the machine", () => {
  it("is another user, and brokerd is not root", () => expect(victim.uid()).toBeGreaterThan(0));

  it(
    "sends mutated requests with a good token, and never gets a 200",
    async () => {
      const args = [victim.port, victim.token, SEED + 1, REQUESTS / 5];
      const [{ sent, statuses }, honest] = await besideHonestClient(
        victim,
        runAs<Mutated>("other", "mutated-requests.mjs", args),
      );

      const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
      expectUnharmed(`${sent} mutated requests of another user`, honest, `${answers.join(", ")}, `);
      expect(Object.keys(statuses)).not.toContain("200");
      expect(statuses["403"]).toBeGreaterThan(REQUESTS / 50);
    },
    LIMIT_MS,
  );

  it.each([
    [
      "2 connections, 64 KB of GET /healthz in one piece",
      2,
      String.raw`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
    ],
    ["1000 connections, the same", 1000, String.raw`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`],
    ["1000 connections, 64 KB of GET /creds", 1000, String.raw`GET /creds HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`],
    [
      "1000 connections, 64 KB of chunks of a body",
      1000,
      String.raw`GET /creds HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n${String.raw`1\r\na\r\n`.repeat(10_000)}`,
    ],
  ])(
    "pipelines, and keeps no client waiting: %s",
    async (name, connections, request) => {
      const args = [victim.port, connections, cutsOf(connections), request];
      const [, honest] = await besideHonestClient(victim, runAs("other", "pipelines.mjs", args));

      expectUnharmed(name, honest, "");
    },
    LIMIT_MS,
  );
});

describe("an upstream that is not AWS", () => {
  it("answers 40 MB, and costs brokerd no more memory than the limit of an answer", async () => {
    const answer = Buffer.alloc(40 * 1024 * 1024, "<Credentials><a>b</a></Credentials>");
    const server = createServer((socket) => {
      socket
        .on("error", () => undefined)
        .once("data", () => {
          socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n<AssumeRoleResponse>");
          socket.end(answer);
        });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const awsUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const other = await Victim.start({ config: ROLES_YAML, awsUrl });
    const before = other.peakMegabytes();

    const error = await brokerErrorOf(() => other.broker.call("warm", { role: "dev" }));

    const grown = other.peakMegabytes() - before;
    rows.push({
      case: "an answer of 40 MB to AssumeRole",
      expected: "AwsUnreachable: too large, under 60 MB more",
      got: `${error.code}, ${grown} MB more`,
    });
    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain("too large");
    expect(grown).toBeLessThan(60);
    await other.stop();
    server.close();
  });
});
