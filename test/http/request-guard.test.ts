import { describe, expect, it } from "vitest";
import { type GuardedRequest, refusalOf } from "../../src/http/request-guard.js";

/** The rows over real sockets are in test/endpoint/hostile-requests.test.ts. */
const rules = { paths: /^\/creds$/ };
const good: GuardedRequest = {
  httpVersion: "1.1",
  method: "GET",
  url: "/creds",
  fields: { host: ["127.0.0.1:9171"] },
  localPort: 9171,
};

describe("the request guard", () => {
  it("passes what an SDK sends", () => expect(refusalOf(good, rules)).toBeUndefined());

  it("knows no port on a connection that is already gone: only a Host without one passes then", () => {
    const gone = { ...good, localPort: undefined };

    expect(refusalOf(gone, rules)?.code).toBe("RequestRefused");
    expect(refusalOf({ ...gone, fields: { host: ["127.0.0.1:undefined"] } }, rules)?.code).toBe("RequestRefused");
    expect(refusalOf({ ...gone, fields: { host: ["localhost"] } }, rules)).toBeUndefined();
  });

  it("finds nothing without a target", () => {
    expect(refusalOf({ ...good, url: undefined }, rules)?.code).toBe("LeaseUnknown");
  });

  it("looks at where a request comes from before what it wants", () => {
    const both = { ...good, url: "/nothing", method: "POST", fields: { host: ["evil.example"] } };

    expect(refusalOf(both, rules)?.code).toBe("RequestRefused");
  });

  it("has a mend for everything it refuses", () => {
    for (const bad of [{ url: "/" }, { method: "PUT" }, { httpVersion: "1.0" }, { fields: {} }]) {
      expect(refusalOf({ ...good, ...bad }, rules)?.hint).toContain("brokerctl env");
    }
  });
});
