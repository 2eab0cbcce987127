import { resolve } from "node:path";
import { FUNCTIONS } from "../lambda-clients/deployment.js";

/** As scripts/test-functions.ts and scripts/lambda-clients.ts leave them. */
const HOME = resolve(".public-functions");
const CLIENTS = resolve(".lambda-clients");
const SOURCES = resolve("test/functions");
export const PYTHON_PROGRAMS = `${HOME}/python/bin`;

/** A kind of function, and what it answers; AWS's word for the caller stands in its answer as `arn`. */
export interface Kind {
  readonly name: string;
  /** The deployed function that it is here. */
  readonly deployed: keyof typeof FUNCTIONS;
  readonly taskRoot: string;
  readonly event: unknown;
  /** Of `lambda invoke`. */
  readonly flags?: readonly string[];
  /** After `--`. */
  readonly command?: readonly string[];
  /** Beside `arn`; of an answer to HTTP what its body is. */
  readonly answers: Readonly<Record<string, unknown>>;
  /** The status of an answer to HTTP. */
  readonly status?: number;
  /** A part of its log. */
  readonly logs?: string;
}

const ORDER = { order: 7 };
/** A POST of ORDER to /orders/x, as an HTTP API sends it. */
const POST = {
  version: "2.0",
  routeKey: "$default",
  rawPath: "/orders/x",
  rawQueryString: "",
  headers: { "content-type": "application/json", host: "orders.example", "content-length": "11" },
  requestContext: {
    ...{ accountId: "123456789012", apiId: "api", domainName: "orders.example", domainPrefix: "orders" },
    ...{ requestId: "id", routeKey: "$default", stage: "$default", time: "29/Nov/2026:00:00:00 +0000" },
    timeEpoch: 1_795_910_400_000,
    http: { method: "POST", path: "/orders/x", protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
  },
  body: JSON.stringify(ORDER),
  isBase64Encoded: false,
};
const CREATED = { status: 201, event: POST, answers: { ...ORDER, id: "x" } };
const QUEUED = {
  Records: ["one", "two"].map((body, index) => ({
    ...{ messageId: String(index), receiptHandle: "handle", body, attributes: {}, messageAttributes: {} },
    ...{ md5OfBody: "0", eventSource: "aws:sqs", awsRegion: "eu-west-1" },
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:orders",
  })),
};

type More = Partial<Kind>;

const node = (name: string, handler: string, { flags = [], ...more }: More = {}): Kind => ({
  ...{ name, deployed: "node", taskRoot: `${HOME}/node`, event: ORDER, answers: ORDER, ...more },
  flags: ["--handler", handler, ...flags],
});
const python = (name: string, handler: string, { flags = [], ...more }: More = {}): Kind => ({
  ...{ name, deployed: "python", taskRoot: `${SOURCES}/python`, event: ORDER, answers: ORDER, ...more },
  flags: ["--handler", handler, ...flags],
});

const NODE: readonly Kind[] = [
  node("Node: CommonJS", "common.handler", { answers: { ...ORDER, name: FUNCTIONS.node.name } }),
  node("Node: ES module with top-level await", "module.handler"),
  node("Node: compiled TypeScript", "dist/compiled.handler"),
  node("Node: TypeScript that is not built, by tsx", "sources.handler"),
  node("Node: bundled by esbuild", "dist/bundled.handler"),
  node("Node: callback, SDK v2", "callback.handler"),
  node("Node: response streaming", "streaming.handler"),
  node("Middy", "middy.handler", { event: { ...POST, body: JSON.stringify(ORDER) }, status: 200 }),
  node("Powertools for TypeScript", "powertools.handler", {
    answers: { ...ORDER, greeting: "hello" },
    logs: '"service":"orders"',
  }),
  node("Express by serverless-http", "express-serverless-http.handler", CREATED),
  node("Koa by serverless-http", "koa-serverless-http.handler", { ...CREATED, answers: { id: "x", method: "POST" } }),
  node("Express by @vendia/serverless-express", "express-vendia.handler", CREATED),
  // One of its packages is an ES module that it requires, which Lambda's nodejs20.x takes only so.
  node("Fastify by @fastify/aws-lambda", "fastify.handler", {
    ...CREATED,
    flags: ["--set", "NODE_OPTIONS=--experimental-require-module"],
  }),
  node("lambda-api", "lambda-api.handler", CREATED),
  node("Hono", "hono.handler", CREATED),
  node("Datadog's wrapper", "node_modules/datadog-lambda-js/dist/handler.handler", {
    flags: ["--set", "DD_LAMBDA_HANDLER=common.handler", "--set", "DD_TRACE_ENABLED=false"],
    answers: { ...ORDER, name: FUNCTIONS.node.name },
  }),
  node("Sentry's wrapper", "sentry.handler", { answers: { ...ORDER, sent: ["an order came"] } }),
  node("OpenTelemetry's instrumentation", "traced.handler", {
    flags: ["--set", "NODE_OPTIONS=--require ./otel.cjs"],
    answers: { ...ORDER, span: FUNCTIONS.node.name, isRecording: true },
  }),
];

const PYTHON: readonly Kind[] = [
  python("Python: boto3", "plain.handler", { answers: { ...ORDER, name: FUNCTIONS.python.name } }),
  python("Powertools for Python", "powertools.handler", {
    ...{ event: POST, status: 200, logs: '"service":"orders"' },
    answers: { ...ORDER, id: "x", greeting: "hello" },
  }),
  python("FastAPI by Mangum", "fastapi_mangum.handler", CREATED),
  python("Starlette by Mangum", "starlette_mangum.handler", CREATED),
  python("Flask by apig-wsgi", "flask_wsgi.by_apig_wsgi", CREATED),
  python("Flask by serverless-wsgi", "flask_wsgi.by_serverless_wsgi", CREATED),
  python("Chalice", "chalice_app.create", { answers: { ...ORDER, name: FUNCTIONS.python.name } }),
  python("Chalice, a queue's messages", "chalice_app.consume", { event: QUEUED, answers: { bodies: ["one", "two"] } }),
  python("Sentry for Python", "sentry.handler", { answers: { ...ORDER, sent: ["an order came"] } }),
  python("X-Ray for Python", "xray.handler", {
    flags: ["--set", "AWS_XRAY_SDK_ENABLED=true"],
    answers: { ...ORDER, segment: "create" },
  }),
];

const JAVA_OPTIONS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"];
const JAVA_CLIENT = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda";

const COMPILED: readonly Kind[] = [
  {
    ...{ name: "Go: aws-lambda-go", deployed: "go", taskRoot: `${CLIENTS}/go-with-aws` },
    ...{ event: { do: "identity" }, answers: {} },
  },
  {
    ...{ name: "Rust: lambda_runtime", deployed: "rust", taskRoot: `${CLIENTS}/rust/debug` },
    ...{ event: { do: "identity" }, answers: {} },
  },
  {
    ...{ name: "Java: AWS's runtime interface client", deployed: "go", taskRoot: `${HOME}/java` },
    ...{ event: ORDER, answers: { ...ORDER, name: FUNCTIONS.go.name }, logs: "an order came" },
    command: ["java", ...JAVA_OPTIONS, "-cp", "target/classes:lib/*", JAVA_CLIENT, "Orders::handleRequest"],
  },
  {
    ...{ name: "bash: a bootstrap with curl", deployed: "go", taskRoot: `${SOURCES}/shell` },
    ...{ event: ORDER, answers: ORDER },
  },
];

export const KINDS: readonly Kind[] = [...NODE, ...PYTHON, ...COMPILED];
/** Where lambda-local finds its function. */
export const NODE_FUNCTIONS = `${HOME}/node`;
