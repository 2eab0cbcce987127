import { existsSync } from "node:fs";
import { join } from "node:path";
import { AWS_CLIENTS } from "../../scripts/node-clients.js";
import { AWS_CLI, BOTO3, JAVASCRIPT } from "./aws-clients.js";

/** A program that signs one call to AWS. */
export interface Signer {
  readonly name: string;
  /** By whose verdict of `brokerctl doctor` it must go. */
  readonly family: string;
  readonly command: () => readonly string[];
}

/** Who signed is read where the request arrives: what a client prints is its own affair. */
export const SIGNERS: readonly Signer[] = [
  { name: "boto3", family: "botocore", command: () => BOTO3.identity },
  { name: "AWS CLI", family: "botocore", command: () => AWS_CLI.identity },
  { name: "JavaScript SDK v3", family: "JavaScript v3", command: () => JAVASCRIPT.identity },
  { name: "JavaScript SDK v2", family: "JavaScript v2", command: javascriptV2 },
  { name: "Go SDK v2", family: "Go v2", command: () => [made("go/identity")] },
  { name: "osls", family: "osls", command: osls },
  { name: "Serverless 3", family: "Serverless 3", command: serverless3Info },
];

/** AWS_ENDPOINT_URL is unknown to the SDK v2, also where it assumes a role. */
const endpoint = (): readonly string[] => ["--require", made("node/endpoint.cjs")];

export function javascriptV2(...words: readonly string[]): readonly string[] {
  return [process.execPath, ...endpoint(), made("node/identity.mjs"), ...words];
}

export function osls(): readonly string[] {
  return inFunction(made("node/node_modules/osls/bin/serverless.js"));
}

/** Before its own words. */
export function serverless3(): readonly string[] {
  return [process.execPath, ...endpoint(), made("node/node_modules/serverless/bin/serverless.js")];
}

export function serverless3Info(): readonly string[] {
  return inFunction(...serverless3().slice(1));
}

/** Of a client that `npm run test:clients` and `test:matrix` make. */
function made(path: string): string {
  const place = join(AWS_CLIENTS, path);
  if (!existsSync(place)) throw new Error(`${place} is missing: remove .aws-clients, then \`npm run test:clients\``);
  return place;
}

/** `info`, which asks CloudFormation for a stack that is not there: it fails, but signs first. */
function inFunction(...words: readonly string[]): readonly string[] {
  const quiet = "SLS_TELEMETRY_DISABLED=1 SLS_NOTIFICATIONS_MODE=off SLS_AWS_REQUEST_MAX_RETRIES=0 CI=1";
  const script = `cd '${join(AWS_CLIENTS, "node/function")}' && exec env ${quiet} "$@" info --stage dev`;
  return ["/bin/sh", "-c", script, "sh", process.execPath, ...words];
}
