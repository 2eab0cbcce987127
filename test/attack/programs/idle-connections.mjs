/**
 * Another user of the machine: opens as many connections as it is told, sends nothing on half of them and half a request on
 * the others, and opens each anew when it is closed, until its time is over. Arguments: port, connections, seconds.
 */
import { connect } from "node:net";
import { setTimeout } from "node:timers";

const [port, connections, seconds] = process.argv.slice(2);
let opened = 0;

function open(index) {
  opened++;
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => undefined).on("close", () => setTimeout(() => open(index), 10));
  if (index % 2 === 1) socket.write("GET /creds HTTP/1.1\r\nHo");
}

for (let index = 0; index < Number(connections); index++) open(index);
setTimeout(() => {
  console.log(JSON.stringify({ opened }));
  process.exit();
}, Number(seconds) * 1000);
