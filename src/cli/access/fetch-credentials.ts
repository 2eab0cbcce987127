import { request } from "node:http";
import type { LeaseAccess } from "../../control-api/lease-contract.js";
import { reasonOf } from "../../core/errno.js";
import { BrokerError, type BrokerErrorCode } from "../../core/errors.js";
import { Secret } from "../../core/secret.js";
import type { CliContext } from "../context.js";
import type { NarrowedTerms } from "../guard/confirm-role.js";
import { regionVariables } from "./variables.js";

/** What the endpoint answers with (endpoint/credentials-body). */
export interface EndpointCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  /** As the endpoint writes it: whole-second UTC. */
  readonly expiration: string;
  readonly accountId: string | undefined;
}

interface FetchedCredentials {
  readonly credentials: EndpointCredentials;
  readonly region: string | null;
}

const LEASE_SECONDS = 60;
const ATTEMPTS = 20;
const RETRY_MS = 250;
/** The endpoint holds no client for a second: this is for a machine on which hundreds of us start at once. */
const ANSWER_TIMEOUT_MS = 20_000;

/**
 * Credentials never leave through control: a lease of 60 s is taken, the endpoint asked as any SDK would ask
 * it, the lease ended. The role should be warm already, so that errors come with their hints.
 */
export async function fetchCredentials(
  context: CliContext,
  role: string | null,
  terms: NarrowedTerms = {},
): Promise<FetchedCredentials> {
  const { client, pid } = context;
  const access = await client.call("lease-child", { role, pid, forSeconds: LEASE_SECONDS, ...terms });
  try {
    return {
      credentials: await context.output.progress.during("fetching credentials", () => fetchWith(access, context)),
      region: access.region,
    };
  } finally {
    // The lease ends by itself with this process: a failure here takes nothing away from the answer.
    await context.quietClient.call("lease-revoke", { lease: { by: "id", id: access.lease.id } }).catch(() => undefined);
  }
}

/** Temporary keys themselves, for programs that know nothing else: they end, and nothing renews them. */
export async function staticVariables(
  context: CliContext,
  role: string | null,
  terms: NarrowedTerms = {},
): Promise<Record<string, string>> {
  const { credentials, region } = await fetchCredentials(context, role, terms);
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey.reveal(),
    AWS_SESSION_TOKEN: credentials.sessionToken.reveal(),
    AWS_CREDENTIAL_EXPIRATION: credentials.expiration,
    ...(credentials.accountId !== undefined && { AWS_ACCOUNT_ID: credentials.accountId }),
    ...regionVariables(region),
  };
}

/** The credentials of a lease, as any SDK gets them; asks again while they are on their way. */
export async function fetchWith(
  access: Pick<LeaseAccess, "credentialsUrl"> & { readonly token: string | undefined },
  { clock }: Pick<CliContext, "clock">,
  signal?: AbortSignal,
): Promise<EndpointCredentials> {
  for (let attempt = 1; ; attempt++) {
    const { status, body } = await askEndpoint(access.credentialsUrl, { token: access.token, signal });
    if (status === 200) return credentialsOf(body);
    const error = errorOf(body, status);
    if (error.code !== "CredentialsPending" || attempt === ATTEMPTS) throw error;
    await clock.sleep(RETRY_MS, signal);
  }
}

type Body = Readonly<Record<string, unknown>>;

/** `token`: where the URL does not hold it. node:http takes no notice of HTTP_PROXY: the request stays on this machine. */
export function askEndpoint(
  url: string,
  { token, signal }: { readonly token?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(unreachable(url, error));
    const headers = token === undefined ? {} : { authorization: token };
    const outgoing = request(url, { headers, agent: false, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", fail);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body: bodyOf(Buffer.concat(chunks)) }));
    });
    outgoing.setTimeout(ANSWER_TIMEOUT_MS, () => outgoing.destroy(new Error("no answer in time")));
    outgoing.once("error", fail);
    outgoing.end();
  });
}

/** The message names the command that fixes it. */
function errorOf({ code, message }: Body, status: number): BrokerError {
  if (typeof code === "string" && typeof message === "string") return new BrokerError(code as BrokerErrorCode, message);
  return new BrokerError("InternalError", `the endpoint answered with status ${status} and no error`);
}

function unreachable(url: string, cause: Error): BrokerError {
  const place = new URL(url).origin; // a path of ours is a token
  return new BrokerError("DaemonUnreachable", `the endpoint ${place} cannot be reached: ${reasonOf(cause)}`, {
    hint: "brokerctl status",
    cause,
  });
}

function bodyOf(bytes: Buffer): Body {
  try {
    return JSON.parse(bytes.toString("utf8")) as Body;
  } catch {
    return {};
  }
}

function credentialsOf(body: Body): EndpointCredentials {
  const { AccessKeyId, SecretAccessKey, Token, Expiration, AccountId } = body;
  if (typeof AccessKeyId === "string" && typeof SecretAccessKey === "string" && typeof Token === "string") {
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: new Secret(SecretAccessKey),
      sessionToken: new Secret(Token),
      expiration: String(Expiration),
      accountId: typeof AccountId === "string" ? AccountId : undefined,
    };
  }
  throw new BrokerError("InternalError", "the endpoint answered without credentials", { hint: "brokerctl restart" });
}
