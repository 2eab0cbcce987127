/**
 * Fetches credentials again and again until stdin ends, each time on a new connection; prints how that went.
 * Arguments: port, path.
 */
import { get } from "node:http";
import { performance } from "node:perf_hooks";

const [port, path] = process.argv.slice(2);
const time = { asked: 0, failed: 0, longestMs: 0 };
let isOver = false;
process.stdin.on("end", () => (isOver = true)).resume();

function fetchStatus() {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    });
    request.once("error", () => resolve(0));
  });
}

while (!isOver) {
  const from = performance.now();
  const status = await fetchStatus();
  time.asked++;
  if (status !== 200) time.failed++;
  time.longestMs = Math.max(time.longestMs, Math.round(performance.now() - from));
  await new Promise((resolve) => setTimeout(resolve, 20));
}
console.log(JSON.stringify(time));
