import { BrokerError } from "../../core/errors.js";
import { Secret } from "../../core/secret.js";
import type { FunctionCaller, SigningKeys } from "../../runtime-api/calls-to-aws.js";
import { fetchWith } from "../access/fetch-credentials.js";
import { TOKEN_VARIABLE, URI_VARIABLE } from "../access/variables.js";
import type { CliContext, Environment } from "../context.js";

export interface FunctionKeysOptions {
  /** As the function runs with it, but for our own `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly env: Environment;
  /** URL of the Invoke API here. */
  readonly ownUrl: string;
}

/** The lease goes on to new keys while a function still has those before: so many are remembered. */
const MAX_HELD = 8;
/** The lease gives the same keys for minutes at least. */
const LOOK_AGAIN_MS = 60_000;

/** Which keys a function's own lease gave, by which its calls are known, and where they go. */
export class FunctionKeys implements FunctionCaller {
  readonly #options: FunctionKeysOptions;
  readonly #clock: CliContext["clock"];
  readonly #held = new Map<string, SigningKeys>();
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: FunctionKeysOptions, { clock }: Pick<CliContext, "clock">) {
    this.#options = options;
    this.#clock = clock;
    const { env } = options;
    const [accessKeyId, secret] = [env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]];
    // `--as static`: all that it will ever have.
    if (this.#lease === undefined && accessKeyId !== undefined && secret !== undefined) {
      const sessionToken = new Secret(env["AWS_SESSION_TOKEN"] ?? "");
      this.#held.set(accessKeyId, { accessKeyId, secretAccessKey: new Secret(secret), sessionToken });
    }
  }

  readonly keysOf = async (accessKeyId: string): Promise<SigningKeys | undefined> => {
    // One that is under way may bring them, and another one those after them.
    await this.#looking?.catch(() => undefined);
    if (!this.#held.has(accessKeyId)) await this.#look();
    return this.#held.get(accessKeyId);
  };

  readonly endpointOf = (region: string): string => lambdaEndpoint(this.#options, region);

  /** At an event: it may be the one at which the function asks the lease. */
  noteSoon(): void {
    if (this.#clock.now() - this.#lookedAt >= LOOK_AGAIN_MS) void this.#look().catch(() => undefined);
  }

  get #lease(): string | undefined {
    return this.#options.env[URI_VARIABLE];
  }

  #look(): Promise<void> {
    const credentialsUrl = this.#lease;
    if (credentialsUrl === undefined) return Promise.resolve();
    this.#lookedAt = this.#clock.now();
    this.#looking ??= this.#remember(credentialsUrl).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #remember(credentialsUrl: string): Promise<void> {
    const token = this.#options.env[TOKEN_VARIABLE];
    const keys = await fetchWith({ credentialsUrl, token }, { clock: this.#clock });
    this.#held.delete(keys.accessKeyId);
    this.#held.set(keys.accessKeyId, keys);
    const [oldest] = this.#held.keys();
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.#held.delete(oldest);
  }
}

/** By the beginnings of its regions' names. */
const SUFFIXES = [
  ["cn-", "amazonaws.com.cn"],
  ["eusc-", "amazonaws.eu"],
  ["us-iso-", "c2s.ic.gov"],
  ["us-isob-", "sc2s.sgov.gov"],
  ["eu-isoe-", "cloud.adc-e.uk"],
  ["us-isof-", "csp.hci.ic.gov"],
] as const;

/** Where the SDK of the function would call without us; an http URL of another machine is refused, as everything that is signed here. */
function lambdaEndpoint(options: FunctionKeysOptions, region: string): string {
  const text = namedEndpoint(options);
  const suffix = SUFFIXES.find(([start]) => region.startsWith(start))?.[1] ?? "amazonaws.com";
  if (text === undefined) return `https://lambda.${region}.${suffix}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url)))) return url.href;
  throw new BrokerError("UsageInvalid", "AWS_ENDPOINT_URL leads to no https URL, and only loopback may go without TLS");
}

/** The shell's own may lead here, to call from it what is served: that is none. */
function namedEndpoint({ env, ownUrl }: FunctionKeysOptions): string | undefined {
  if (env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.toLowerCase() === "true") return undefined;
  const named = [env["AWS_ENDPOINT_URL_LAMBDA"], env["AWS_ENDPOINT_URL"]];
  return named.find((url) => url !== undefined && url !== "" && !isSame(url, ownUrl));
}

function isSame(text: string, ownUrl: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && isLoopback(url) && url.port === new URL(ownUrl).port;
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
