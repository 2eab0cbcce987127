import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeOnce, run } from "./set-up.js";

/** Where clients from npm's registry are made, and a program with the SDK for Go. */
export const AWS_CLIENTS = resolve(".aws-clients");
const SOURCES = resolve("test/clients/node");
const FILES = [
  ...["package.json", "package-lock.json", "identity.mjs", "identity-v3.mjs", "endpoint.cjs"],
  ...["function/serverless.yml", "assembly/manifest.json", "assembly/template.json"],
];

/** The SDKs v2 and an old v3 for JavaScript, CDK, osls and Serverless 3, made when they are missing or changed. */
export function prepareNodeClients(suite: string): void {
  const versions = run(["npm", "--version"], "npm is needed, which comes with Node");
  const directory = join(AWS_CLIENTS, "node");
  makeOnce({
    ...{ suite, name: "node", home: AWS_CLIENTS, sourceDirectory: SOURCES, sources: FILES, versions },
    make: () => {
      for (const part of ["function", "assembly"]) mkdirSync(join(directory, part), { recursive: true });
      for (const file of FILES) copyFileSync(join(SOURCES, file), join(directory, file));
      const install = ["npm", "ci", "--prefix", directory, "--ignore-scripts", "--no-audit", "--no-fund"];
      run(install, "npm must reach its registry, or a mirror");
    },
  });
}
