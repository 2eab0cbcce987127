import type { Readable } from "node:stream";
import type { STSClientConfig } from "@aws-sdk/client-sts";
import type { SigningCredentials } from "../core/credentials.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { AwsEnvironment, AwsServiceName } from "./aws-environment.js";
import { awsError, type Explain, isSignatureRefused } from "./aws-error.js";
import type { FailedCall } from "./aws-failure.js";
import { boundedBody, MAX_ANSWER_BYTES } from "./bounded-body.js";
import { type ClientOptions, clientOptions } from "./client-options.js";
import { type Connections, endpointOf, type SdkRequest, type SdkResponse } from "./connections.js";
import { CALL_LIMIT_MS, HURRY_LIMIT_MS } from "./time-limits.js";

/** Below this a difference is delay and rounding; above it expirations are reckoned in our clock. */
const CLOCK_SKEW_MS = 2 * 60_000;

export type CallOptions = ClientOptions & Required<Pick<STSClientConfig, "requestHandler">>;

export interface AwsCall<Client, Output> {
  readonly service: AwsServiceName;
  readonly action: string;
  readonly region: string;
  /** Absent: the service takes unsigned calls. */
  readonly signer?: SigningCredentials;
  /** What the call is about, for errors: a role's ARN, a key id. */
  readonly subject?: string;
  /** The service's own codes. */
  readonly explain?: Explain;
  /** Of the answer's body; `MAX_ANSWER_BYTES` when absent. */
  readonly maxBytes?: number;
  readonly client: (options: CallOptions) => Client;
  readonly send: (client: Client, http: { readonly abortSignal: AbortSignal }) => Promise<Output>;
}

export interface EndpointQuestion {
  readonly service: AwsServiceName;
  readonly region: string;
  /** What the address is for, for errors. */
  readonly action: string;
  /** The client's own rules (`endpointProvider`). */
  readonly resolve: (options: CallOptions, parameters: EndpointParameters) => { readonly url: URL };
}

/** What endpoint rules start from, in their own spelling. */
interface EndpointParameters {
  readonly Region: string;
  readonly UseFIPS: boolean;
  readonly UseDualStack: boolean;
  readonly Endpoint?: string;
}

export interface AwsAnswer<Output> {
  readonly output: Output;
  readonly host: string;
  /** Now by AWS's clock, reckoned in ours: their difference in milliseconds; 0 where it is small. */
  readonly clockSkewMs: number;
}

export interface AwsCallerOptions {
  readonly environment: AwsEnvironment;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was seen of one call on the wire, for its error. */
interface Traffic {
  endpoint?: URL;
  status?: number;
  headers?: Readonly<Record<string, string>>;
}

interface SkewedClient {
  readonly config: { readonly systemClockOffset: number };
}

/** Makes one call to AWS: explicit client, deadline, clock correction; every failure comes out as a BrokerError. */
export class AwsCaller {
  readonly #options: AwsCallerOptions;
  /** By endpoint: with it the SDK signs with the server's time at once. */
  readonly #offsets = new Map<string, number>();
  /** Of the calls under way: gives each no more than this many milliseconds. */
  readonly #underWay = new Set<(limitMs: number) => void>();
  #skewSaid = false;

  constructor(options: AwsCallerOptions) {
    this.#options = options;
  }

  async call<Client extends SkewedClient, Output>(call: AwsCall<Client, Output>): Promise<AwsAnswer<Output>> {
    const traffic: Traffic = {};
    const { clock } = this.#options;
    const deadline = new AbortController();
    let cancelDeadline: Cancel = () => undefined;
    const limit = (limitMs: number): void => {
      cancelDeadline();
      cancelDeadline = clock.after(limitMs, () => deadline.abort());
    };
    limit(CALL_LIMIT_MS);
    this.#underWay.add(limit);
    try {
      const output = await this.#send(call, traffic, deadline.signal);
      return { output, host: hostOf(traffic, call), clockSkewMs: this.#clockSkew(traffic) };
    } catch (error) {
      throw this.#explain(error, call, { traffic, timedOut: deadline.signal.aborted });
    } finally {
      this.#underWay.delete(limit);
      cancelDeadline();
      // Ends a tunnel that outlived its answer.
      deadline.abort();
    }
  }

  /** The machine slept: no caller waits the full limit for a call that was under way. */
  onResume(): void {
    for (const limit of this.#underWay) limit(HURRY_LIMIT_MS);
  }

  /** Where a service is, by the SDK's own rules; no request is made. */
  endpoint(question: EndpointQuestion): URL {
    const { service, region, action, resolve } = question;
    const { endpoints, useFips, useDualstack } = this.#options.environment;
    const options = clientOptions({ service, region, ...this.#options, systemClockOffset: 0 });
    const nothing = { service, region, action };
    const requestHandler = this.#requestHandler(nothing, { traffic: {}, signal: new AbortController().signal });
    const Endpoint = endpoints[service];
    const custom = Endpoint === undefined ? {} : { Endpoint };
    const parameters = { Region: region, UseFIPS: useFips, UseDualStack: useDualstack, ...custom };
    try {
      return resolve({ ...options, requestHandler }, parameters).url;
    } catch (error) {
      const nothingSent = { signedBy: "none", timedOut: false, sent: false } as const;
      throw awsError(error, { action, region, host: hostOf({}, question), ...nothingSent });
    }
  }

  /** A client for each call, over shared connections: kept clients would keep secrets. It costs 0.2 ms. */
  async #send<Client extends SkewedClient, Output>(
    call: AwsCall<Client, Output>,
    traffic: Traffic,
    signal: AbortSignal,
  ): Promise<Output> {
    const offsetKey = `${call.service} ${call.region}`;
    const client = call.client({
      ...clientOptions({ ...call, ...this.#options, systemClockOffset: this.#offsets.get(offsetKey) ?? 0 }),
      requestHandler: this.#requestHandler(call, { traffic, signal }),
    });
    const send = (): Promise<Output> => call.send(client, { abortSignal: signal });
    try {
      return await send();
    } catch (error) {
      // The refusal told the SDK the server's time: the same call, signed with it, was never executed before.
      if (isSignatureRefused(error) && error.$metadata?.clockSkewCorrected === true) return await send();
      throw error;
    } finally {
      this.#offsets.set(offsetKey, client.config.systemClockOffset);
    }
  }

  #requestHandler(
    call: Pick<AwsCall<unknown, unknown>, "service" | "region" | "action" | "maxBytes">,
    { traffic, signal }: { readonly traffic: Traffic; readonly signal: AbortSignal },
  ): CallOptions["requestHandler"] {
    const { connections } = this.#options;
    const { action, maxBytes = MAX_ANSWER_BYTES } = call;
    return {
      metadata: { handlerProtocol: "http/1.1" },
      handle: async (request: SdkRequest): Promise<{ response: SdkResponse }> => {
        traffic.endpoint = endpointOf(request);
        delete traffic.status;
        const response = await connections.send(request, signal);
        traffic.status = response.statusCode;
        traffic.headers = { ...response.headers };
        response.body = await boundedBody(response.body as Readable, { host: hostOf(traffic, call), action, maxBytes });
        return { response };
      },
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    };
  }

  #explain<Client, Output>(
    error: unknown,
    call: AwsCall<Client, Output>,
    { traffic, timedOut }: { readonly traffic: Traffic; readonly timedOut: boolean },
  ): Error {
    const { connections, clock } = this.#options;
    const proxy = traffic.endpoint && connections.proxyBefore(traffic.endpoint);
    const failed: FailedCall = {
      action: call.action,
      host: hostOf(traffic, call),
      region: call.region,
      signedBy: signedBy(call.signer),
      timedOut,
      sent: traffic.endpoint !== undefined,
      ...(call.subject === undefined ? {} : { subject: call.subject }),
      ...(proxy === undefined ? {} : { proxy }),
      ...(traffic.status === undefined ? {} : { status: traffic.status }),
      ...retryAfter(traffic, clock.now()),
    };
    return awsError(error, failed, call.explain);
  }

  /** A cached answer (`Age`) says nothing about the server's clock. */
  #clockSkew({ headers, endpoint }: Traffic): number {
    const serverTime = headers?.["age"] === undefined ? Date.parse(headers?.["date"] ?? "") : Number.NaN;
    if (Number.isNaN(serverTime)) return 0;
    const skew = serverTime - this.#options.clock.now();
    const isSkewed = Math.abs(skew) > CLOCK_SKEW_MS;
    if (isSkewed && !this.#skewSaid) {
      const fields = { endpoint: endpoint?.host, clockSkewSeconds: Math.round(skew / 1000) };
      this.#options.logger.warn(fields, "the clock of this computer differs from that of AWS");
    }
    this.#skewSaid = isSkewed;
    return isSkewed ? skew : 0;
  }
}

function hostOf(traffic: Traffic, { service, region }: Pick<AwsCall<unknown, unknown>, "service" | "region">): string {
  return traffic.endpoint?.host ?? `${service} in ${region}`;
}

function signedBy(signer: SigningCredentials | undefined): FailedCall["signedBy"] {
  if (!signer) return "none";
  return signer.sessionToken ? "session" : "key";
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfter({ headers, status }: Traffic, now: number): { readonly retryAfterMs?: number } {
  const text = status === undefined ? undefined : headers?.["retry-after"];
  if (text === undefined) return {};
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(milliseconds) ? { retryAfterMs: Math.max(0, milliseconds) } : {};
}
