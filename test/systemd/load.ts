import { get } from "node:http";

/** What clients saw. A request is made up to three times, as SDKs do when a connection breaks. */
export interface LoadReport {
  requests: number;
  answered: number;
  /** Connections that were not accepted: what must never be. */
  refused: number;
  /** Connections that broke because the process that had them was killed. */
  broken: number;
  /** Requests without a right answer after three tries, with the reason. */
  readonly failed: string[];
  /** Answers of any kind but the right one: never a reason to try again. */
  readonly wrong: string[];
}

/** What is wrong with an answer; undefined: nothing. */
export type Check = (status: number, body: string) => string | undefined;

const TRIES = 3;
const PATIENCE_MS = 30_000;

/** Asks `url` from `clients` at once, each connection new, until `stop` is called. */
export function load(
  url: string,
  clients: number,
  check: Check,
): { readonly report: LoadReport; readonly stop: () => Promise<void> } {
  const report: LoadReport = { requests: 0, answered: 0, refused: 0, broken: 0, failed: [], wrong: [] };
  let isOver = false;
  const client = async (): Promise<void> => {
    while (!isOver) await request(url, check, report);
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    report,
    stop: async () => {
      isOver = true;
      await running;
    },
  };
}

async function request(url: string, check: Check, report: LoadReport): Promise<void> {
  report.requests += 1;
  let last = "";
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await ask(url);
    if (typeof answer !== "string") {
      const problem = check(answer.status, answer.body);
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

/** The answer, or why there was none. */
function ask(url: string): Promise<{ readonly status: number; readonly body: string } | string> {
  return new Promise((resolve) => {
    const asked = get(url, { agent: false, timeout: PATIENCE_MS }, (response) => {
      let body = "";
      response.on("error", () => resolve("cut off"));
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on("timeout", () => asked.destroy(Object.assign(new Error("timeout"), { code: "timeout" })));
    asked.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
