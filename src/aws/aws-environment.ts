import { BrokerError } from "../core/errors.js";
import { certificatesFromFiles, certificatesFromText } from "./ca-certificates.js";
import { isLoopback, type Proxies, proxyFromText } from "./proxies.js";

/** The AWS services that are called here; each may have an endpoint of its own. */
export type AwsServiceName = "sts" | "iam" | "sso" | "sso-oidc" | "lambda" | "cloudformation" | "ecs" | "signin";

/** Everything of the process's environment that changes how AWS is reached: read once, checked, explicit. */
export interface AwsEnvironment {
  /** URLs that stand in for AWS's own endpoints; absent: the SDK's rules for region and partition. */
  readonly endpoints: Readonly<Partial<Record<AwsServiceName, string>>>;
  readonly useFips: boolean;
  readonly useDualstack: boolean;
  /** PEM, one certificate each; trusted in addition to the public authorities. */
  readonly certificates: readonly string[];
  readonly proxies: Proxies;
  /** What is in force, `NAME=value`, for `status`: without user names, passwords and certificates. */
  readonly overrides: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

const ENDPOINT_VARIABLES = [
  ["sts", "AWS_ENDPOINT_URL_STS"],
  ["iam", "AWS_ENDPOINT_URL_IAM"],
  ["sso", "AWS_ENDPOINT_URL_SSO"],
  ["sso-oidc", "AWS_ENDPOINT_URL_SSO_OIDC"],
  ["lambda", "AWS_ENDPOINT_URL_LAMBDA"],
  ["cloudformation", "AWS_ENDPOINT_URL_CLOUDFORMATION"],
  ["ecs", "AWS_ENDPOINT_URL_ECS"],
  ["signin", "AWS_ENDPOINT_URL_SIGNIN"],
] as const;
const CERTIFICATE_FILE_VARIABLES = ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "cafile"] as const;

/**
 * Reads the AWS part of the environment that system/clean-environment lets through, and the certificate files that it names.
 * Throws `ConfigInvalid` that names the variable; a value is quoted only where it cannot hold a secret.
 */
export function awsEnvironment(variables: Variables): AwsEnvironment {
  const overrides: string[] = [];
  const say = (name: string, value: string): void => void overrides.push(`${name}=${value}`);
  const endpoints = readEndpoints(variables, say);
  const useFips = readFlag(variables, "AWS_USE_FIPS_ENDPOINT", say);
  const useDualstack = readFlag(variables, "AWS_USE_DUALSTACK_ENDPOINT", say);
  refuseVariantsOfCustomEndpoints(endpoints, { useFips, useDualstack });
  const certificates = readCertificates(variables, say);
  const proxies = readProxies(variables, say);
  return Object.freeze({ endpoints, useFips, useDualstack, certificates, proxies, overrides });
}

type Say = (name: string, value: string) => void;

function readEndpoints(variables: Variables, say: Say): Partial<Record<AwsServiceName, string>> {
  const common = readEndpoint(variables, "AWS_ENDPOINT_URL", say);
  const endpoints: Partial<Record<AwsServiceName, string>> = {};
  for (const [service, variable] of ENDPOINT_VARIABLES) {
    const endpoint = readEndpoint(variables, variable, say) ?? common;
    if (endpoint !== undefined) endpoints[service] = endpoint;
  }
  return endpoints;
}

function readEndpoint(variables: Variables, name: string, say: Say): string | undefined {
  const text = valueOf(variables, name);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw invalid(
      name,
      "is not an http or https URL",
      `set ${name} to a URL like https://sts.example.com, or unset it`,
    );
  }
  refuseUnsafeEndpoint(name, url);
  const endpoint = url.href.replace(/\/$/, "");
  say(name, endpoint);
  return endpoint;
}

/** Threat model C14: nothing that we sign crosses a network in clear text. */
function refuseUnsafeEndpoint(name: string, url: URL): void {
  if (url.username || url.password || url.search || url.hash) {
    throw invalid(name, "must not hold a user name, password, query or fragment", `remove it from ${name}`);
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    const what = `is a plain http endpoint on ${url.hostname}, and only loopback may go without TLS`;
    throw invalid(name, what, `set ${name} to an https URL`);
  }
}

function readFlag(variables: Variables, name: string, say: Say): boolean {
  const text = valueOf(variables, name)?.toLowerCase();
  if (text === undefined || text === "false") return false;
  if (text !== "true") throw invalid(name, "is neither true nor false", `set ${name}=true, or unset it`);
  say(name, "true");
  return true;
}

/** The SDK refuses the mix at the first call; the user should hear it at the start. */
function refuseVariantsOfCustomEndpoints(
  endpoints: AwsEnvironment["endpoints"],
  { useFips, useDualstack }: Pick<AwsEnvironment, "useFips" | "useDualstack">,
): void {
  if (Object.keys(endpoints).length === 0 || !(useFips || useDualstack)) return;
  const name = useFips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT";
  throw invalid(name, "cannot be combined with a custom endpoint", `unset ${name} or the AWS_ENDPOINT_URL variables`);
}

function readCertificates(variables: Variables, say: Say): readonly string[] {
  const certificates: string[] = [];
  for (const name of CERTIFICATE_FILE_VARIABLES) {
    const text = valueOf(variables, name);
    if (text === undefined) continue;
    // Only Serverless Framework's variable is a list; a path of the others may hold a comma.
    const paths = name === "cafile" ? text.split(",").map((path) => path.trim()) : [text];
    certificates.push(...certificatesFromFiles(name, paths.filter(Boolean)));
    say(name, text);
  }
  const inline = valueOf(variables, "ca");
  if (inline !== undefined) {
    const found = certificatesFromText("ca", inline.replaceAll("\\n", "\n"));
    certificates.push(...found);
    say("ca", found.length === 1 ? "(1 certificate)" : `(${found.length} certificates)`);
  }
  return [...new Set(certificates)];
}

/** Lower case first, as curl and the AWS CLI read them. */
function readProxies(variables: Variables, say: Say): Proxies {
  const read = (name: string): { readonly name: string; readonly text: string } | undefined => {
    for (const spelling of [name.toLowerCase(), name]) {
      const text = valueOf(variables, spelling);
      if (text !== undefined) return { name: spelling, text };
    }
    return undefined;
  };
  const proxy = (name: string): Proxies["https"] => {
    const found = read(name);
    if (!found) return undefined;
    const parsed = proxyFromText(found.name, found.text);
    say(found.name, parsed.display);
    return parsed;
  };
  const https = proxy("HTTPS_PROXY");
  const http = proxy("HTTP_PROXY");
  const noProxy = read("NO_PROXY");
  if (noProxy) say(noProxy.name, noProxy.text);
  return { https, http, noProxy: noProxy?.text ?? "" };
}

/** An empty variable counts as unset, as in every AWS SDK. */
function valueOf(variables: Variables, name: string): string | undefined {
  const text = variables[name]?.trim();
  return text === "" ? undefined : text;
}

function invalid(name: string, what: string, hint: string): BrokerError {
  return new BrokerError("ConfigInvalid", `environment variable ${name} ${what}`, {
    hint: `${hint}, then \`brokerctl restart\``,
  });
}
