import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadHandler } from "../../../src/runtime-api/node-client/load-handler.js";
import { RuntimeFault } from "../../../src/runtime-api/node-client/runtime-fault.js";
import { tempDir } from "../../support/temp-dir.js";

/** The code of a function: files by their path. Its own package.json keeps those above it out. */
function code(files: Readonly<Record<string, string>>): string {
  const root = tempDir("function");
  for (const [path, text] of Object.entries({ "package.json": "{}", ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** What the handler found returns. */
async function call(files: Readonly<Record<string, string>>, handler: string): Promise<unknown> {
  return (await loadHandler(code(files), handler))();
}

async function fault(files: Readonly<Record<string, string>>, handler: string): Promise<Error> {
  const error: unknown = await loadHandler(code(files), handler).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error("it did not fail");
}

const cjs = (value: string): string => `exports.handler = () => ${JSON.stringify(value)};`;
const esm = (value: string): string => `export const handler = () => ${JSON.stringify(value)};`;

describe("a handler", () => {
  it.each([
    ["a CommonJS module", { "app.js": cjs("cjs") }, "app.handler", "cjs"],
    [
      "an ES module by its package",
      { "app.js": esm("esm"), "package.json": '{"type":"module"}' },
      "app.handler",
      "esm",
    ],
    ["an ES module by its name", { "app.mjs": esm("mjs") }, "app.handler", "mjs"],
    [
      "a CommonJS module by its name",
      { "app.cjs": cjs("cjs"), "package.json": '{"type":"module"}' },
      "app.handler",
      "cjs",
    ],
    [
      ".js before .mjs and .cjs",
      { "app.js": cjs("js"), "app.mjs": esm("mjs"), "app.cjs": cjs("cjs") },
      "app.handler",
      "js",
    ],
    [".mjs before .cjs", { "app.mjs": esm("mjs"), "app.cjs": cjs("cjs") }, "app.handler", "mjs"],
    ["in a directory", { "src/deep/app.js": cjs("deep") }, "src/deep/app.handler", "deep"],
    [
      "below a package that is a module",
      { "src/app.js": esm("esm"), "package.json": '{"type":"module"}' },
      "src/app.handler",
      "esm",
    ],
    [
      "below a nearer package that is none",
      {
        "src/app.js": cjs("cjs"),
        "src/package.json": "{}",
        "package.json": '{"type":"module"}',
      },
      "src/app.handler",
      "cjs",
    ],
    ["a nested export", { "app.js": "exports.api = { v1: { get: () => 'nested' } };" }, "app.api.v1.get", "nested"],
    ["a directory with an index", { "app/index.js": cjs("index") }, "app.handler", "index"],
    ["a package", { "node_modules/orders/index.js": cjs("package") }, "orders.handler", "package"],
    [
      "an export of a class",
      { "app.js": "exports.Orders = class { static get() { return 'static'; } };" },
      "app.Orders.get",
      "static",
    ],
  ])("is found: %s", async (_, files, handler, value) => {
    expect(await call(files, handler)).toBe(value);
  });

  it.each([
    ["no dot", {}, "app", "MalformedHandlerName"],
    ["a way up", { "app.js": cjs("x") }, "../app.handler", "MalformedHandlerName"],
    ["no such file", {}, "app.handler", "ImportModuleError"],
    ["no such export", { "app.js": cjs("x") }, "app.other", "HandlerNotFound"],
    ["no such nested export", { "app.js": cjs("x") }, "app.api.get", "HandlerNotFound"],
    ["not a function", { "app.js": "exports.handler = 5;" }, "app.handler", "HandlerNotFound"],
    ["no JavaScript", { "app.js": "this is not" }, "app.handler", "UserCodeSyntaxError"],
    ["a missing package", { "app.js": "require('nope');" }, "app.handler", "ImportModuleError"],
  ])("is not found: %s", async (_, files, handler, name) => {
    const error = await fault(files, handler);

    expect(error).toBeInstanceOf(RuntimeFault);
    expect(error.name).toBe(`Runtime.${name}`);
  });

  it("keeps the error of what `import` does not find, as Lambda does", async () => {
    expect(await fault({ "app.mjs": "import 'nope';" }, "app.handler")).toMatchObject({
      name: "Error",
      code: "ERR_MODULE_NOT_FOUND",
    });
  });

  it("keeps the error that its module throws", async () => {
    expect(
      await fault({ "app.js": "throw Object.assign(new TypeError('boo'), { code: 5 });" }, "app.handler"),
    ).toMatchObject({
      name: "TypeError",
      message: "boo",
    });
  });

  it("tells where the module is no JavaScript", async () => {
    expect((await fault({ "app.js": "let a;\nlet a;" }, "app.handler")).stack).toMatch(/app\.js:2/);
  });

  it("names the sources that have not been built", async () => {
    const error = await fault({ "app.ts": "export const handler = () => 1;" }, "app.handler");

    expect(error.message).toMatch(/there is .*\/app\.ts: build it/);
  });
});
