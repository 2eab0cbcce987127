import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../system/clock.js";
import {
  callHandler,
  callPlainHandler,
  type Handler,
  type HandlerOutcome,
  isWithoutCallbacks,
  refuseCallback,
} from "./call-handler.js";
import { errorDocument, textOf } from "./error-document.js";
import { EventLoopEnd } from "./event-loop-end.js";
import { type HandlerContext, handlerContext, tenantOf } from "./handler-context.js";
import { importFromNodePath } from "./import-from-node-path.js";
import { type ConsoleState, type LogError, patchConsole } from "./lambda-console.js";
import { loadHandler } from "./load-handler.js";
import { StreamedResponse } from "./response-stream.js";
import { RuntimeConnection, type RuntimeEvent } from "./runtime-connection.js";
import { RuntimeFault } from "./runtime-fault.js";
import { awslambda, callStreamingHandler, isStreaming } from "./streaming-handler.js";

/** The process that the handler runs in. */
export interface NodeClientOptions {
  readonly handler: string;
  /** What loads it where it is TypeScript: `tsx`, or where esbuild is. */
  readonly typescript?: string | undefined;
  readonly taskRoot: string;
  /** HOST:PORT */
  readonly runtimeApi: string;
  /** Its `_X_AMZN_TRACE_ID` is set for each event. */
  readonly env: NodeJS.ProcessEnv;
  readonly exit: (code: number) => void;
  readonly clock: Clock;
}

/** The exit codes of Lambda's own clients; `stalled` is that of Node itself, as is `idle`. */
const EXIT = { init: 1, stalled: 13, rejection: 128, exception: 129, idle: 0 } as const;

/** Loads the handler and answers events with it until the Runtime API is gone. */
export async function serveHandler(options: NodeClientOptions): Promise<void> {
  const client = new NodeClient(options);
  const handler = await client.load();
  for (;;) await client.serveNext(handler);
}

class NodeClient {
  readonly #options: NodeClientOptions;
  readonly #connection: RuntimeConnection;
  readonly #console: ConsoleState = { requestId: undefined, tenantId: undefined };
  readonly #loopEnd = new EventLoopEnd();
  readonly #logError: LogError;
  /** As Lambda's client from Node 24 on, which is a new one: no callbacks, and Node itself ends by what is not caught. */
  readonly #withoutCallbacks: boolean;
  #dying = false;

  constructor(options: NodeClientOptions) {
    this.#options = options;
    const { clock, env } = options;
    this.#connection = new RuntimeConnection(options.runtimeApi);
    this.#withoutCallbacks = isWithoutCallbacks(env["AWS_EXECUTION_ENV"]);
    this.#logError = patchConsole({ state: this.#console, clock, env });
    if (this.#withoutCallbacks) return;
    process.on("uncaughtException", (error) => this.#die(error, "Uncaught Exception", EXIT.exception));
    process.on("unhandledRejection", (reason, promise) => {
      const fault = new RuntimeFault("UnhandledPromiseRejection", textOf(reason));
      this.#die(Object.assign(fault, { reason, promise }), "Unhandled Promise Rejection", EXIT.rejection);
    });
  }

  /** Does not return where the handler cannot be loaded. */
  async load(): Promise<object> {
    const { taskRoot, handler, typescript, env, exit } = this.#options;
    importFromNodePath(env["NODE_PATH"]);
    Object.assign(globalThis, { awslambda });
    this.#loopEnd.once(() => {
      process.stderr.write(`${handler}: a top-level await never ended\n`);
      exit(this.#withoutCallbacks ? EXIT.idle : EXIT.stalled);
    });
    try {
      const loaded = await loadHandler(taskRoot, handler, typescript);
      if (this.#withoutCallbacks && !isStreaming(loaded)) refuseCallback(loaded);
      return loaded;
    } catch (error) {
      if (this.#withoutCallbacks) this.#die(error, "Init Error", EXIT.init);
      else this.#die(error, "Uncaught Exception", EXIT.exception);
      return await never();
    } finally {
      this.#loopEnd.forget();
    }
  }

  async serveNext(handler: object): Promise<void> {
    // What the module, or the handler before, rejected without a listener is known only then: it comes before the next event.
    await setImmediate();
    if (this.#dying) return never();
    const event = await this.#next();
    this.#console.requestId = event.requestId;
    this.#console.tenantId = tenantOf(event.headers);
    this.#options.env["_X_AMZN_TRACE_ID"] = event.headers["lambda-runtime-trace-id"]?.toString() ?? "";
    if (isStreaming(handler)) await this.#stream(handler, event);
    else await this.#answer(handler as Handler, event);
  }

  /** The broker's command line ended: so do we. */
  async #next(): Promise<RuntimeEvent> {
    try {
      return await this.#connection.next();
    } catch {
      this.#options.exit(EXIT.init);
      return await never();
    }
  }

  async #answer(handler: Handler, event: RuntimeEvent): Promise<void> {
    const outcome = await this.#outcomeOf(handler, event);
    if ("json" in outcome) return this.#connection.respond(event.requestId, outcome.json);
    this.#logError("Invoke Error", outcome.error);
    await this.#connection.fail(event.requestId, errorDocument(outcome.error));
  }

  async #outcomeOf(handler: Handler, event: RuntimeEvent): Promise<{ json: string } | { error: unknown }> {
    const { env, clock } = this.#options;
    try {
      const context = handlerContext(event, env, clock);
      const outcome = await this.#call(handler, JSON.parse(event.json), context);
      return "error" in outcome ? outcome : { json: this.#toJson(outcome.result) };
    } catch (error) {
      return { error };
    }
  }

  async #call(handler: Handler, event: unknown, context: HandlerContext): Promise<HandlerOutcome> {
    if (!this.#withoutCallbacks) return callHandler(handler, event, { context, loopEnd: this.#loopEnd });
    this.#loopEnd.once(() => this.#options.exit(EXIT.idle));
    const { env } = this.#options;
    const outcome = await callPlainHandler(
      handler,
      event,
      Object.assign(context, { xRayTraceId: env["_X_AMZN_TRACE_ID"] }),
    );
    this.#loopEnd.forget();
    return outcome;
  }

  async #stream(handler: Parameters<typeof callStreamingHandler>[0], event: RuntimeEvent): Promise<void> {
    const { env, clock } = this.#options;
    const response = new StreamedResponse(this.#connection, event.requestId);
    try {
      const context = handlerContext(event, env, clock);
      await callStreamingHandler(handler, JSON.parse(event.json), { context, loopEnd: this.#loopEnd, response });
    } catch (error) {
      this.#logError("Invoke Error", error);
      await response.fail(error);
    }
  }

  #die(error: unknown, what: string, exitCode: number): void {
    if (this.#dying) return;
    this.#dying = true;
    this.#logError(what, error);
    const { requestId } = this.#console;
    const document = errorDocument(error);
    const told =
      requestId === undefined ? this.#connection.failInit(document) : this.#connection.fail(requestId, document);
    const exit = (): void => this.#options.exit(exitCode);
    told.then(exit, exit);
  }

  #toJson(result: unknown): string {
    try {
      // Alone, undefined, a function or a symbol has no JSON at all; in an array it is null.
      return JSON.stringify([result]).slice(1, -1);
    } catch (cause) {
      const message = "Unable to stringify response body";
      throw this.#withoutCallbacks ? new RuntimeFault("JSONStringifyError", message) : new Error(message, { cause });
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
