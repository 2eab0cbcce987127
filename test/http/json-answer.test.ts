import express from "express";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { errorAnswer, errorHandler, rawAnswer } from "../../src/http/json-answer.js";
import { memoryLogger } from "../support/memory-logger.js";

const FIX = "; to fix it: brokerctl login corp";

function answerTo(message: string, hint?: string) {
  const answer = errorAnswer(new BrokerError("LoginRequired", message, { hint }), 400);
  return { ...answer, told: (JSON.parse(answer.body) as { message: string }).message };
}

describe("the answer to an error", () => {
  it("tells message and fix in both spellings and the reason phrase", () => {
    const { body, reason } = answerTo("no session", "brokerctl login corp");

    const message = `no session${FIX}`;
    expect(JSON.parse(body)).toEqual({ code: "LoginRequired", message, Code: "LoginRequired", Message: message });
    expect(reason).toBe(message);
  });

  it("does without a fix", () => expect(answerTo("no session").told).toBe("no session"));

  it("has a reason phrase of one line of printable ASCII, the body keeps the text that can be seen", () => {
    const { reason, told } = answerTo("a\r\nSet-Cookie: x\tü\u0000\u007f→");

    expect(reason).toBe("a Set-Cookie: x ????");
    expect(told).toBe("a?\nSet-Cookie: x\tü??→");
  });

  it("is cut where it would be too long, the fix last", () => {
    const { reason, told } = answerTo("x".repeat(5000), "brokerctl login corp");

    expect(reason).toHaveLength(200);
    expect(reason?.endsWith(`...${FIX}`)).toBe(true);
    expect(told).toHaveLength(2000);
    expect(told.endsWith(`...${FIX}`)).toBe(true);
  });

  it("is whole up to the last character that fits, and is cut where there is one more", () => {
    const fits = "x".repeat(200 - FIX.length);
    expect(answerTo(fits, "brokerctl login corp").reason).toBe(fits + FIX);
    expect(answerTo(`${fits}x`, "brokerctl login corp").reason).toBe(`${fits.slice(0, -3)}...${FIX}`);
  });

  it("has twenty characters of its message at least beside a long fix; where they are not left, the end of the fix goes", () => {
    const long = "m".repeat(50);
    const fix = "y".repeat(180 - "; to fix it: ".length);
    expect(answerTo(long, fix).reason).toBe(`${"m".repeat(17)}...; to fix it: ${fix}`);
    expect(answerTo(long, `${fix}y`).reason).toBe(`${long}; to fix it: ${fix}`.slice(0, 200));
  });

  it("cuts a fix that is too long by itself", () => {
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

function appThat(handler: express.RequestHandler) {
  const logger = memoryLogger();
  const app = express();
  app.use(handler);
  app.use(errorHandler({ logger, answerOf: (error) => errorAnswer(error, error.code === "Conflict" ? 409 : 500) }));
  return { app, logger };
}

describe("the error handler", () => {
  it("answers with the status it was given for the code", async () => {
    const { app, logger } = appThat(() => {
      throw new BrokerError("Conflict", "it exists");
    });

    const answer = await request(app).get("/");

    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: "Conflict", message: "it exists" });
    expect((answer as unknown as { res: { statusMessage: string } }).res.statusMessage).toBe("it exists");
    expect(logger.lines).toEqual([]);
  });

  it.each<unknown>([new TypeError("detail"), "a text", undefined, { status: 404, message: "detail" }])(
    "answers InternalError without detail when %s is thrown or rejected",
    async (thrown) => {
      const { app, logger } = appThat(async () => {
        const error = thrown as Error; // whatever it is: that is the point
        throw error;
      });

      const answer = await request(app).get("/");

      // Express takes a rejection with undefined for an error of its own.
      expect(answer.status).toBe(500);
      expect(answer.body).toMatchObject({ code: "InternalError" });
      expect(answer.text).not.toContain("detail");
      expect(logger.lines.map(({ level }) => level)).toEqual(["error"]);
      expect(logger.lines[0]?.fields["err"]).toSatisfy((err) => err === thrown || thrown === undefined);
    },
  );

  it("cuts an answer that had begun", async () => {
    const { app } = appThat((_request, response) => {
      response.writeHead(200, { "Content-Length": "10" });
      response.write("half");
      throw new Error("too late");
    });

    await expect(request(app).get("/")).rejects.toThrow();
  });
});
