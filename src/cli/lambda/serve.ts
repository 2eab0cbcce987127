import { type FSWatcher, watch } from "node:fs";
import { BrokerError } from "../../core/errors.js";
import { FunctionPool } from "../../runtime-api/function-pool.js";
import type { HttpEventForm } from "../../runtime-api/http-events.js";
import { HttpFront, type HttpFrontOptions } from "../../runtime-api/http-front.js";
import type { InvocationOutcome } from "../../runtime-api/invocation-outcome.js";
import { InvokeApi } from "../../runtime-api/invoke-api.js";
import { chooseRuntimeClient, type Debugging } from "../../runtime-api/runtime-client.js";
import type { ServedFunction } from "../../runtime-api/served-function.js";
import { ProcPeers } from "../../system/peer-identity.js";
import { killGroup } from "../../system/run-program.js";
import { withChanges } from "../access/child-environment.js";
import type { Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { type FunctionRun, type LocalFunction, withFunction } from "./deployed-function.js";
import { FunctionKeys } from "./function-keys.js";
import { timeLimitMs } from "./lambda-options.js";
import { wrappedClient } from "./layers.js";
import { missingModuleHint } from "./missing-module.js";
import { endLeftovers, tellDebugger, untilInterrupted } from "./run-locally.js";
import { tellingDenials } from "./tell-denial.js";

/** A function as `lambda serve` has it on its command line. */
export interface WantedFunction {
  readonly run: FunctionRun;
  readonly timeoutMs: number | undefined;
}

export interface HttpWanted {
  readonly functionName: string;
  readonly form: HttpEventForm;
  readonly port: number;
}

export interface ServeWanted {
  readonly functions: readonly WantedFunction[];
  readonly port: number;
  readonly concurrency: number;
  readonly http: readonly HttpWanted[];
  readonly isWatched: boolean;
  /** One runtime of each function then, each with the next port. */
  readonly debugging: Debugging | undefined;
}

interface Serving extends ServeWanted {
  readonly signal: AbortSignal;
}

interface Prepared {
  readonly local: LocalFunction;
  readonly wanted: WantedFunction;
}

/** Serves all of them until a signal ends us. Each has a lease of its own that ends with us. */
export async function serveFunctions(wanted: ServeWanted, context: CliContext): Promise<Outcome> {
  // Inside each other, so that each lease ends whatever happens to the others.
  const withAll = ([first, ...others]: readonly WantedFunction[], prepared: readonly Prepared[]): Promise<Outcome> => {
    // Not before: while functions are read and a login is waited for, Ctrl-C ends us at once.
    if (!first) return untilInterrupted((signal) => serve(prepared, { ...wanted, signal }, context));
    return withFunction(first.run, context, (local) => withAll(others, [...prepared, { local, wanted: first }]));
  };
  return withAll(wanted.functions, []);
}

async function serve(prepared: readonly Prepared[], wanted: Serving, context: CliContext): Promise<never> {
  refuseTwice(prepared);
  const { clock, output } = context;
  const peers = new ProcPeers({ clock });
  const served: ServedFunction[] = [];
  const told = (line: string): void => output.say(`brokerctl: ${line}`);
  const closing: (() => Promise<void> | void)[] = [];
  try {
    const api = await InvokeApi.start({
      ...{ functions: served, port: wanted.port, peers, clock, told },
    });
    closing.push(() => api.close());
    for (const [at, one] of prepared.entries()) {
      const caller = new FunctionKeys({ env: one.local.env, ownUrl: api.url }, context);
      const pool = await poolOf(one, { url: api.url, wanted, peers, at, caller }, context);
      closing.push(() => pool.close());
      const { context: described } = one.local;
      served.push({ context: described, pool, caller, timeoutMs: limitOf(one, wanted) });
      if (wanted.isWatched) closing.push(watched(one.local.taskRoot, pool, context));
    }
    const fronts = await Promise.all(
      wanted.http.map((http) => frontOf(asDeployed(http, prepared), served, { peers, clock, told })),
    );
    for (const { front } of fronts) closing.push(() => front.close());
    announce({ prepared, url: api.url, fronts }, context);
    return await untilAborted(wanted.signal);
  } finally {
    output.say("brokerctl: ending what was started");
    for (const close of closing.toReversed()) await close();
    endLeftovers(prepared.map(({ local }) => local));
  }
}

/** Two with one name could not be told apart in a call. */
function refuseTwice(prepared: readonly Prepared[]): void {
  const names = prepared.map(({ local }) => local.context.functionName);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  throw new BrokerError("UsageInvalid", `${twice} is named twice: one version of a function is served at a time`, {
    hint: "brokerctl lambda serve --help",
  });
}

interface Around {
  /** Of the Invoke API, for functions that call each other. */
  readonly url: string;
  readonly wanted: Serving;
  readonly peers: ProcPeers;
  readonly caller: FunctionKeys;
  /** Which of the functions it is. */
  readonly at: number;
}

function limitOf({ local, wanted: { timeoutMs } }: Prepared, { debugging }: ServeWanted): number {
  return timeLimitMs({ given: timeoutMs, own: local.context.timeout, isDebugged: debugging !== undefined });
}

async function poolOf({ local }: Prepared, around: Around, context: CliContext): Promise<FunctionPool> {
  const { context: described, taskRoot, layers } = local;
  const env = withChanges(local.env, { set: { AWS_ENDPOINT_URL_LAMBDA: around.url }, unset: [] });
  const { debugging: wanted, concurrency } = around.wanted;
  const debugging = wanted && { ...wanted, nth: around.at };
  const client = await chooseRuntimeClient({ context: described, taskRoot, env, debugging });
  for (const note of client.notes) context.output.warn(`${described.functionName}: ${note}`);
  tellDebugger(described.functionName, client, context);
  const hints = new Set<string>();
  // Once: each event would say it again.
  const onOutcome = ({ error }: InvocationOutcome): void => {
    const hint = missingModuleHint(local, error);
    if (hint === undefined || hints.has(hint)) return;
    hints.add(hint);
    context.output.hint(`${described.functionName}: ${hint}`);
  };
  const logs = tellingDenials(local, context);
  return new FunctionPool({
    ...{ context: described, command: wrappedClient(client, { context: described, env, layers }), env, cwd: taskRoot },
    ...{ logs, killGroup, onOutcome, onEvent: () => around.caller.noteSoon() },
    ...{ clock: context.clock, peers: around.peers, limit: debugging ? 1 : concurrency, signal: around.wanted.signal },
  });
}

/** A template or a stack has names of its own; `--http` takes the name that was typed. */
function asDeployed(http: HttpWanted, prepared: readonly Prepared[]): HttpWanted {
  const named = prepared.find(({ wanted }) => wanted.run.name === http.functionName);
  return named ? { ...http, functionName: named.local.context.functionName } : http;
}

async function frontOf(
  { functionName, ...http }: HttpWanted,
  functions: readonly ServedFunction[],
  around: Pick<HttpFrontOptions, "clock" | "peers" | "told">,
): Promise<{ readonly front: HttpFront; readonly functionName: string }> {
  const served = functions.find(({ context }) => context.functionName === functionName);
  if (served) return { functionName, front: await HttpFront.start({ ...http, ...around, served }) };
  const names = functions.map(({ context }) => context.functionName).join(", ");
  throw new BrokerError("UsageInvalid", `--http names ${functionName}, which is not served; served: ${names}`, {
    hint: "--http FUNCTION[=PORT]",
  });
}

/** A build writes many files: what was begun is let to end. */
const SETTLED_MS = 200;
const NOT_CODE = /(?:^|[\\/])(?:\.git|node_modules|__pycache__|\.serverless|\.aws-sam|cdk\.out)(?:[\\/]|$)/;

/** New runtimes for what comes after a change of the code. */
function watched(directory: string, pool: FunctionPool, { clock, output }: CliContext): () => void {
  let cancel = (): void => undefined;
  let watcher: FSWatcher;
  try {
    watcher = watch(directory, { recursive: true });
  } catch (cause) {
    throw new BrokerError("NotSupported", `${directory} cannot be watched`, { hint: "leave --watch out", cause });
  }
  watcher.on("error", () => output.warn(`${directory} is no longer watched`));
  watcher.on("change", (_, name) => {
    if (typeof name === "string" && NOT_CODE.test(name)) return;
    cancel();
    cancel = clock.after(SETTLED_MS, () => {
      output.say(`brokerctl: ${String(name)} changed: the next event runs in a new runtime`);
      void pool.restart();
    });
  });
  return () => {
    cancel();
    watcher.close();
  };
}

interface Announced {
  readonly prepared: readonly Prepared[];
  readonly url: string;
  readonly fronts: readonly { readonly front: HttpFront; readonly functionName: string }[];
}

function announce({ prepared, url, fronts }: Announced, { output }: CliContext): void {
  output.progress.end();
  for (const { local } of prepared) {
    output.say(`brokerctl: ${local.context.functionName} as ${local.role}, code in ${local.taskRoot}`);
  }
  for (const { front, functionName } of fronts) output.say(`brokerctl: ${functionName} at ${front.url}`);
  output.say(`brokerctl: serving on ${url}; Ctrl-C ends it`);
  output.hint(
    `AWS_ENDPOINT_URL_LAMBDA=${url} aws lambda invoke --function-name ${prepared[0]?.local.context.functionName ?? "NAME"} /dev/stdout`,
  );
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
