/**
 * Asks a URL from several clients at once, each connection new, until stdin ends, as the user it is run by. Prints the report
 * as a line of JSON every 50 ms, and at the end. A request is made up to three times, as SDKs do when a connection breaks.
 * Arguments: URL, clients, the role that every answer must have.
 */
import { get } from "node:http";
import { clearInterval, setInterval } from "node:timers";

const [url, clients, roleArn] = process.argv.slice(2);
const TRIES = 3;
const PATIENCE_MS = 30_000;
const report = { requests: 0, answered: 0, refused: 0, broken: 0, failed: [], wrong: [] };
let isOver = false;
process.stdin.on("end", () => (isOver = true)).resume();

/** What every client is to see: live credentials of the role that the lease has. */
function wrongIn(status, body) {
  if (status !== 200) return `${status} ${body.slice(0, 200)}`;
  const { Code, RoleArn, AccessKeyId, Expiration } = JSON.parse(body);
  const isRight = Code === "Success" && RoleArn === roleArn && AccessKeyId?.startsWith("ASIA");
  if (!isRight) return `${Code} ${RoleArn} ${AccessKeyId}`;
  return Date.parse(Expiration) > Date.now() ? undefined : `expired at ${Expiration}`;
}

/** The answer, or why there was none. */
function ask() {
  return new Promise((resolve) => {
    const asked = get(url, { agent: false, timeout: PATIENCE_MS }, (response) => {
      let body = "";
      response.on("error", () => resolve("cut off"));
      response.setEncoding("utf8").on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    asked.on("timeout", () => asked.destroy(Object.assign(new Error("timeout"), { code: "timeout" })));
    asked.on("error", (error) => resolve(error.code ?? error.message));
  });
}

async function request() {
  report.requests += 1;
  let last = "";
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await ask();
    if (typeof answer !== "string") {
      const problem = wrongIn(answer.status, answer.body);
      if (problem === undefined) report.answered += 1;
      else report.wrong.push(problem);
      return;
    }
    last = answer;
    if (last === "ECONNREFUSED") report.refused += 1;
    else report.broken += 1;
  }
  report.failed.push(last);
}

async function client() {
  while (!isOver) await request();
}

const tell = () => console.log(JSON.stringify(report));
const telling = setInterval(tell, 50);
await Promise.all(Array.from({ length: Number(clients) }, client));
clearInterval(telling);
tell();
