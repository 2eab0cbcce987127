import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ConsoleState, type LogError, patchConsole } from "../../../src/runtime-api/node-client/lambda-console.js";
import { FakeClock } from "../../support/fake-clock.js";

/** As it is with these variables. */
function patched(env: NodeJS.ProcessEnv): LogError {
  return patchConsole({ state, clock: new FakeClock("2026-03-04T05:06:07Z"), env });
}

const before = { ...globalThis.console };
const state: ConsoleState = { requestId: undefined, tenantId: undefined };
let printed: string;

beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  patched({});
});

afterEach(() => {
  Object.assign(globalThis.console, before);
  vi.restoreAllMocks();
});

describe("the console of a Node function", () => {
  it("says when, for which request and how loud", () => {
    globalThis.console.log("before any event");
    state.requestId = "ID";
    globalThis.console.log("a %s", "b", { c: 1 });
    globalThis.console.warn("careful");
    globalThis.console.error(new RangeError("boo").message);

    expect(printed.split("\n")).toEqual([
      "2026-03-04T05:06:07.000Z\tundefined\tINFO\tbefore any event",
      "2026-03-04T05:06:07.000Z\tID\tINFO\ta b { c: 1 }",
      "2026-03-04T05:06:07.000Z\tID\tWARN\tcareful",
      "2026-03-04T05:06:07.000Z\tID\tERROR\tboo",
      "",
    ]);
  });

  it("writes an object in each line where the function logs JSON, and nothing below its level", () => {
    patched({ AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: "INFO" });
    state.requestId = "ID";
    globalThis.console.debug("quiet");
    globalThis.console.log({ order: 1 });
    globalThis.console.warn("a %s", "b", new RangeError("boo"));

    const head = { timestamp: "2026-03-04T05:06:07.000Z", requestId: "ID" };
    const lines = printed.trim().split("\n");
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? "")).toEqual({ ...head, level: "INFO", message: { order: 1 } });
    expect(JSON.parse(lines[1] ?? "")).toMatchObject({
      ...head,
      level: "WARN",
      errorType: "RangeError",
      errorMessage: "boo",
    });
  });

  it("keeps a record of several lines one line", () => {
    globalThis.console.log("one\ntwo");

    expect(printed).toMatch(/\tone\rtwo\n$/);
  });

  it("names an error of the client's own as Lambda's does", () => {
    patched({})("Invoke Error", "text");

    expect(printed).toContain(
      '\tERROR\tInvoke Error \t{"errorType":"Error","errorMessage":"text","stack":["Error: text"]}',
    );
  });
});
