import { once } from "node:events";
import { Agent, get } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { listenOnLoopback } from "../src/http/listen.js";
import { SystemClock } from "../src/system/clock.js";
import { ProcPeers } from "../src/system/peer-identity.js";
import { endpointFixture } from "../test/support/endpoint-fixture.js";

const clock = new SystemClock();
const CONNECTIONS = [0, 1_000, 9_000];
const LOOKUPS = 15;
const ROUNDS = 12;
/** Below what may follow at once without a pause. */
const BURST = 8;
/** After which that many may follow again. */
const REST_MS = 600;

/** What it costs to look up the user behind a connection: alone, and as a ratio on a GET from memory with and without it. */
export async function benchPeers(): Promise<void> {
  await benchGet(); // before there are thousands of connections, which stay in the table for a minute after their end
  for (const count of CONNECTIONS) await benchLookup(count);
}

/** Processor time, ms, of all threads: on a busy machine waiting would be counted otherwise. */
async function cpuOf(act: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The median of `times`. */
function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

async function benchLookup(count: number): Promise<void> {
  const server = createServer((socket) => socket.on("error", () => undefined)).listen({ port: 0, backlog: 4096 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  while (clients.length < count) {
    const some = Array.from({ length: 500 }, () => connect(port, "127.0.0.1"));
    await Promise.all(some.map((socket) => once(socket, "connect")));
    clients.push(...some);
  }
  const times: number[] = [];
  for (let lookup = 0; lookup < LOOKUPS; lookup++) {
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const client = connect(port, "127.0.0.1");
    const [socket] = await accepted;
    const peers = new ProcPeers({ clock }); // a new one: nothing is waited for
    times.push(await cpuOf(() => peers.of(socket)));
    client.destroy();
  }
  process.stdout.write(
    `user behind a connection, ${count} others open: ${median(times).toFixed(1)} ms of processor time\n`,
  );
  for (const client of clients) client.destroy();
  await new Promise((resolve) => server.close(resolve));
}

async function benchGet(): Promise<void> {
  const [checked, unchecked] = [await endpoint(undefined), await endpoint("the bench")];
  const kept: number[] = [];
  const fresh: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    await clock.sleep(REST_MS);
    const [withCheck, without] = [await checked.timeOf(BURST), await unchecked.timeOf(BURST)];
    if (round === 0) continue; // warms up
    fresh.push(withCheck.fresh / without.fresh);
    kept.push(withCheck.kept / without.kept);
  }
  process.stdout.write(`GET with the check, kept connection: ${median(kept).toFixed(2)} × without\n`);
  process.stdout.write(`GET with the check, new connection:  ${median(fresh).toFixed(2)} × without\n`);
  await Promise.all([checked.close(), unchecked.close()]);
}

interface Times {
  /** Of GETs on connections of their own, and of more on one that is kept. */
  readonly fresh: number;
  readonly kept: number;
}

async function endpoint(notChecked: string | undefined) {
  const { app, token, logger } = endpointFixture({
    peers: new ProcPeers({ clock, ...(notChecked && { notChecked }) }),
  });
  const listener = await listenOnLoopback(app, { port: 0, clock, logger });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (through: Agent | false): Promise<void> =>
    new Promise((resolve, reject) => {
      const place = { host: "127.0.0.1", port: listener.port, path: `/lease/${token}`, agent: through };
      const request = get(place, (answer) => {
        if (answer.statusCode === 200) answer.resume().once("end", resolve);
        else reject(new Error(`answered ${answer.statusCode ?? 0}`));
      });
      request.once("error", reject);
    });
  await ask(agent);
  const timeOf = async (requests: number): Promise<Times> => {
    const times = async (count: number, through: Agent | false): Promise<number> =>
      cpuOf(async () => {
        for (let request = 0; request < count; request++) await ask(through);
      });
    return { fresh: await times(requests, false), kept: await times(20 * requests, agent) };
  };
  return {
    timeOf,
    close: async (): Promise<void> => {
      agent.destroy();
      await listener.close();
    },
  };
}
