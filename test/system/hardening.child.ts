import { hardenProcess } from "../../src/system/hardening.js";

hardenProcess(process);

/* eslint-disable @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-extraneous-class -- what is to fail */
/** What makes code of a text; each is to throw. */
const WAYS: Readonly<Record<string, () => unknown>> = {
  eval: () => eval("1"),
  "indirect eval": () => (0, globalThis.eval)("1"),
  Function: () => new Function("return 1"),
  "called Function": () => globalThis.Function("return 1"),
  "a function's constructor": () => construct(() => undefined),
  "an async function's constructor": () => construct(async () => Promise.resolve()),
  "a generator's constructor": () => construct(generator),
  "an async generator's constructor": () => construct(asyncGenerator),
  "a class's constructor": () => construct(class {}),
  "a built-in's constructor": () => construct(Math.max),
  "a bound function's constructor": () => construct(construct.bind(undefined)),
  "a subclass": () => new (class extends Function {})("return 1"),
  "Reflect.construct": () => Reflect.construct(Function, ["return 1"], Object),
};

function* generator(): Generator<undefined> {
  yield undefined;
}

async function* asyncGenerator(): AsyncGenerator<undefined> {
  yield Promise.resolve(undefined);
}

function construct(made: { readonly constructor: unknown }): unknown {
  return new (made.constructor as FunctionConstructor)("return 1");
}

function made(way: () => unknown): boolean {
  try {
    way();
    return true;
  } catch (error) {
    return !(error instanceof EvalError);
  }
}

process.on("message", () => {
  process.send?.({
    umask: process.umask(0o077),
    excludeEnv: (process.report as { excludeEnv?: boolean }).excludeEnv,
    codeFromText: Object.keys(WAYS).filter((name) => made(WAYS[name] ?? (() => undefined))),
    functionsAreFunctions: [() => undefined, async () => Promise.resolve(), class {}, Math.max].every(
      (one) => one instanceof Function,
    ),
  });
});
process.send?.("ready");
