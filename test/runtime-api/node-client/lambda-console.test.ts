import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ConsoleState, patchConsole } from "../../../src/runtime-api/node-client/lambda-console.js";
import { FakeClock } from "../../support/fake-clock.js";

const before = { ...globalThis.console };
const state: ConsoleState = { requestId: undefined };
let printed: string;

beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  patchConsole(state, new FakeClock("2026-03-04T05:06:07Z"));
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
});
