import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AWS_CLI, JAVASCRIPT } from "./aws-clients.js";
import { type Bench, DEV, PROD, startBench } from "./bench.js";
import { COMPETING_HOMES, competingHome } from "./homes.js";

interface Signer {
  readonly name: string;
  readonly command: readonly string[];
}

/** Who signed is read where the request arrives: what a client prints is its own affair. */
const SIGNERS: readonly Signer[] = [
  { name: "AWS CLI", command: AWS_CLI.identity },
  { name: "JavaScript SDK v3", command: JAVASCRIPT.identity },
  { name: "JavaScript SDK v2", command: [process.execPath, made("node/identity.mjs")] },
  { name: "Go SDK v2", command: [made("go/identity")] },
  { name: "osls", command: inFunction(made("node/node_modules/osls/bin/serverless.js")) },
  {
    name: "Serverless 3",
    command: inFunction("--require", made("node/endpoint.cjs"), made("node/node_modules/serverless/bin/serverless.js")),
  },
];
const CASES = SIGNERS.flatMap((signer) => COMPETING_HOMES.map((home) => ({ signer, home })));

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

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
  expect(await bench.broker.ctl(["use", DEV.name])).toMatchObject({ code: 0 });
});
afterAll(async () => bench.stop());

/** The role whose key signed each call. */
function rolesOf(label: string): readonly (string | undefined)[] {
  return bench.proxy.keysOf(label).map((key) => bench.proxy.roleOf(key));
}

describe("the signer of a call, as AWS sees it", () => {
  it.concurrent.each(CASES)(
    "$signer.name, [default] with $home.name: is the broker's role",
    async ({ signer, home }) => {
      const directory = competingHome(home);
      const labels = { env: `env/${signer.name}/${home.name}`, exec: `exec/${signer.name}/${home.name}` };
      const shell = (label: string) => bench.shell({ kind: "empty", directory, env: { HOME: directory } }, label);
      const byEnv = await shell(labels.env).withEnv("", signer.command);
      const byExec = await shell(labels.exec).withExec(PROD.name, signer.command);
      expect([rolesOf(labels.env), byEnv.stdout + byEnv.stderr]).toEqual([[DEV.roleArn], expect.any(String)]);
      expect([rolesOf(labels.exec), byExec.stdout + byExec.stderr]).toEqual([[PROD.roleArn], expect.any(String)]);
    },
  );
});
