import { request } from "node:http";
import type { HttpAnswer } from "./in-process-broker.js";

export interface OverSocket {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface SocketAnswer extends HttpAnswer {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** One request over a unix socket, on a connection of its own; rejects where no program listens. */
export function overSocket(
  socketPath: string,
  { path = "/creds", method = "GET", headers = {}, body }: OverSocket = {},
): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, path, method, headers: { Host: "localhost", ...headers }, agent: false },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        answer.on("end", () => {
          const parsed = text === "" ? {} : (JSON.parse(text) as Record<string, string>);
          const { statusCode: status = 0, statusMessage: reason = "" } = answer;
          resolve({ status, reason, headers: answer.headers, body: parsed });
        });
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}
