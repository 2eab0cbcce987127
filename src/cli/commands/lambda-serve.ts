import { BrokerError } from "../../core/errors.js";
import type { HttpEventForm } from "../../runtime-api/http-events.js";
import { SCOPE_OPTIONS } from "../access/scope-options.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import { CODE_OPTIONS, DEBUG_OPTIONS, debuggingOf, LAYERS_OPTION } from "../lambda/code-options.js";
import { AS_OPTION, FUNCTION_POSITIONAL, MODE_DETAILS, ROLE_OPTIONS, timeoutMsOf } from "../lambda/lambda-options.js";
import { type HttpWanted, serveFunctions } from "../lambda/serve.js";

const FORMS: readonly HttpEventForm[] = ["url", "v1", "v2"];

const OPTIONS = {
  port: { type: "string", value: "PORT", help: "of 127.0.0.1, for Lambda's Invoke; default 9000" },
  http: {
    type: "string",
    repeat: true,
    value: "FUNCTION[=PORT]",
    help: "this function behind HTTP too, on a port of its own (again for more)",
  },
  payload: {
    type: "string",
    choices: FORMS,
    help: "the events of --http: url (default), as a function URL makes them; v2: an HTTP API; v1: a REST API",
  },
  watch: { type: "boolean", help: "a new runtime after a change of the code" },
  concurrency: { type: "string", value: "N", help: "events of one function at once, default 10; more are throttled" },
  timeout: { type: "string", value: "SECONDS", help: "default each function's own" },
  ...ROLE_OPTIONS,
  ...SCOPE_OPTIONS,
  as: AS_OPTION,
  ...CODE_OPTIONS,
  ...LAYERS_OPTION,
  ...DEBUG_OPTIONS,
  set: { ...CODE_OPTIONS.set, help: "a variable of all functions, over the deployed one" },
} as const satisfies OptionSpecs;

const DEFAULT_PORT = "9000";
const DEFAULT_CONCURRENCY = "10";
const MAX_PORT = 65_535;
const MAX_CONCURRENCY = 100;

export const lambdaServeCommand = defineCommand({
  name: "lambda serve",
  summary: "Serve deployed functions from local code, warm, until Ctrl-C",
  details: `Lambda's own Invoke on 127.0.0.1: each function with its role, a lease and variables of its own, started by its first event and
kept for the next. FUNCTION=DIR says where its code is. Functions that are served find each other (AWS_ENDPOINT_URL_LAMBDA);
what else they call is AWS, other functions too. --invocation-type Event is tried again after 1 and 2 seconds. Logs are on stderr.${MODE_DETAILS}`,
  positionals: [{ ...FUNCTION_POSITIONAL, repeat: true, name: "FUNCTION[=DIR]" }],
  options: OPTIONS,
  examples: [
    "brokerctl lambda serve orders-api --via dev",
    "brokerctl lambda serve orders-api=./orders billing=./billing --watch",
    "brokerctl lambda serve orders-api --http orders-api=3000",
  ],
  exitCodes: ["130 ended by Ctrl-C"],
  async run({ options, positionals }, context) {
    const { timeout, http, port, concurrency, payload, watch, inspect, "inspect-brk": inspectBrk, ...rest } = options;
    const functions = positionals.map((text) => {
      const { name, directory } = functionAndDirectory(text);
      const run = { ...rest, name, command: "brokerctl lambda serve", for: undefined };
      return {
        run: directory === undefined ? run : { ...run, "task-root": directory },
        timeoutMs: timeoutMsOf(timeout),
      };
    });
    const wanted = {
      functions,
      port: wholeNumber("--port", port ?? DEFAULT_PORT, MAX_PORT),
      concurrency: Math.max(1, wholeNumber("--concurrency", concurrency ?? DEFAULT_CONCURRENCY, MAX_CONCURRENCY)),
      http: http.map((text) => httpWanted(text, payload ?? "url")),
      isWatched: watch,
      debugging: debuggingOf({ inspect, "inspect-brk": inspectBrk }),
    };
    return serveFunctions(wanted, context);
  },
});

function functionAndDirectory(text: string): { readonly name: string; readonly directory: string | undefined } {
  const at = text.indexOf("=");
  return at < 0 ? { name: text, directory: undefined } : { name: text.slice(0, at), directory: text.slice(at + 1) };
}

function httpWanted(text: string, form: HttpEventForm): HttpWanted {
  const { name, directory: port } = functionAndDirectory(text);
  return { functionName: name, form, port: port === undefined ? 0 : wholeNumber("--http", port, MAX_PORT) };
}

function wholeNumber(flag: string, text: string, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  throw new BrokerError("UsageInvalid", `${flag} takes a whole number up to ${most}, not '${text}'`, {
    hint: "brokerctl lambda serve --help",
  });
}
