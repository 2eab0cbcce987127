/**
 * Another user of the machine: fills the system's table of connections with both ends of as many as it is told, says
 * "ready" on stderr, and keeps them until stdin ends. Arguments: how many.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";

const [count] = process.argv.slice(2);
const clients = [];
const server = createServer((socket) => socket.on("error", () => undefined));
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
await once(server, "listening");
const { port } = server.address();
for (let open = 0; open < Number(count); open += 500) {
  const sockets = Array.from({ length: Math.min(500, Number(count) - open) }, () => connect(port, "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  clients.push(...sockets);
}
console.log(JSON.stringify({ open: clients.length }));
console.error("ready");
process.stdin.on("end", () => process.exit()).resume();
