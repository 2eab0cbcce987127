import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { errorDetails, errorDocument } from "../../../src/runtime-api/node-client/error-document.js";

const unreadable = {
  get name(): string {
    throw new Error("no name");
  },
};

describe("an error document", () => {
  it("has the name, the message and the lines of the stack of an error", () => {
    const error = new TypeError("boo");

    expect(errorDocument(error)).toEqual({
      errorType: "TypeError",
      errorMessage: "boo",
      trace: error.stack?.split("\n"),
    });
  });

  it("leaves out this client's own lines, and what Node ran between them", () => {
    const ours = fileURLToPath(new URL("../../../src/runtime-api/node-client/call-handler.js", import.meta.url));
    const user = "    at handler (/code/app.js:1:1)";
    const node = "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)";
    const between = `    at a (${ours}:1:1)\n    at new Promise (<anonymous>)\n    at b (${ours}:2:1)`;
    const stack = ["Error: boo", user, between, node].join("\n");

    expect(errorDocument(Object.assign(new Error("boo"), { stack })).trace).toEqual(["Error: boo", user, node]);
  });

  it("takes what looks like an error for one, as from another realm", () => {
    expect(errorDocument({ name: "Foreign", message: "boo", stack: "a\nb" })).toEqual({
      errorType: "Foreign",
      errorMessage: "boo",
      trace: ["a", "b"],
    });
  });

  it.each([
    ["text", "string", "text"],
    [5, "number", "5"],
    [undefined, "undefined", "undefined"],
    [null, "object", "null"],
    [{ a: 1 }, "object", "[object Object]"],
  ])("has the type and the text of anything else: %j", (thrown, errorType, errorMessage) => {
    expect(errorDocument(thrown)).toEqual({ errorType, errorMessage, trace: [] });
  });

  it("is made of what cannot be read, too", () => {
    expect(errorDocument(unreadable)).toMatchObject({ errorType: "handled" });
  });
});

describe("the log line of an error", () => {
  it("has the error's own fields", () => {
    const line: unknown = JSON.parse(errorDetails(Object.assign(new Error("boo"), { code: "ENOENT" })));

    expect(line).toMatchObject({ errorType: "Error", errorMessage: "boo", code: "ENOENT" });
  });

  it("goes without those that have no JSON, and without those of a text", () => {
    const ring: { self?: unknown } = {};
    ring.self = ring;

    expect(JSON.parse(errorDetails(Object.assign(new Error("boo"), { ring })))).not.toHaveProperty("ring");
    expect(JSON.parse(errorDetails("text"))).toEqual({
      errorType: "Error",
      errorMessage: "text",
      stack: ["Error: text"],
    });
  });
});
