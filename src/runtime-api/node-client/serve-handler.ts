import type { Clock } from "../../system/clock.js";
import { callHandler, type Handler } from "./call-handler.js";
import { errorDetails, errorDocument } from "./error-document.js";
import { EventLoopEnd } from "./event-loop-end.js";
import { handlerContext } from "./handler-context.js";
import { type ConsoleState, patchConsole } from "./lambda-console.js";
import { loadHandler } from "./load-handler.js";
import { StreamedResponse } from "./response-stream.js";
import { RuntimeConnection, type RuntimeEvent } from "./runtime-connection.js";
import { RuntimeFault } from "./runtime-fault.js";
import { awslambda, callStreamingHandler, isStreaming } from "./streaming-handler.js";

/** The process that the handler runs in. */
export interface NodeClientOptions {
  readonly handler: string;
  readonly taskRoot: string;
  /** HOST:PORT */
  readonly runtimeApi: string;
  /** Its `_X_AMZN_TRACE_ID` is set for each event. */
  readonly env: NodeJS.ProcessEnv;
  readonly exit: (code: number) => void;
  readonly clock: Clock;
}

/** The exit codes of Lambda's own client. */
const EXIT = { init: 1, rejection: 128, exception: 129 } as const;

/** Loads the handler and answers events with it until the Runtime API is gone. */
export async function serveHandler(options: NodeClientOptions): Promise<void> {
  const client = new NodeClient(options);
  const handler = await client.load();
  for (;;) await client.serveNext(handler);
}

class NodeClient {
  readonly #options: NodeClientOptions;
  readonly #connection: RuntimeConnection;
  readonly #console: ConsoleState = { requestId: undefined };
  readonly #loopEnd = new EventLoopEnd();
  #dying = false;

  constructor(options: NodeClientOptions) {
    this.#options = options;
    this.#connection = new RuntimeConnection(options.runtimeApi);
    patchConsole(this.#console, options.clock);
    process.on("uncaughtException", (error) => this.#die(error, "Uncaught Exception", EXIT.exception));
    process.on("unhandledRejection", (reason) => {
      const fault = new RuntimeFault("UnhandledPromiseRejection", textOf(reason), reason);
      this.#die(fault, "Unhandled Promise Rejection", EXIT.rejection);
    });
  }

  /** Does not return where the handler cannot be loaded. */
  async load(): Promise<object> {
    const { taskRoot, handler } = this.#options;
    Object.assign(globalThis, { awslambda });
    const stalled = new RuntimeFault("ImportModuleError", `${handler}: a top-level await never ended`);
    this.#loopEnd.once(() => this.#die(stalled, "Init Error", EXIT.init));
    try {
      return await loadHandler(taskRoot, handler);
    } catch (error) {
      this.#die(error, "Init Error", EXIT.init);
      return await new Promise<never>(() => undefined);
    } finally {
      this.#loopEnd.forget();
    }
  }

  async serveNext(handler: object): Promise<void> {
    const event = await this.#next();
    this.#console.requestId = event.requestId;
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
      return await new Promise<never>(() => undefined);
    }
  }

  async #answer(handler: Handler, event: RuntimeEvent): Promise<void> {
    const outcome = await this.#outcomeOf(handler, event);
    if ("json" in outcome) return this.#connection.respond(event.requestId, outcome.json);
    this.#report("Invoke Error", outcome.error);
    await this.#connection.fail(event.requestId, errorDocument(outcome.error));
  }

  async #outcomeOf(handler: Handler, event: RuntimeEvent): Promise<{ json: string } | { error: unknown }> {
    const { env, clock } = this.#options;
    try {
      const context = handlerContext(event, env, clock);
      const outcome = await callHandler(handler, JSON.parse(event.json), { context, loopEnd: this.#loopEnd });
      return "error" in outcome ? outcome : { json: toJson(outcome.result) };
    } catch (error) {
      return { error };
    }
  }

  async #stream(handler: Parameters<typeof callStreamingHandler>[0], event: RuntimeEvent): Promise<void> {
    const { env, clock } = this.#options;
    const response = new StreamedResponse(this.#connection, event.requestId);
    try {
      const context = handlerContext(event, env, clock);
      await callStreamingHandler(handler, JSON.parse(event.json), { context, loopEnd: this.#loopEnd, response });
    } catch (error) {
      this.#report("Invoke Error", error);
      await response.fail(error);
    }
  }

  #die(error: unknown, what: string, exitCode: number): void {
    if (this.#dying) return;
    this.#dying = true;
    this.#report(what, error);
    const { requestId } = this.#console;
    const document = errorDocument(error);
    const told =
      requestId === undefined ? this.#connection.failInit(document) : this.#connection.fail(requestId, document);
    const exit = (): void => this.#options.exit(exitCode);
    told.then(exit, exit);
  }

  #report(what: string, error: unknown): void {
    globalThis.console.error(what, errorDetails(error));
  }
}

function toJson(result: unknown): string {
  try {
    // Alone, undefined, a function or a symbol has no JSON at all; in an array it is null.
    return JSON.stringify([result]).slice(1, -1);
  } catch (cause) {
    throw new Error("Unable to stringify response body", { cause });
  }
}

function textOf(reason: unknown): string {
  try {
    return String(reason);
  } catch {
    return "the reason cannot be read";
  }
}
