import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { SystemClock } from "../../src/system/clock.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import type { Row, Side } from "./measure.js";

const OPEN = [0, 1000, 9000];
/** At once, while they are made. */
const CONNECTED_AT_ONCE = 500;

/** What it costs to look up the user behind a new connection, while so many others are open on the machine. */
export const LOOKUP_ROW: Row = {
  ...{ id: "lookup", title: "the user behind a new connection, others open", rounds: 15, quickRounds: 5 },
  prepare: async () => {
    const server = createServer((socket) => socket.on("error", () => undefined)).listen({ port: 0, backlog: 4096 });
    await once(server, "listening");
    const others: Socket[] = [];
    return {
      sides: OPEN.map((count) => lookupSide(count, server, others)),
      targets: [],
      close: async () => {
        for (const socket of others) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
};

function lookupSide(count: number, server: Server, others: Socket[]): Side {
  const { port } = server.address() as AddressInfo;
  return {
    name: String(count),
    sample: async () => {
      for (const socket of others.splice(count)) socket.destroy();
      while (others.length < count) {
        const some = Array.from({ length: Math.min(CONNECTED_AT_ONCE, count - others.length) }, () =>
          connect(port, "127.0.0.1"),
        );
        await Promise.all(some.map((socket) => once(socket, "connect")));
        others.push(...some);
      }
      const accepted = once(server, "connection") as Promise<[Socket]>;
      const client = connect(port, "127.0.0.1");
      const [socket] = await accepted;
      const peers = new ProcPeers({ clock: new SystemClock() }); // a new one: nothing is waited for
      const before = process.cpuUsage();
      await peers.of(socket);
      const { user, system } = process.cpuUsage(before);
      client.destroy();
      return { "ms CPU": (user + system) / 1000 };
    },
  };
}
