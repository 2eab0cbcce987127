import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { errorAnswer, rawAnswer } from "../../src/http/json-answer.js";

const MEND = "; to fix it: brokerctl login corp";

function answerTo(message: string, hint?: string) {
  const answer = errorAnswer(new BrokerError("LoginRequired", message, { hint }), 400);
  return { ...answer, told: (JSON.parse(answer.body) as { message: string }).message };
}

describe("the answer to an error", () => {
  it("tells message and mend in both spellings and the reason phrase", () => {
    const { body, reason } = answerTo("no session", "brokerctl login corp");

    const message = `no session${MEND}`;
    expect(JSON.parse(body)).toEqual({ code: "LoginRequired", message, Code: "LoginRequired", Message: message });
    expect(reason).toBe(message);
  });

  it("does without a mend", () => expect(answerTo("no session").told).toBe("no session"));

  it("has a reason phrase of one line of printable ASCII, the body keeps the text that can be seen", () => {
    const { reason, told } = answerTo("a\r\nSet-Cookie: x\tü\u0000\u007f→");

    expect(reason).toBe("a Set-Cookie: x ????");
    expect(told).toBe("a?\nSet-Cookie: x\tü??→");
  });

  it("is cut where it would be too long, the mend last", () => {
    const { reason, told } = answerTo("x".repeat(5000), "brokerctl login corp");

    expect(reason).toHaveLength(200);
    expect(reason?.endsWith(`...${MEND}`)).toBe(true);
    expect(told).toHaveLength(2000);
    expect(told.endsWith(`...${MEND}`)).toBe(true);
  });

  it("cuts a mend that is too long by itself", () => {
    expect(answerTo("message", "y".repeat(300)).reason).toHaveLength(200);
  });

  it("is whole HTTP when it must be written as bytes", () => {
    const text = rawAnswer(errorAnswer(new BrokerError("RequestRefused", "no ü"), 403));
    const [head = "", body = ""] = text.split("\r\n\r\n");

    expect(head.split("\r\n")[0]).toBe("HTTP/1.1 403 no ?");
    expect(head).toContain("Connection: close");
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    expect(head).toMatch(/^Content-Type: application\/json$/m);
    expect(JSON.parse(body)).toMatchObject({ code: "RequestRefused" });
  });
});
