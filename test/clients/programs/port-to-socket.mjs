/** `port-to-socket.mjs PORT SOCKET`: in a network namespace, a port of loopback that leads to a unix socket outside of it. */
import { connect, createServer } from "node:net";
import process from "node:process";

const [port, socket] = process.argv.slice(2);
createServer((inside) => {
  const outside = connect(socket);
  for (const [one, other] of [
    [inside, outside],
    [outside, inside],
  ]) {
    one.on("error", () => other.destroy());
    one.pipe(other);
  }
}).listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
