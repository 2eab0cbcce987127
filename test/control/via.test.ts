import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import { createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import type { Guard } from "../../src/core/guard.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";
import { tempDir } from "../support/temp-dir.js";

const PID = 4711;
const DESKTOP: Guard = { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 };
const BY_DEFAULT = { function: "orders", via: null, mode: "assume" } as const;
const ENDED = `brk_${"x".repeat(43)}`;

let services: FakeServices;
let server: Server;
let socketPath: string;

beforeEach(async () => {
  const plain = keysSource("plain");
  const roles = [roleOn(plain, "dev"), roleOn(plain, "staging"), { ...roleOn(plain, "prod"), guard: DESKTOP }];
  services = await fakeControlServices([plain], roles);
  services.functions.add("orders");
  socketPath = join(tempDir("via"), "control.sock");
  server = createServer(createControlApp(services)).listen(socketPath);
  await once(server, "listening");
  const key = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey("via"), replace: false };
  await call()("keys-add", { source: "plain", ...key });
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A command line whose variables hold this token. */
const call =
  (leaseToken?: string) =>
  <O extends ControlOperation>(operation: O, request: ControlRequest<O>): Promise<ControlResponse<O>> =>
    createControlClient({ socketPath, version: "1.2.3", caller: { pid: PID, leaseToken } }).call(operation, request);

const use = (role: string): Promise<unknown> => call()("use", { lease: { by: "default" }, role });

async function leaseWith(role: string, more: object = {}): Promise<string> {
  return (await call()("lease-create", { name: `with-${role}`, role, ...more })).token;
}

async function refusal(token?: string): Promise<{ readonly code: string; readonly message: string }> {
  const { code, message } = await brokerErrorOf(() => call(token)("lambda-role", BY_DEFAULT));
  return { code, message };
}

describe("the role that reads a function, where none is named", () => {
  it("is lambda.via of the config, whatever the shell has", async () => {
    await use("staging");
    services.config.config = { ...services.config.config!, lambdaVia: "dev" };

    expect(await call(await leaseWith("staging"))("lambda-role", BY_DEFAULT)).toMatchObject({
      role: "lambda:orders@dev",
      viaBy: "config",
    });
  });

  it("is that of the lease in the shell's variables, else the default lease's", async () => {
    await use("staging");

    expect(await call()("lambda-role", BY_DEFAULT)).toMatchObject({ via: "staging", viaBy: "current" });
    expect(await call(await leaseWith("dev"))("lambda-role", BY_DEFAULT)).toMatchObject({
      via: "dev",
      viaBy: "current",
    });
    const { token } = await call()("lease-child", { role: null, pid: PID });
    expect(await call(token)("lambda-trust", { function: "orders", via: null, action: "show" })).toMatchObject({
      via: "staging",
      viaBy: "current",
    });
  });

  it("is refused, with the choices, where no role is chosen", async () => {
    expect(await refusal()).toEqual({
      code: "UsageInvalid",
      message: expect.stringMatching(/no role is chosen.*dev, staging, prod/) as string,
    });
  });

  it("is never the default lease's in a shell whose own lease has ended", async () => {
    await use("staging");

    expect(await refusal(ENDED)).toEqual({
      code: "UsageInvalid",
      message: expect.stringContaining("has ended") as string,
    });
  });

  it("is never a function's: what runs as one function reaches no other by the role behind it", async () => {
    await use("staging");
    const role = "lambda:orders@dev";
    const lease = await services.leases.createNamed({ name: "function", role, expiresAt: null, pinned: true });
    const token = (await services.leases.access(lease)).reveal();

    expect((await refusal(token)).message).toContain("lambda:orders@dev, is a function's own");
    expect(await call(token)("lambda-role", { ...BY_DEFAULT, via: "dev" })).toMatchObject({ viaBy: "named" });
  });

  it("is not one that a request gave for a time", async () => {
    const token = await leaseWith("dev");
    const { id } = await call(token)("request-create", { role: "staging", reason: "a look", forSeconds: 600 });
    await call()("request-approve", { id });

    expect((await refusal(token)).message).toContain("has staging by a request");
  });

  it("reads with no more than the shell's lease has", async () => {
    const token = await leaseWith("dev", { scope: { readOnly: true } });

    await call(token)("lambda-role", BY_DEFAULT);

    const assumed = services.sts.calls.filter(({ action }) => action === "AssumeRole");
    expect(assumed.map(({ parameters }) => parameters.policyArns)).toEqual([
      ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    ]);
  });

  it("takes the yes of its guard, which is asked for by the same default", async () => {
    const yes = { by: "new" } as const;
    services.dialogs.answer = { answer: "yes" };
    const forDefault = { role: "prod", target: { by: "default" }, forSeconds: 600 } as const;
    const { confirmation = "" } = (await call()("guard-confirm", forDefault)) as { readonly confirmation?: string };
    await call()("use", { lease: { by: "default" }, role: "prod", forSeconds: 600, confirmation });

    expect((await refusal()).code).toBe("GuardRefused");
    const said = (await call()("guard-confirm", { role: null, target: yes })) as { readonly confirmation: string };
    expect(await call()("lambda-role", { ...BY_DEFAULT, confirmation: said.confirmation })).toMatchObject({
      via: "prod",
      viaBy: "current",
    });
  });
});
