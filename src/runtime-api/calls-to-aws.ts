import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { reasonOf } from "../core/errno.js";
import { REGION_PATTERN } from "../core/region.js";
import type { Secret } from "../core/secret.js";
import { authorization, isSignedWith, type SignatureClaim, type SignedCall, signatureClaim } from "./aws-signature.js";

export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
}

/** What a function that is served here signs its calls with, and where they would go without us. */
export interface FunctionCaller {
  /** Keys with that id, where the function's own lease gave them; undefined: it did not. */
  readonly keysOf: (accessKeyId: string) => Promise<SigningKeys | undefined>;
  /** Of Lambda in a region; without a slash at its end. */
  readonly endpointOf: (region: string) => string;
}

/** A call that is proved to come from a function that is served here. */
export interface OwnCall {
  readonly keys: SigningKeys;
  readonly claim: SignatureClaim;
  readonly url: URL;
  /** Path and query below the endpoint's own path. */
  readonly target: string;
}

/**
 * The call as that of one of the functions: it is signed with keys that the function's lease gave, and the signature is theirs. undefined: it
 * is not, as with the keys of another role that the code assumed; such a call is never signed by us, with no role.
 */
export async function ownCall<Caller extends FunctionCaller>(
  callers: readonly Caller[],
  call: SignedCall,
): Promise<(OwnCall & { readonly caller: Caller }) | undefined> {
  const claim = signatureClaim(call);
  if (claim?.service !== "lambda" || !REGION_PATTERN.test(claim.region)) return undefined;
  for (const caller of callers) {
    const keys = await caller.keysOf(claim.accessKeyId).catch(() => undefined);
    if (!keys || !isSignedWith(keys.secretAccessKey, call, claim)) continue;
    const endpoint = new URL(caller.endpointOf(claim.region));
    const path = endpoint.pathname.replace(/\/$/, "");
    return { caller, keys, claim, url: endpoint, target: path + call.target };
  }
  return undefined;
}

/** They are of the connection to us, or made anew. */
const NOT_PASSED =
  /^(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|content-length|authorization|x-amz-security-token)$/;

/**
 * Makes the call in AWS with the keys that the function itself signed with, and gives its answer as it comes. The time of the signature stays the
 * function's: its SDK corrects its clock by what AWS answers. Rejects where AWS cannot be reached; an answer that breaks off breaks off.
 */
export async function passOn(call: SignedCall, own: OwnCall, response: ServerResponse): Promise<void> {
  const answer = await answerOf(call, own, response);
  const headers = Object.entries(answer.headersDistinct).filter(([name]) => !NOT_PASSED.test(name));
  const length = answer.headers["content-length"];
  response.writeHead(answer.statusCode ?? BAD_GATEWAY, [
    ...headers.flatMap(([name, values = []]) => values.flatMap((value) => [name, value])),
    ...(length === undefined ? [] : ["content-length", length]),
  ]);
  await pipeline(answer, response).catch(() => response.destroy());
}

const BAD_GATEWAY = 502;

function answerOf(call: SignedCall, own: OwnCall, response: ServerResponse): Promise<IncomingMessage> {
  const { url, target } = own;
  const { protocol, hostname, port } = url;
  const open = protocol === "https:" ? httpsRequest : httpRequest;
  const { method, body } = call;
  return new Promise((resolve, reject) => {
    const outgoing = open(
      {
        ...{ method, path: target, hostname: hostname.replace(/^\[|\]$/g, ""), headers: headersOf(call, own) },
        // Of its own: one that was kept may have ended when the call comes, and an Invoke is not made twice.
        agent: false,
        ...(port !== "" && { port }),
      },
      resolve,
    );
    outgoing.once("error", (error) => reject(new Error(`${url.host} cannot be reached: ${reasonOf(error)}`)));
    // Who called has gone.
    response.once("close", () => outgoing.destroy());
    outgoing.end(body);
  });
}

function headersOf(call: SignedCall, { keys, claim, url, target }: OwnCall): OutgoingHttpHeaders {
  const passed = Object.entries(call.fields).filter(([name]) => !NOT_PASSED.test(name));
  const own = { host: url.host, "x-amz-security-token": keys.sessionToken.reveal() };
  const before = claim.signedFields.filter((name) => !NOT_PASSED.test(name));
  const signedFields = [...before, ...Object.keys(own)];
  const fields = Object.fromEntries([
    ...passed,
    ...Object.entries(own).map(([name, value]) => [name, [value]] as const),
  ]);
  return {
    ...Object.fromEntries(passed.map(([name, values = []]) => [name, [...values]])),
    ...own,
    authorization: authorization(keys, { ...call, target, fields }, { ...claim, signedFields }),
    "content-length": call.body.length,
  };
}
