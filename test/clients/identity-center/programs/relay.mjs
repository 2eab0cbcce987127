/**
 * In a network namespace of its own: turns its loopback on, listens at each ADDRESS:PORT and carries what comes to a unix
 * socket outside, then runs a command there and ends with it. relay.mjs ADDRESS:PORT=SOCKET... -- COMMAND...
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import process from "node:process";

const separator = process.argv.indexOf("--");
const ways = process.argv.slice(2, separator);
const [program = "", ...args] = process.argv.slice(separator + 1);

const { status, stderr } = spawnSync("ip", ["link", "set", "lo", "up"], { encoding: "utf8" });
if (status !== 0) throw new Error(`cannot turn on loopback, is iproute2 installed? ${stderr}`);

for (const way of ways) {
  const [, address, port, socketPath] = /^(.+):(\d+)=(.+)$/.exec(way) ?? [];
  const server = createServer((incoming) => {
    const outgoing = connect(socketPath);
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ]) {
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  });
  server.listen(Number(port), address);
  await once(server, "listening");
}

const child = spawn(program, args, { stdio: "inherit" });
const [code, signal] = await once(child, "close");
process.exitCode = signal === null ? code : 1;
process.exit();
