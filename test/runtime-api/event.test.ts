import { describe, expect, it } from "vitest";
import { parseEvent } from "../../src/runtime-api/event.js";
import { MAX_EVENT_BYTES } from "../../src/runtime-api/payload-limits.js";
import { brokerErrorOf } from "../support/broker-error-of.js";

const parse = (text: string | Buffer): string => parseEvent(Buffer.from(text), "event.json").toString();

describe("an event", () => {
  it("is passed on byte for byte: large numbers keep their digits", () => {
    expect(parse('{"id": 12345678901234567890, "b": 1.0}\n')).toBe('{"id": 12345678901234567890, "b": 1.0}');
  });

  it.each(["", " \n"])("is an empty object where there is none: %j", (text) => expect(parse(text)).toBe("{}"));

  it.each(["null", "[1]", '"text"', "5"])("may be any JSON: %s", (text) => expect(parse(text)).toBe(text));

  it("may begin with a byte order mark, which goes no further", () => {
    expect(parse(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from("{}")]))).toBe("{}");
  });

  it("says which line is no JSON, and does not quote it", async () => {
    const error = await brokerErrorOf(() => parse('{\n  "a": 1,\n  "password": hunter2\n}'));

    expect(error).toMatchObject({ code: "UsageInvalid" });
    expect(error.message).not.toContain("hunter2");
    expect(error.message).toContain("event.json is not JSON");
  });

  it("names the line of a missing comma", async () => {
    expect((await brokerErrorOf(() => parse('{\n "a": 1\n "b": 2}'))).message).toBe("event.json is not JSON: line 3");
  });

  it("is text", async () => {
    expect(await brokerErrorOf(() => parse(Buffer.from([0xff, 0xfe, 0])))).toMatchObject({ code: "UsageInvalid" });
  });

  it("has at most 6 MB", async () => {
    expect(parse(`"${"x".repeat(MAX_EVENT_BYTES - 2)}"`)).toHaveLength(MAX_EVENT_BYTES);
    const error = await brokerErrorOf(() => parse(`"${"x".repeat(MAX_EVENT_BYTES - 1)}"`));
    expect(error).toMatchObject({ code: "UsageInvalid" });
    expect(error.message).toContain(`${MAX_EVENT_BYTES + 1} bytes`);
  });
});
