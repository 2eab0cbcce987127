import { beforeEach, describe, expect, it } from "vitest";
import { lambdaHandlers } from "../../src/control/handlers/lambda-handlers.js";
import { REQUEST_SCHEMAS } from "../../src/control/request-schemas.js";
import { Secret } from "../../src/core/secret.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";

const plain = keysSource("plain");
const withMfa = keysSource("with-mfa", { mfaSerial: "arn:aws:iam::111111111111:mfa/me" });
const dev = roleOn(plain, "dev");
const admin = roleOn(withMfa, "admin");
const call = { signal: new AbortController().signal, caller: {} };
let services: FakeServices;

beforeEach(async () => {
  services = await fakeControlServices([plain, withMfa], [dev, admin]);
  for (const source of ["plain", "with-mfa"]) {
    const secretAccessKey = new Secret(canarySecretKey("lambda"));
    await services.keys.put({
      ...{ source, secretAccessKey, addedAt: 1, rotatedAt: null },
      accessKeyId: "AKIA0000000000000001",
    });
  }
  services.functions.add("orders", { variables: { TABLE: "t" } });
});

const request = { function: "orders", via: "dev", mode: "assume" } as const;

describe("the longest names that Lambda and the config have", () => {
  const functionText = `arn:aws-us-gov:lambda:us-gov-west-1:111111111111:function:${"f".repeat(64)}:${"a".repeat(128)}`;
  const role = `lambda:${functionText}@${"s".repeat(128)}:111111111111/${"R".repeat(32)}+session-policy`;

  it.each([
    ["warm", { role }],
    ["lease-child", { role, pid: 1 }],
    ["lease-access", { pinnedRole: role }],
    ["use", { lease: { by: "default" }, role }],
    ["whoami", { role }],
    ["refresh", { role }],
  ] as const)("are taken by %s", (operation, asked) => {
    expect(REQUEST_SCHEMAS[operation].safeParse(asked).success).toBe(true);
  });
});

describe("lambda-role", () => {
  it("reads the function with the credentials of via, and makes a role that leases take", async () => {
    const made = await lambdaHandlers(services)["lambda-role"](request, call);
    expect(made).toMatchObject({
      role: "lambda:orders@dev",
      via: "dev",
      functionRoleArn: "arn:aws:iam::111111111111:role/orders",
      context: { functionName: "orders", variables: { TABLE: "t" } },
    });
    await services.credentials.warm("lambda:orders@dev");
    expect(services.sts.calls.map(({ parameters }) => parameters.roleArn?.split("/")[1])).toEqual(["dev", "orders"]);
  });

  it("takes lambda.via, and names the choices where there is none", async () => {
    const { code, message } = await brokerErrorOf(() =>
      lambdaHandlers(services)["lambda-role"]({ ...request, via: null }, call),
    );
    expect([code, message]).toEqual(["UsageInvalid", expect.stringContaining("dev, admin")]);
    if (services.config.config) services.config.config = { ...services.config.config, lambdaVia: "dev" };
    const made = await lambdaHandlers(services)["lambda-role"]({ ...request, via: null }, call);
    expect(made.via).toBe("dev");
  });

  it.each([
    ["a function that is not there", { function: "nosuch" }, "NotFound"],
    ["a via that is not there", { via: "dve" }, "RoleUnknown"],
    ["a via that is a function's role", { via: "lambda:orders@dev" }, "UsageInvalid"],
    ["a via that needs a code", { via: "admin" }, "MfaRequired"],
  ])("refuses %s", async (_, wrong, code) => {
    const refused = (): Promise<unknown> => lambdaHandlers(services)["lambda-role"]({ ...request, ...wrong }, call);
    expect(await brokerErrorOf(refused)).toMatchObject({ code });
  });

  it("takes what the contract says and nothing else", () => {
    const schema = REQUEST_SCHEMAS["lambda-role"];
    expect(schema.safeParse(request).success).toBe(true);
    expect(schema.safeParse({ ...request, mode: "guess" }).success).toBe(false);
    expect(schema.safeParse({ ...request, extra: 1 }).success).toBe(false);
    expect(schema.safeParse({ ...request, function: "" }).success).toBe(false);
  });
});

describe("lambda-trust", () => {
  it("shows, adds and removes by the role that is to be let in", async () => {
    const trust = lambdaHandlers(services)["lambda-trust"];
    const asked = { function: "orders", via: "dev" };
    expect(await trust({ ...asked, action: "show" }, call)).toMatchObject({ isPresent: false, changed: false });
    expect(await trust({ ...asked, action: "apply" }, call)).toMatchObject({ isPresent: true, changed: true });
    expect(await trust({ ...asked, action: "undo" }, call)).toMatchObject({ isPresent: false, changed: true });
  });
});
