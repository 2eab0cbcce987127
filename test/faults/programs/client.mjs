/**
 * A client of the endpoint, as a process of the user that brokerd serves. Reads one JSON request a line,
 * `{id, port, path, headers, keepAlive}`, and prints one answer a line: `{id, status, reason, body, ms}`; status 0: none came.
 */
import { Agent, get } from "node:http";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";

const kept = new Agent({ keepAlive: true });

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, port, path, headers, keepAlive } = JSON.parse(line);
  const from = performance.now();
  const answer = (fields) => console.log(JSON.stringify({ id, ms: Math.round(performance.now() - from), ...fields }));
  const request = get({ host: "127.0.0.1", port, path, headers, agent: keepAlive ? kept : false }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    response.on("end", () =>
      answer({ status: response.statusCode, reason: response.statusMessage, body: parsed(text) }),
    );
    response.on("error", (error) => answer({ status: 0, reason: error.code, body: {} }));
  });
  request.on("error", (error) => answer({ status: 0, reason: error.code, body: {} }));
});

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
