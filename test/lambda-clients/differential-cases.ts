/** What a caller and a reader of the log can tell. */
export interface Seen {
  readonly status: string;
  readonly payload: string;
  readonly contentType: string | undefined;
  readonly exit: unknown;
  readonly streamed: string;
  readonly logs: readonly string[];
}

export interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly handler?: string;
  readonly event?: unknown;
  /** In place of `event`: a runtime that is kept gets one after the other. */
  readonly events?: readonly unknown[];
  readonly env?: Readonly<Record<string, string>>;
  readonly clientContext?: string;
  readonly cognitoIdentity?: string;
  /** What is not the same, and why: docs/lambda.md has it in its table. */
  readonly differs?: readonly (keyof Seen)[];
  readonly because?: string;
}

const js = (name: string, text: string, more: Partial<Case> = {}): Case => ({
  name,
  files: { "app.js": text },
  ...more,
});
const node = (name: string, body: string, more: Partial<Case> = {}): Case =>
  js(name, `exports.handler = ${body};`, more);
const stream = (name: string, body: string, more: Partial<Case> = {}): Case =>
  node(name, `awslambda.streamifyResponse(async (event, stream, context) => { ${body} })`, more);
export const JSON_LOGS = { AWS_LAMBDA_LOG_FORMAT: "JSON" };
const PLACE = "the trace names the place in the code";
const FRAMES = "a formatted error, or what is no error, has frames of the client";
const RECEIVER = "the trace names the object that the client calls the handler on";

/** What every client of Node must do. */
const NODE_COMMON: readonly Case[] = [
  node("answers the event", "async (event) => event"),
  node("answers undefined", "async () => undefined"),
  node("answers text of many kinds", "async () => 'é😀\\u2028\\u0000'"),
  node("throws", "async () => { throw new TypeError('boo'); }"),
  node("throws synchronously", "() => { throw new TypeError('boo'); }"),
  node("throws with fields", "async () => { throw Object.assign(new Error('boo'), { code: 'E1', extra: { a: 1 } }); }"),
  node("throws with a cause", "async () => { throw new Error('boo', { cause: new RangeError('why') }); }"),
  node(
    "throws an error of its own class",
    "async () => { class Mine extends Error { name = 'Mine'; } throw new Mine('boo'); }",
  ),
  node("throws text", "async () => { throw 'text'; }"),
  node("throws an object", "async () => { throw { a: 1 }; }"),
  node("throws a number", "async () => { throw 5; }"),
  node("throws an error that refers to itself", "async () => { const e = new Error('boo'); e.self = e; throw e; }"),
  node(
    "prints",
    "async () => { console.log('a %s', 'b', { c: 1 }); console.error('e'); console.warn('w'); console.debug('d'); console.trace('t'); }",
  ),
  node("prints nothing", "async () => { console.log(); console.log(undefined); console.log(''); }"),
  node("prints several lines", "async () => { console.log('one\\ntwo'); }"),
  node("prints an error's message", "async () => { console.log(new Error('boo').message, null, [1]); }"),
  node(
    "prints JSON",
    "async () => { console.log({ a: 1 }); console.log('a', 1); console.error('b %d', 5); console.log(); }",
    { env: JSON_LOGS },
  ),
  node(
    "prints an error as JSON",
    "async () => { console.error(new RangeError('boo')); console.warn('x', new RangeError('y')); }",
    {
      env: JSON_LOGS,
      differs: ["logs"],
      because: FRAMES,
    },
  ),
  node("prints a ring as JSON", "async () => { const r = {}; r.r = r; console.log(r); }", { env: JSON_LOGS }),
  node("throws, with JSON logs", "async () => { throw Object.assign(new TypeError('boo'), { code: 1 }); }", {
    env: JSON_LOGS,
  }),
  node("throws text, with JSON logs", "async () => { throw 'text'; }", { env: JSON_LOGS }),
  ...["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "nonsense"].map((level) =>
    node(
      `prints from ${level} on`,
      "async () => { for (const l of ['trace','debug','log','info','warn','error','fatal']) console[l](l); }",
      {
        env: { ...JSON_LOGS, AWS_LAMBDA_LOG_LEVEL: level },
      },
    ),
  ),
  node("exits", "async () => process.exit(7)"),
  node(
    "ends by a signal",
    "async () => { process.kill(process.pid, 'SIGKILL'); await new Promise((r) => setTimeout(r, 5000)); }",
  ),
  node("has client context and identity", "async (_, c) => [c.clientContext, c.identity]", {
    clientContext: '{"custom":{"a":"b"}}',
    cognitoIdentity: '{"cognitoIdentityId":"x","cognitoIdentityPoolId":"y"}',
  }),
  node("has a trace id", "async () => /^Root=1-.*;Sampled=0$/.test(process.env._X_AMZN_TRACE_ID)"),
  js("has a nested handler", "exports.api = { v1: { get: async () => 'nested' } };", { handler: "app.api.v1.get" }),
  { name: "is an ES module by name", files: { "app.mjs": "export const handler = async () => 1;" } },
  { name: "is CommonJS by name", files: { "app.cjs": "exports.handler = async () => 1;" } },
  {
    name: "is an ES module by its package",
    files: { "app.js": "export const handler = async () => 1;", "package.json": '{"type":"module"}' },
  },
  stream("streams", "stream.setContentType('text/plain'); stream.write('one '); stream.end('two');"),
  stream("streams objects", "stream.write({ a: 1 }); stream.end();"),
  stream(
    "streams an HTTP response",
    "const s = awslambda.HttpResponseStream.from(stream, { statusCode: 201 }); s.write('x'); s.end();",
  ),
  stream("streams and answers", "stream.end('x'); return 5;"),
];

/** What prints at init, or fails, which the two clients of AWS do each in its own way. */
const AT_INIT: readonly Case[] = [
  node("prints at init", "(console.log('init'), async () => 1)"),
  js("has no such export", "exports.other = 1;"),
  js("exports no function", "exports.handler = 5;"),
  { name: "imports what is not there", files: { "app.mjs": "import 'nope'; export const handler = async () => 1;" } },
  js("throws at init", "throw new RangeError('init');"),
];

export const NODE_CASES: readonly Case[] = [
  ...NODE_COMMON,
  ...AT_INIT,
  stream("fails in the middle of its stream", "stream.write('half'); throw new Error('boo');", {
    differs: ["payload", "logs"],
    because: RECEIVER,
  }),
  stream(
    "fails after the end of its stream",
    "stream.write('x'.repeat(1e6)); stream.end('last'); throw new Error('late');",
    {
      differs: ["logs"],
      because: RECEIVER,
    },
  ),
  node("has its context", "async (_, c) => JSON.parse(JSON.stringify(c))"),
  node("answers synchronously nothing", "() => 5"),
  node("answers nothing ever", "() => new Promise(() => {})"),
  node("throws null synchronously", "() => { throw null; }"),
  node("rejects nothing", "() => Promise.reject()"),
  node("answers a BigInt", "async () => 5n"),
  node("answers a ring", "async () => { const r = {}; r.r = r; return r; }"),
  node("calls back", "(e, c, callback) => callback(null, 'done')"),
  node("calls back later", "(e, c, callback) => { setTimeout(() => callback(null, 'done'), 20); }"),
  node("calls back an error", "(e, c, callback) => callback(new Error('boo'))"),
  node("calls back a text", "(e, c, callback) => callback('boo')", { differs: ["logs"], because: FRAMES }),
  node(
    "calls back at once",
    "(e, c, callback) => { c.callbackWaitsForEmptyEventLoop = false; callback(null, 1); setTimeout(() => {}, 9e4); }",
  ),
  node("succeeds", "(e, c) => c.succeed('done')"),
  node("fails", "(e, c) => c.fail('boo')", { differs: ["logs"], because: FRAMES }),
  node("is done", "(e, c) => c.done(null, 'done')"),
  node(
    "throws in the background",
    "() => { setTimeout(() => { throw new RangeError('boo'); }); return new Promise(() => {}); }",
  ),
  node(
    "rejects in the background",
    "() => { Promise.reject(new Error('boo')); return new Promise((r) => setTimeout(r, 5000)); }",
  ),
  node(
    "rejects in the background, with JSON logs",
    "() => { Promise.reject(new Error('boo')); return new Promise((r) => setTimeout(r, 5000)); }",
    { env: JSON_LOGS },
  ),
  node(
    "rejects a text in the background",
    "() => { Promise.reject('boo'); return new Promise((r) => setTimeout(r, 5000)); }",
  ),
  js("rejects at init, beside a good handler", "Promise.reject(new Error('x')); exports.handler = async () => 1;"),
  {
    name: "rejects at init, in an ES module",
    files: { "app.mjs": "Promise.reject(new Error('x')); export const handler = async () => 1;" },
  },
  js(
    "throws in the background at init",
    "setTimeout(() => { throw new Error('x'); }); exports.handler = async () => new Promise((r) => setTimeout(r, 3000));",
  ),
  {
    name: "never ends its init",
    files: { "app.mjs": "await new Promise(() => {}); export const handler = 1;" },
    differs: ["logs"],
    because: "ours names the handler",
  },
  js("has ESM syntax and no type", "export const handler = async () => 1;", {
    differs: ["logs", "payload"],
    because: PLACE,
  }),
  {
    name: "requires an ES module",
    files: {
      "app.js": "require('pkg'); exports.handler = async () => 1;",
      "node_modules/pkg/package.json": '{"type":"module","exports":"./index.js"}',
      "node_modules/pkg/index.js": "export default 1;",
    },
  },
  js("is no JavaScript", "this is not", { differs: ["logs", "payload"], because: PLACE }),
  js("requires what is not there", "require('nope');", { differs: ["logs", "payload"], because: PLACE }),
  { name: "is not there", files: {}, differs: ["logs", "payload"], because: PLACE },
];

export const NODE_24_CASES: readonly Case[] = [
  ...NODE_COMMON,
  ...AT_INIT.map((one) => ({
    ...one,
    differs: ["logs"] as const,
    because: "Node prints its own end, and there is `-` for the request",
  })),
  node("has its context", "async (_, c) => Object.keys(JSON.parse(JSON.stringify(c))).sort()"),
  node("answers synchronously", "() => 5"),
  node("answers nothing ever", "() => new Promise(() => {})"),
  node("answers a BigInt", "async () => 5n", { differs: ["logs"], because: "there the name is a field, too" }),
  node("calls back", "(e, c, callback) => callback(null, 'done')", {
    differs: ["logs"],
    because: "Node prints its own end",
  }),
  node("succeeds", "async (e, c) => c.succeed('done')"),
  node("fails", "async (e, c) => c.fail('boo')"),
];
