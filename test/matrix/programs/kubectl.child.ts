/**
 * `kubectl.child.ts KUBECTL AWS`: kubectl with `aws eks get-token` as its plugin of credentials, against an API server that does with
 * the token what aws-iam-authenticator does: the token is a signed URL of GetCallerIdentity, and AWS is asked by it who came.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateAuthority } from "../../support/tls.js";

const CLUSTER = "matrix";
const TOKEN = /^Bearer k8s-aws-v1\.([\w-]+)$/;

const [, , kubectl = "kubectl", aws = "aws"] = process.argv;
const authority = certificateAuthority();
const server = createServer(authority.issue(["127.0.0.1"]), (request, response) => {
  void isKnown(request.headers.authorization).then((known) => {
    response.writeHead(known ? 200 : 401, { "content-type": "text/plain" }).end(known ? "ok\n" : "who are you?\n");
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const directory = mkdtempSync(join(tmpdir(), "kube-"));
try {
  const config = join(directory, "config");
  writeFileSync(config, kubeConfig((server.address() as AddressInfo).port), { mode: 0o600 });
  const words = ["--kubeconfig", config, "get", "--raw", "/healthz"];
  const [code] = (await once(spawn(kubectl, words, { stdio: "inherit" }), "close")) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  rmSync(directory, { recursive: true });
  server.closeAllConnections();
  server.close();
}

async function isKnown(authorization = ""): Promise<boolean> {
  const encoded = TOKEN.exec(authorization)?.[1];
  if (encoded === undefined) return false;
  const url = Buffer.from(encoded, "base64url").toString();
  return (await fetch(url, { headers: { "x-k8s-aws-id": CLUSTER } })).ok;
}

/** JSON, which is YAML. */
function kubeConfig(port: number): string {
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    command: aws,
    args: ["eks", "get-token", "--cluster-name", CLUSTER],
    interactiveMode: "Never",
  };
  const authorityData = Buffer.from(authority.cert).toString("base64");
  const cluster = { server: `https://127.0.0.1:${port}`, "certificate-authority-data": authorityData };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: CLUSTER, cluster }],
    users: [{ name: CLUSTER, user: { exec } }],
    contexts: [{ name: CLUSTER, context: { cluster: CLUSTER, user: CLUSTER } }],
    "current-context": CLUSTER,
  });
}
