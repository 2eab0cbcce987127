import { once } from "node:events";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { canarySecretKey } from "./canaries.js";
import { start } from "./processes.js";
import { inVenv } from "./venv.js";

/** Service, method and parameters, as boto3 calls them. */
export type AwsCall = readonly [service: string, method: string, parameters: Readonly<Record<string, unknown>>];

/** A parameter that is bytes, as boto3 takes them. */
export function bytes(content: Buffer): object {
  return { $bytes: content.toString("base64") };
}

/** Calls moto at `url` as the administrator of its one account; the answers in the order of the calls. */
export async function callAws(url: string, calls: readonly AwsCall[]): Promise<readonly unknown[]> {
  const env = {
    PATH: "/usr/bin:/bin",
    AWS_ENDPOINT_URL: url,
    AWS_REGION: "eu-west-1",
    AWS_DEFAULT_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "AKIAADMINISTRATOR000",
    AWS_SECRET_ACCESS_KEY: canarySecretKey("admin"),
  };
  const child = start([inVenv("python"), resolve("test/support/aws_calls.py")], { env });
  child.stdin?.on("error", () => undefined).end(JSON.stringify(calls));
  const closed = once(child, "close") as Promise<[number | null]>;
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), closed]);
  if (code !== 0) throw new Error(`AWS was called in vain: ${stderr}`);
  return JSON.parse(stdout) as unknown[];
}
