/**
 * What the endpoint is measured beside: `node:http` with nothing of ours, which answers every request with the same bytes. From stdin: JSON
 * `{headers, bodies}`; with several bodies the last part of the path says which. Prints its port.
 */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { headers, bodies } = JSON.parse(readFileSync(0, "utf8"));
const held = bodies.map((body) => Buffer.from(body));
const server = createServer((request, response) => {
  const at = held.length === 1 ? 0 : Number(request.url.slice(request.url.lastIndexOf("/") + 1));
  response.writeHead(200, headers).end(held[at]);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
