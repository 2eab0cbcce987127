/**
 * Sends each of the requests that come as JSON on stdin on a connection of its own, one after the other, and prints what was
 * answered. A request: {port, address?, bytes, then?: "half-close" | "reset" | "close", again?: bytes, waitMs?}.
 * Printed: [{status, head, body, closedAfterMs}], status 0 where there was no answer.
 */
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { json } from "node:stream/consumers";

const PATIENCE_MS = 10_000;

function exchange({ port, address = "127.0.0.1", bytes, then, again, waitMs = PATIENCE_MS }) {
  return new Promise((resolve) => {
    const from = performance.now();
    const socket = connect({ port, host: address, allowHalfOpen: then === "half-close" });
    const answers = [];
    let text = "";
    const end = () => resolve({ ...answerOf(text), answers, closedAfterMs: Math.round(performance.now() - from) });
    socket.setTimeout(waitMs, () => socket.destroy());
    socket.on("error", () => undefined).on("close", end);
    socket.on("connect", () => {
      socket.write(Buffer.from(bytes, "latin1"));
      if (then === "half-close") socket.end();
      if (then === "reset") socket.resetAndDestroy();
      if (then === "close") socket.destroy();
    });
    socket.on("end", () => socket.end());
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const answer = answerOf(text);
      if (!answer.isWhole) return;
      answers.push(answer.status);
      if (again === undefined || answers.length > 1) return void socket.destroy();
      text = "";
      socket.write(Buffer.from(again, "latin1"));
    });
  });
}

function answerOf(text) {
  const [head, body = ""] = text.split("\r\n\r\n", 2);
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  const isWhole = text.includes("\r\n\r\n") && body.length >= length;
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body, isWhole };
}

const answers = [];
for (const request of await json(process.stdin)) answers.push(await exchange(request));
console.log(JSON.stringify(answers));
