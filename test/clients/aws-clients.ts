import { resolve } from "node:path";
import { inVenv } from "../support/venv.js";

/** A client under test: how to start it. All print JSON with `Arn`, one object a line or spread over several. */
export interface AwsClient {
  readonly name: "AWS CLI" | "boto3" | "JavaScript SDK v3";
  /** Asks once who it is. */
  readonly identity: readonly string[];
}

/** Commands are put together when they are asked for: by then the suite's script has made what is in them. */
export const AWS_CLI: AwsClient = {
  name: "AWS CLI",
  get identity() {
    return [inVenv("aws"), "sts", "get-caller-identity"];
  },
};
export const BOTO3: AwsClient = {
  name: "boto3",
  get identity() {
    return [inVenv("python"), program("identity.py")];
  },
};
export const JAVASCRIPT: AwsClient = {
  name: "JavaScript SDK v3",
  identity: [process.execPath, program("identity.mjs")],
};

export const CLIENTS: readonly AwsClient[] = [AWS_CLI, BOTO3, JAVASCRIPT];

/** What every client's environment has so that it says nothing of its own on stderr: then silence means no error. */
export const QUIET = { LANG: "C.UTF-8", AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

export function program(name: string): string {
  return resolve("test/clients/programs", name);
}
