/** Asks AWS for SECONDS who it is, with one client; then prints its pid, the ARNs it was, and the keys that signed. */
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const PAUSE_MS = 250;
const arns = new Set();
const keys = new Set();

// No credentials are given: the SDK's own default chain looks for them.
const sts = new STSClient({});
// After the request was signed.
const noteKey = (next) => (call) => {
  keys.add(/Credential=([^/]+)/.exec(call.request.headers.authorization)[1]);
  return next(call);
};
sts.middlewareStack.add(noteKey, { step: "deserialize", priority: "low" });

for (const endsAt = Date.now() + 1000 * Number(process.argv[2]); Date.now() < endsAt; await pause(PAUSE_MS)) {
  arns.add((await sts.send(new GetCallerIdentityCommand({}))).Arn);
}
process.stdout.write(JSON.stringify({ pid: process.pid, arns: [...arns], keys: [...keys] }));
