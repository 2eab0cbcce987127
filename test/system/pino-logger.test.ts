import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import type { Logger } from "../../src/system/logger.js";
import { createLogger, type LogLevel } from "../../src/system/pino-logger.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";

function logger(level: LogLevel = "debug"): { readonly log: Logger; readonly lines: () => Record<string, unknown>[] } {
  const written: string[] = [];
  return {
    log: createLogger({ level, destination: { write: (line) => written.push(line) } }),
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe("the log", () => {
  it("is JSON lines with time, level by name, fields and message", () => {
    const { log, lines } = logger();

    log.info({ role: "dev", attempt: 2 }, "credentials refreshed");

    expect(lines()).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        pid: process.pid,
        role: "dev",
        attempt: 2,
        msg: "credentials refreshed",
      },
    ]);
  });

  it("leaves out what is below its level", () => {
    const { log, lines } = logger("warn");
    log.debug({}, "a");
    log.info({}, "b");
    log.warn({}, "c");
    log.error({}, "d");
    expect(lines().map((line) => line["msg"])).toEqual(["c", "d"]);
  });

  it("carries the fields of a child on each of its lines", () => {
    const { log, lines } = logger();
    const child = log.child({ lease: "l1" }).child({ role: "dev" });
    child.debug({ code: "NoRole" }, "refused");
    expect(lines()[0]).toMatchObject({ lease: "l1", role: "dev", code: "NoRole" });
  });

  it("holds no secret, wherever one was put", () => {
    const { log, lines } = logger();
    const cause = new Error(`upstream said <SecretAccessKey>${canarySecretKey()}</SecretAccessKey>`);
    const error = new Error(`no lease brk_${CANARY}${CANARY}`, { cause });

    log.child({ authorization: CANARY }).error({ error, err: error, url: `/lease/brk_${CANARY}` }, `brk_${CANARY}`);

    const text = JSON.stringify(lines());
    expect(text).not.toContain(CANARY);
    expect(lines()[0]).toMatchObject({ error: { message: "no lease brk_[secret]" } });
  });

  it("holds an error the same way under any name", () => {
    const { log, lines } = logger();
    const error = new BrokerError("AwsUnreachable", "no answer", { cause: new Error("ECONNREFUSED") });

    log.error({ error, err: error }, "failed");

    expect(lines()[0]!["err"]).toEqual(lines()[0]!["error"]);
    expect(lines()[0]!["err"]).toMatchObject({
      code: "AwsUnreachable",
      message: "no answer",
      cause: { message: "ECONNREFUSED" },
    });
  });

  it("takes a message with percent signs as it is", () => {
    const { log, lines } = logger();
    log.info({}, "100%s done %o");
    expect(lines()[0]!["msg"]).toBe("100%s done %o");
  });
});
