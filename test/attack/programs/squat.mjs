/**
 * Another user of the machine: listens on a port that is free for the moment, keeps the first request that comes, answers
 * nothing, and leaves. Says "ready" on stderr once it is. Arguments: port. Printed: {head}.
 */
import { createServer } from "node:net";

const [port] = process.argv.slice(2);
const server = createServer((socket) => {
  socket
    .on("error", () => undefined)
    .once("data", (chunk) => {
      console.log(JSON.stringify({ head: chunk.toString("latin1") }));
      process.exit();
    });
});
server.listen(Number(port), "127.0.0.1", () => console.error("ready"));
