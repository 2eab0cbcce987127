import { describe, expect, test } from "vitest";
import { amzDate, isSignedWith, type SignedRequest, signature, signatureClaim } from "./sigv4.js";

/** AWS's published example key: public, and no secret. */
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SCOPE = { accessKeyId: "AKIDEXAMPLE", date: "20150830", region: "us-east-1" };

const vanilla: SignedRequest = {
  method: "GET",
  target: "/",
  headers: { host: "example.amazonaws.com", "x-amz-date": "20150830T123600Z" },
  body: "",
};
const vanillaClaim = { ...SCOPE, service: "service", signedHeaders: ["host", "x-amz-date"] };

describe("the fake's own Signature Version 4", () => {
  test("gives the signature of AWS's test suite vector get-vanilla", () => {
    const expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    expect(signature(SECRET, vanilla, vanillaClaim)).toBe(expected);
  });

  test("gives the signature of AWS's test suite vector get-vanilla-query-order-key-case", () => {
    const request = { ...vanilla, target: "/?Param2=value2&Param1=value1" };

    const expected = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
    expect(signature(SECRET, request, vanillaClaim)).toBe(expected);
  });

  test("gives the signature of the ListUsers example in IAM's documentation", () => {
    const request = {
      method: "GET",
      target: "/?Action=ListUsers&Version=2010-05-08",
      headers: {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        host: "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
      },
      body: "",
    };
    const claim = { ...SCOPE, service: "iam", signedHeaders: ["content-type", "host", "x-amz-date"] };

    const expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    expect(signature(SECRET, request, claim)).toBe(expected);
  });

  interface Change {
    readonly secret?: string;
    readonly request?: SignedRequest;
    readonly claim?: typeof vanillaClaim;
  }
  test.each<[string, Change]>([
    ["another secret", { secret: `${SECRET}x` }],
    ["another path", { request: { ...vanilla, target: "/x" } }],
    ["another body", { request: { ...vanilla, body: "x" } }],
    ["another host", { request: { ...vanilla, headers: { ...vanilla.headers, host: "evil.example.com" } } }],
    ["another region", { claim: { ...vanillaClaim, region: "eu-west-1" } }],
    ["an unsigned host", { claim: { ...vanillaClaim, signedHeaders: ["x-amz-date"] } }],
  ])("refuses %s", (_name, { secret = SECRET, request = vanilla, claim = vanillaClaim }) => {
    const signed = { ...claim, signature: signature(SECRET, vanilla, vanillaClaim) };

    expect(isSignedWith(secret, request, signed)).toBe(false);
    expect(isSignedWith(SECRET, vanilla, { ...vanillaClaim, signature: signed.signature })).toBe(true);
  });

  test("reads the claim of an authorization header, and no other", () => {
    const good = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`;

    expect(signatureClaim(good)).toMatchObject({ ...SCOPE, service: "iam", signedHeaders: ["host", "x-amz-date"] });
    for (const bad of [undefined, "", "Basic dXNlcjpwYXNz", good.replace("aws4_request", "x"), good.slice(0, -1)]) {
      expect(signatureClaim(bad)).toBeUndefined();
    }
  });

  test("reads only AWS's form of a date", () => {
    expect(amzDate("20150830T123600Z")).toBe(Date.UTC(2015, 7, 30, 12, 36));
    expect(amzDate("2015-08-30")).not.toBe(Date.UTC(2015, 7, 30, 12, 36));
    expect(amzDate(undefined)).toBeNaN();
  });
});
