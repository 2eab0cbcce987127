import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { ExpirationProxy, type ExpirationProxyOptions } from "./expiration-proxy.js";
import { endGroup, start } from "./processes.js";
import { inVenv } from "./venv.js";

const START_LIMIT_MS = 60_000;

/** moto behind the proxy that shortens its sessions. */
export interface Upstream {
  readonly proxy: ExpirationProxy;
  /** moto itself, for what a test does as another user. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export async function startUpstream(options: Omit<ExpirationProxyOptions, "upstream">): Promise<Upstream> {
  // IAM knows the policies of AWS only when told to.
  const env = { PATH: "/usr/bin:/bin", MOTO_IAM_LOAD_MANAGED_POLICIES: "true" };
  const moto = start([inVenv("python"), "-u", resolve("test/support/moto_upstream.py")], { env });
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
  const url = `http://127.0.0.1:${port}`;
  const proxy = await ExpirationProxy.start({ ...options, upstream: url });
  const stop = async (): Promise<void> => {
    await proxy.stop();
    const gone = once(moto, "close");
    endGroup(moto.pid);
    await gone;
  };
  return { proxy, url, stop };
}
