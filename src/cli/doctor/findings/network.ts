import type { Environment } from "../../context.js";
import type { Finding } from "../finding.js";

const PROXIES = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] as const;
const FIX =
  'export NO_PROXY="${NO_PROXY:+$NO_PROXY,}127.0.0.1,localhost" no_proxy="${no_proxy:+$no_proxy,}127.0.0.1,localhost"';

/** How programs of this shell reach the endpoint, and what they ask after it. */
export function network(env: Environment): readonly Finding[] {
  return [...proxies(env), ...metadata(env)];
}

/** The SDK for Kotlin, object_store and others send even loopback requests to a proxy. */
function proxies(env: Environment): readonly Finding[] {
  const proxy = PROXIES.find((name) => env[name]);
  if (proxy === undefined || coversLoopback(env["NO_PROXY"]) || coversLoopback(env["no_proxy"])) return [];
  const message = `${proxy} is set, and NO_PROXY does not name 127.0.0.1: some SDKs send the lease's token to the proxy`;
  return [{ id: "proxy-without-exception", severity: "error", message, fix: FIX }];
}

function coversLoopback(noProxy = ""): boolean {
  const hosts = noProxy.split(/[,\s]+/).map((host) => host.trim());
  return hosts.some((host) => host === "*" || host === "127.0.0.1" || host.startsWith("127.0.0.0/"));
}

function metadata(env: Environment): readonly Finding[] {
  const flag = env["AWS_EC2_METADATA_DISABLED"];
  if (flag === undefined) {
    const message =
      "after a refusal some SDKs go on to the instance metadata, and show that error instead of the broker's";
    return [{ id: "metadata-not-disabled", severity: "note", message, fix: "export AWS_EC2_METADATA_DISABLED=true" }];
  }
  if (flag.toLowerCase() === "true" || flag.toLowerCase() === "false") return [];
  const message = `AWS_EC2_METADATA_DISABLED is '${flag}', which most SDKs take for false`;
  return [{ id: "metadata-flag-misspelt", severity: "warning", message, fix: "export AWS_EC2_METADATA_DISABLED=true" }];
}
