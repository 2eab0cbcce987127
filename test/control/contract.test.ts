import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import { type ControlClient, createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation } from "../../src/control-api/contract.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import { fakeControlServices } from "../fakes/control-services.js";
import { FakeControl } from "../fakes/fake-control.js";
import { ssoSource } from "../sso/sso-fixture.js";
import { canarySecretKey } from "../support/canaries.js";
import { CONTRACT_CASES, CONTRACT_WORLD, type ContractCase, type FromLeases } from "../support/control-contract.js";
import { keysSource, roleOn } from "../support/roles.js";
import { tempDir } from "../support/temp-dir.js";

const { mfaSerial, mfaCode, accessKeyId } = CONTRACT_WORLD;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The control app over a unix socket, with the services of the control plane in memory. */
async function realControl(): Promise<ControlClient> {
  const plain = keysSource("plain");
  const withMfa = keysSource("with-mfa", { mfaSerial });
  const roles = [roleOn(plain, "dev"), roleOn(plain, "prod"), roleOn(withMfa, "admin")];
  const services = await fakeControlServices([plain, withMfa, ssoSource("corp")], roles);
  services.functions.add("orders");
  services.functions.stacks.set("shop", new Map([["OrdersFunction", "orders"]]));
  services.tasks.add("web");
  services.sts.mfaCode = mfaCode;
  const socketPath = join(tempDir("contract"), "control.sock");
  const server = createServer(createControlApp(services)).listen(socketPath);
  await once(server, "listening");
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const client = createControlClient({ socketPath, version: "1.2.3" });
  for (const source of ["plain", "with-mfa"]) {
    const secretAccessKey = canarySecretKey("contract");
    await client.call("keys-add", { source, accessKeyId, secretAccessKey, replace: false });
  }
  services.iam.keys.add(accessKeyId);
  return client;
}

/** The fake that the tests of the CLI speak to. */
async function fakeControl(): Promise<ControlClient> {
  const fake = new FakeControl(tempDir("contract"));
  for (const name of ["plain", "with-mfa"]) {
    fake.addSource(name);
    fake.keys.push({ source: name, accessKeyIdSuffix: accessKeyId.slice(-4), addedAt: 1, rotatedAt: null });
  }
  fake.addSource("corp", "login_required", "sso");
  fake.sso.set("corp", { loggedIn: false });
  fake
    .addRole("dev", { source: "plain" })
    .addRole("prod", { source: "plain" })
    .addRole("admin", { source: "with-mfa" });
  fake.needMfa("admin", mfaCode, mfaSerial);
  fake.addFunction("orders");
  fake.stacks.set("shop", new Map([["OrdersFunction", "orders"]]));
  fake.addTask("web");
  await fake.listen();
  closing.push(() => fake.close());
  return createControlClient({ socketPath: fake.socketPath, version: "1.2.3" });
}

/** Runs a case's steps in order; answers what the server said to each. */
async function run(client: ControlClient, { steps }: ContractCase): Promise<readonly object[]> {
  const leases: LeaseAccess[] = [];
  const answers: object[] = [];
  for (const [index, { operation, request, answer }] of steps.entries()) {
    const resolve = (given: typeof request): object =>
      typeof given === "function" ? (given as FromLeases<object>)(leases.at(-1)!, leases[0]!) : given;
    const expected = resolve(answer);
    const said = await ask(client, operation, resolve(request));
    const isRefused = "code" in expected;
    expect(said, `step ${index + 1}, ${operation}`).toMatchObject(expected);
    expect("code" in said, `step ${index + 1}, ${operation}: ${JSON.stringify(said)}`).toBe(isRefused);
    if ("token" in said) leases.push(said as LeaseAccess);
    answers.push(said);
  }
  return answers;
}

/** A refusal is an answer too: its code. */
async function ask(client: ControlClient, operation: ControlOperation, request: object): Promise<object> {
  try {
    return await client.call(operation, request);
  } catch (error) {
    return { code: (error as { code?: unknown }).code };
  }
}

/** The fields of an answer with their types; `null` stands for any. An optional field may be absent. */
function differingFields(real: unknown, fake: unknown, path = ""): readonly string[] {
  if (real === null || fake === null) return [];
  if (typeof real !== typeof fake || Array.isArray(real) !== Array.isArray(fake)) return [path];
  if (typeof real !== "object" || typeof fake !== "object") return [];
  if (Array.isArray(real) && Array.isArray(fake)) {
    const [first, other] = [real[0] as unknown, fake[0] as unknown];
    return first === undefined || other === undefined ? [] : differingFields(first, other, `${path}[]`);
  }
  const [one, two] = [real as Record<string, unknown>, fake as Record<string, unknown>];
  const names = new Set([...Object.keys(one), ...Object.keys(two)]);
  return [...names].flatMap((name) => {
    const inner = `${path}.${name}`;
    return name in one && name in two ? differingFields(one[name], two[name], inner) : [inner];
  });
}

/** A schema and a deployed function's variables have fields of their own, which no contract names. */
const FREE_FIELDS = /^\.(?:schema|context\.variables)\./;

describe.each(CONTRACT_CASES)("$name", (contractCase) => {
  test("by the real control app", async () => {
    await run(await realControl(), contractCase);
  });

  test("by the fake that the CLI is tested with", async () => {
    await run(await fakeControl(), contractCase);
  });

  test("with the same fields in the answers of both", async () => {
    const real = await run(await realControl(), contractCase);
    const fake = await run(await fakeControl(), contractCase);
    const differing = real.flatMap((answer, index) =>
      differingFields(answer, fake[index]).map((path) => `${contractCase.steps[index]?.operation}${path}`),
    );
    expect(differing.filter((path) => !FREE_FIELDS.test(path.slice(path.indexOf("."))))).toEqual([]);
  });
});
