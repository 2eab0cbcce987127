import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { AWS_CLIENTS, prepareNodeClients } from "../../../scripts/node-clients.js";
import { JAVASCRIPT as NEWEST } from "../../clients/aws-clients.js";
import { javascriptV2, osls, serverless3Info } from "../../clients/signers.js";
import type { MatrixClient, MatrixRow } from "../client.js";
import { OLD_RELEASE } from "./python.js";

const MADE_NODE = join(AWS_CLIENTS, "node");

export const JAVASCRIPT: readonly MatrixRow[] = [
  {
    name: "JavaScript SDK v3",
    family: "JavaScript v3",
    light: true,
    prepare: () => undefined, // a dependency of ours
    version: () => versionIn(resolve("node_modules/@aws-sdk/client-sts")),
    identity: () => NEWEST.identity,
    loop: (seconds) => [...NEWEST.identity, String(seconds)],
  },
  fromNpm("client-sts-old", {
    name: "JavaScript SDK v3, old",
    family: "JavaScript v3",
    notForetold: OLD_RELEASE,
    identity: () => [process.execPath, join(MADE_NODE, "identity-v3.mjs")],
    loop: (seconds) => [process.execPath, join(MADE_NODE, "identity-v3.mjs"), String(seconds)],
  }),
  fromNpm("aws-sdk", {
    name: "JavaScript SDK v2",
    family: "JavaScript v2",
    identity: () => javascriptV2(),
    loop: (seconds) => javascriptV2(String(seconds)),
  }),
  fromNpm("aws-cdk", {
    name: "CDK CLI",
    slow: true,
    family: "JavaScript v3",
    env: { CI: "1", CDK_DISABLE_CLI_TELEMETRY: "true" },
    identity: () => {
      // Of a stack that is not there: it asks STS and CloudFormation, and is done.
      const destroy = ["destroy", "--force", "--no-notices", "--no-version-reporting"];
      const cdk = join(MADE_NODE, "node_modules/aws-cdk/bin/cdk");
      return [process.execPath, cdk, ...destroy, "--app", join(MADE_NODE, "assembly")];
    },
  }),
  fromNpm("osls", { name: "osls", family: "osls", identity: osls }),
  fromNpm("serverless", { name: "Serverless 3", family: "Serverless 3", identity: serverless3Info }),
  { name: "Serverless 4", light: true, notRun: "it wants a licence key or a login at serverless.com first" },
];

function fromNpm(name: string, part: Omit<MatrixClient, "light" | "prepare" | "version">): MatrixClient {
  return {
    ...{ light: true, ...part },
    prepare: () => prepareNodeClients("test:matrix"),
    version: () => versionIn(join(MADE_NODE, "node_modules", name)),
  };
}

function versionIn(directory: string): string {
  return (JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { readonly version: string }).version;
}
