import { once } from "node:events";
import { createInterface } from "node:readline";
import { inVenv, program } from "./aws-clients.js";
import { ExpirationProxy } from "./expiration-proxy.js";
import { endGroup, start } from "./processes.js";

const START_LIMIT_MS = 60_000;

/** moto behind the proxy that shortens its sessions. */
export interface Upstream {
  readonly proxy: ExpirationProxy;
  readonly stop: () => Promise<void>;
}

export async function startUpstream(options: { sessionSeconds: number }): Promise<Upstream> {
  const moto = start([inVenv("python"), "-u", program("moto_upstream.py")], { env: { PATH: "/usr/bin:/bin" } });
  let printed = "";
  // One line for each request: read, or moto would stop at a full pipe.
  moto.stderr?.setEncoding("utf8").on("data", (chunk: string) => (printed = (printed + chunk).slice(-4000)));
  const ended = once(moto, "close").then(() => {
    throw new Error(`moto ended at its start:\n${printed}`);
  });
  ended.catch(() => undefined);
  const lines = createInterface({ input: moto.stdout! });
  const signal = AbortSignal.timeout(START_LIMIT_MS);
  const [port] = (await Promise.race([once(lines, "line", { signal }), ended])) as [string];
  const proxy = await ExpirationProxy.start({ upstream: `http://127.0.0.1:${port}`, ...options });
  const stop = async (): Promise<void> => {
    await proxy.stop();
    const gone = once(moto, "close");
    endGroup(moto.pid);
    await gone;
  };
  return { proxy, stop };
}
