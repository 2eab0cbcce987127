import express from "express";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { errorHandler } from "../../src/http/error-handler.js";
import { errorAnswer } from "../../src/http/json-answer.js";
import { memoryLogger } from "../support/memory-logger.js";

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
