/**
 * Another user of the machine, without a token: keeps many connections busy, each sending 64 KB of requests in one piece
 * again and again, reading all answers, and connecting anew when it is cut off. Ends after so many of them were.
 * Arguments: port, connections, how many cuts, request (`\r\n` written out).
 */
import { Buffer } from "node:buffer";
import { connect } from "node:net";

const [port, connections, cuts, request] = process.argv.slice(2);
const one = JSON.parse(`"${request}"`);
const piece = Buffer.from(one.repeat(Math.max(1, Math.floor(65_536 / one.length))));
let left = Number(cuts);
let answered = 0;

function attack() {
  const socket = connect(Number(port), "127.0.0.1");
  const push = () => {
    while (socket.writable && socket.write(piece));
  };
  socket.on("error", () => undefined);
  socket.on("connect", push).on("drain", push);
  socket.on("data", () => answered++);
  socket.on("close", () => {
    if (--left <= 0) {
      console.log(JSON.stringify({ answered }));
      process.exit();
    }
    setTimeout(attack, 1);
  });
}

for (let index = 0; index < Number(connections); index++) attack();
