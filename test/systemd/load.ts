import { get } from "node:http";

/** What clients saw. A request is made up to three times, as SDKs do when a connection breaks. */
export interface LoadReport {
  requests: number;
  answered: number;
  /** Connections that nobody took: what must never be. */
  refused: number;
  /** Connections that broke because the process that had them was killed. */
  broken: number;
  /** Requests without a 200 after three tries, with the reason. */
  readonly failed: string[];
}

const TRIES = 3;
const PATIENCE_MS = 30_000;

/** Asks `url` from `clients` at once, each connection new, until `stop` is called. */
export function load(
  url: string,
  clients: number,
): { readonly report: LoadReport; readonly stop: () => Promise<void> } {
  const report: LoadReport = { requests: 0, answered: 0, refused: 0, broken: 0, failed: [] };
  let isOver = false;
  const client = async (): Promise<void> => {
    while (!isOver) await request(url, report);
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

async function request(url: string, report: LoadReport): Promise<void> {
  report.requests += 1;
  let last = "";
  for (let tries = 0; tries < TRIES; tries += 1) {
    last = await ask(url);
    if (last === "200") {
      report.answered += 1;
      return;
    }
    if (last === "ECONNREFUSED") report.refused += 1;
    else report.broken += 1;
  }
  report.failed.push(last);
}

function ask(url: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = get(url, { agent: false, timeout: PATIENCE_MS }, (response) => {
      response.on("error", () => resolve("cut off"));
      response.resume().on("end", () => resolve(String(response.statusCode)));
    });
    asked.on("timeout", () => asked.destroy(Object.assign(new Error("timeout"), { code: "timeout" })));
    asked.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
