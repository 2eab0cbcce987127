import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { AWS_CLI, JAVASCRIPT } from "./aws-clients.js";

/** A program that signs one call to AWS. */
export interface Signer {
  readonly name: string;
  readonly command: readonly string[];
}

/** Who signed is read where the request arrives: what a client prints is its own affair. */
export const SIGNERS: readonly Signer[] = [
  { name: "AWS CLI", command: AWS_CLI.identity },
  { name: "JavaScript SDK v3", command: JAVASCRIPT.identity },
  {
    name: "JavaScript SDK v2",
    command: [process.execPath, "--require", made("node/endpoint.cjs"), made("node/identity.mjs")],
  },
  { name: "Go SDK v2", command: [made("go/identity")] },
  { name: "osls", command: inFunction(made("node/node_modules/osls/bin/serverless.js")) },
  {
    name: "Serverless 3",
    command: inFunction("--require", made("node/endpoint.cjs"), made("node/node_modules/serverless/bin/serverless.js")),
  },
];

/** Of a client that `npm run test:clients` has made. */
function made(path: string): string {
  const place = resolve(".aws-clients", path);
  if (!existsSync(place)) throw new Error(`${place} is missing: remove .aws-clients, then \`npm run test:clients\``);
  return place;
}

/** `info`, which asks CloudFormation for a stack that is not there: it fails, but signs first. */
function inFunction(...words: readonly string[]): readonly string[] {
  const quiet = "SLS_TELEMETRY_DISABLED=1 SLS_NOTIFICATIONS_MODE=off SLS_AWS_REQUEST_MAX_RETRIES=0 CI=1";
  const script = `cd '${resolve(".aws-clients/node/function")}' && exec env ${quiet} "$@" info --stage dev`;
  return ["/bin/sh", "-c", script, "sh", process.execPath, ...words];
}
