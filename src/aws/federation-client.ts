import { BrokerError } from "../core/errors.js";
import type { CallOptions } from "./aws-caller.js";
import type { AwsFailure, FailedCall } from "./aws-failure.js";
import type { SdkRequest, SdkResponse } from "./connections.js";

/** What AWS answers with a page in place of an error: no code of its own. */
const REFUSED = "FederationRefused";

/** What the caller gives, of the SDK's many kinds. */
interface RequestHandler {
  readonly handle: (
    request: SdkRequest,
    http: { readonly abortSignal: AbortSignal },
  ) => Promise<{ readonly response: SdkResponse }>;
}

/** The federation endpoint as a client of the caller's: one GET, whose query holds credentials. */
export class FederationClient {
  readonly config = { systemClockOffset: 0 };
  readonly #options: CallOptions;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  /** The answer's `SigninToken`, whatever it is. */
  async getSigninToken(
    { protocol, hostname, port, pathname }: URL,
    query: Readonly<Record<string, string>>,
    http: { readonly abortSignal: AbortSignal },
  ): Promise<unknown> {
    const request = {
      method: "GET",
      ...{ protocol, hostname, path: pathname, query: { ...query } },
      ...(port !== "" && { port: Number(port) }),
      headers: { host: port === "" ? hostname : `${hostname}:${port}`, accept: "application/json" },
    } as unknown as SdkRequest;
    const { handle } = this.#options.requestHandler as RequestHandler;
    const { response } = await handle(request, http);
    if (response.statusCode !== 200) throw refused(response.statusCode);
    return tokenIn(Buffer.from(response.body as Uint8Array).toString());
  }
}

/** Nothing of the text goes into an error: it may quote the query, and holds the token. */
function tokenIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { readonly SigninToken?: unknown } | null)?.SigninToken;
  } catch {
    return undefined;
  }
}

/** As an error of the SDK's: below 500 it is AWS's own word. */
function refused(status: number): Error {
  const error = new Error(`status ${status}`);
  return status >= 500 || status === 429 ? error : Object.assign(error, { Code: REFUSED });
}

/** Of AWS's page nothing: see `tokenIn`. */
export function federationError(failure: AwsFailure, { host }: FailedCall): BrokerError | undefined {
  if (failure.awsCode !== REFUSED) return undefined;
  return new BrokerError(
    "AccessDenied",
    `${host} signs no browser in with these credentials (status ${failure.status})`,
    {
      hint: "the console takes those of an assumed role or of Identity Center, chained ones without --for: brokerctl whoami",
      cause: failure,
    },
  );
}
