import { describe, expect, it } from "vitest";
import { instanceError } from "../../src/aws/local-credentials-error.js";

describe("the instance metadata service", () => {
  it.each([
    ["connect EHOSTUNREACH 169.254.169.254:80"],
    ["TimeoutError from instance metadata service"],
    ["Unable to connect to instance metadata service"],
    ["connect ECONNREFUSED 169.254.169.254:80"],
  ])("that is not answered says that this is no EC2 instance, not %s", (text) => {
    const { code, message, hint } = instanceError(new Error(text));
    expect(code).toBe("AwsUnreachable");
    expect(message).toContain("this is not an EC2 instance");
    expect(message + (hint ?? "")).not.toMatch(/E[A-Z]{5,}|TimeoutError|169\.254/);
  });

  it("that answers an error says with which status", () => {
    const thrown = Object.assign(new Error("Error response received from instance metadata service"), {
      statusCode: 403,
    });
    expect(instanceError(thrown).message).toBe(
      "the instance metadata service gives no credentials: it answers with status 403",
    );
  });

  it("without a role of the instance says so", () => {
    expect(instanceError(Object.assign(new Error("x"), { statusCode: 404 }))).toMatchObject({ code: "ConfigInvalid" });
  });
});
