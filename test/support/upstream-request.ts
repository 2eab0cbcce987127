import type { IncomingMessage } from "node:http";

/** One request to AWS, as the proxy saw it. */
export interface UpstreamCall {
  /** Who called: the label of the URL that it was given. */
  readonly label: string;
  /** `AssumeRole`, `GetCallerIdentity`, … of STS and IAM; method and path of the others. */
  readonly action: string;
  /** What STS and IAM were asked with: `RoleArn`, `PolicyArns.member.1.arn`, … */
  readonly parameters: Readonly<Record<string, string>>;
  readonly roleArn: string | null;
  /** Which key signed, and for which region; null for an unsigned request. */
  readonly accessKeyId: string | null;
  readonly region: string | null;
  readonly status: number;
  /** Epoch milliseconds at which it came. */
  readonly at: number;
}

/** One request, as it is passed on. */
export interface UpstreamRequest {
  readonly call: Omit<UpstreamCall, "status">;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
export type Headers = Readonly<Record<string, string>>;

/** Of one connection, or made anew for the other one. */
const OF_CONNECTION = ["connection", "content-encoding", "content-length", "expect", "host", "transfer-encoding"];

/** `ownLabel`: where the port belongs to one caller; else the label is the first part of the path. */
export async function readRequest(incoming: IncomingMessage, ownLabel: string | undefined): Promise<UpstreamRequest> {
  const at = Date.now();
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { method = "GET", url = "/", headers } = incoming;
  const isQuery = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;
  const parameters = Object.fromEntries(new URLSearchParams(isQuery ? body.toString() : ""));
  const { label, path } = ownLabel === undefined ? splitLabel(url) : { label: ownLabel, path: url };
  const scope = scopeOf(headers.authorization ?? "", path);
  const call = {
    label,
    action: parameters["Action"] ?? `${method} ${path}`,
    parameters,
    roleArn: parameters["RoleArn"] ?? null,
    ...scope,
    at,
  };
  return { call, method, path, headers: requestHeaders(headers), body };
}

function splitLabel(url: string): { readonly label: string; readonly path: string } {
  const [, label = "", ...rest] = url.split("/");
  return { label: decodeURIComponent(label), path: `/${rest.join("/")}` };
}

/** Who signed: in the header, in the URL if it is presigned, or in the presigned URL that is a token of EKS. */
function scopeOf(authorization: string, path: string): Pick<UpstreamCall, "accessKeyId" | "region"> {
  const [, token] = /^Bearer k8s-aws-v1\.([\w-]+)$/.exec(authorization) ?? [];
  const url = token === undefined ? path : Buffer.from(token, "base64url").toString();
  const presigned = new URLSearchParams(url.slice(url.indexOf("?") + 1)).get("X-Amz-Credential");
  // Credential=AKID/20261121/eu-west-1/sts/aws4_request
  const scope = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(presigned ? `Credential=${presigned}` : authorization);
  return { accessKeyId: scope?.[1] ?? null, region: scope?.[2] ?? null };
}

/** `aws-chunked` is how the body is signed, and stays on it. */
function requestHeaders(headers: IncomingMessage["headers"]): Headers {
  const texts = Object.entries(headers).filter((header): header is [string, string] => typeof header[1] === "string");
  const encoding = headers["content-encoding"];
  return { ...withoutConnection(Object.fromEntries(texts)), ...(encoding && { "content-encoding": encoding }) };
}

export function withoutConnection(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_CONNECTION.includes(name)));
}
