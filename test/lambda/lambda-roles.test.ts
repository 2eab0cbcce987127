import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";
import type { LambdaRoleDefinition } from "../../src/lambda/lambda-role.js";
import { LambdaRoles } from "../../src/lambda/lambda-roles.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { keysSource, sessionRole } from "../support/roles.js";
import { tempDir } from "../support/temp-dir.js";
import { devRole, FUNCTION_ROLE } from "./lambda-fixture.js";

const HOUR = 3_600_000;
const ORDERS = "arn:aws:lambda:eu-west-1:111111111111:function:orders";
let clock: FakeClock;
let path: string;
let isDiskFull: boolean;
beforeEach(() => {
  clock = new FakeClock();
  path = join(tempDir("lambda-roles"), "lambda-roles.json");
  isDiskFull = false;
});

function rolesOn(file = path): LambdaRoles {
  const writeAtomic = async (to: string, data: Uint8Array): Promise<void> => {
    if (isDiskFull) throw new Error("no space");
    await writeFileAtomic(new NodeFileSystem(), to, data);
  };
  return new LambdaRoles({ path: file, writeAtomic, clock });
}

function definition(name: string, extra: Partial<LambdaRoleDefinition> = {}): LambdaRoleDefinition {
  return {
    ...{ name, workload: { kind: "function", name: "orders", arn: ORDERS }, roleArn: FUNCTION_ROLE },
    ...{ via: "dev", mode: "assume", region: "eu-west-1", ...extra },
  };
}

const narrowed = definition("n", { mode: "session-policy", policy: "{}", policyArns: ["arn:aws:iam::aws:policy/A"] });
const resolveVia = (via: string): ReturnType<typeof devRole> | undefined => (via === "dev" ? devRole() : undefined);

describe("a function's role", () => {
  test("outlives the daemon once it is kept, in a private file", async () => {
    const roles = rolesOn();
    expect(await roles.load()).toBeUndefined();
    await roles.put(definition("lambda:orders@dev"));
    await roles.put(narrowed);

    const next = rolesOn();
    expect(await next.load()).toBeUndefined();

    expect(next.get("lambda:orders@dev")).toEqual(definition("lambda:orders@dev"));
    expect(next.get("n")).toEqual(narrowed);
    expect(next.role("lambda:orders@dev", resolveVia)?.assume?.roleArn).toBe(FUNCTION_ROLE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("of a name that is made again is the newer one", async () => {
    const roles = rolesOn();
    await roles.put(definition("a"));
    await roles.put(definition("a", { region: "us-east-2" }));

    expect(roles.get("a")?.region).toBe("us-east-2");
  });

  test.each(["__proto__", "constructor", "lambda:x@\u0000", "lambda:ä\n@dev", '"}]'])(
    "may be called %j and is only ever itself",
    async (name) => {
      const roles = rolesOn();
      expect(roles.get(name)).toBeUndefined();
      await roles.put(definition(name));
      const next = rolesOn();
      await next.load();

      expect(next.get(name)).toEqual(definition(name));
      expect(next.get("toString")).toBeUndefined();
    },
  );

  test("is not known when the config no longer has its via, or has one that cannot be narrowed", async () => {
    const roles = rolesOn();
    await roles.put(narrowed);

    expect(roles.role("n", resolveVia)?.assume?.policy).toBe("{}");
    expect(roles.role("n", () => undefined)).toBeUndefined();
    expect(roles.role("n", () => sessionRole(keysSource(), "dev"))).toBeUndefined();
  });

  test("that could not be written is not known either, and those before it stay", async () => {
    const roles = rolesOn();
    await roles.put(definition("a"));
    isDiskFull = true;

    expect(await brokerErrorOf(() => roles.put(definition("b")))).toMatchObject({ code: "StoreUnavailable" });

    expect(roles.get("b")).toBeUndefined();
    expect(roles.get("a")).toBeDefined();
    isDiskFull = false;
    await roles.put(definition("c"));
    const next = rolesOn();
    await next.load();
    expect(["a", "b", "c"].map((name) => next.get(name) !== undefined)).toEqual([true, false, true]);
  });

  test("is kept when many are made at once", async () => {
    const roles = rolesOn();
    const names = Array.from({ length: 20 }, (_, index) => `r${index}`);
    await Promise.all(names.map((name) => roles.put(definition(name))));
    const next = rolesOn();
    await next.load();

    expect(names.filter((name) => next.get(name) === undefined)).toEqual([]);
  });
});

describe("what no lease names", () => {
  test("goes an hour after it was made, and not before; what a lease names stays", async () => {
    const roles = rolesOn();
    await roles.put(definition("named"));
    await roles.put(definition("free"));
    await clock.advance(HOUR);
    await roles.keepOnly(new Set(["named"]));
    expect(roles.get("free")).toBeDefined();

    await clock.advance(1);
    await roles.keepOnly(new Set(["named"]));

    const next = rolesOn();
    await next.load();
    for (const each of [roles, next]) {
      expect(each.get("free")).toBeUndefined();
      expect(each.get("named")).toBeDefined();
    }
  });

  test("writes nothing when nothing goes", async () => {
    const roles = rolesOn();
    await roles.load();
    await roles.keepOnly(new Set());

    expect(existsSync(path)).toBe(false);
  });
});

/** As version 1 wrote them: a task's family and ARN in the fields of a function. */
const formerFunction = {
  ...{ name: "lambda:orders@dev", functionName: "orders", functionArn: ORDERS, functionRoleArn: FUNCTION_ROLE },
  ...{
    via: "dev",
    mode: "session-policy",
    region: "eu-west-1",
    policy: "{}",
    policyArns: ["arn:aws:iam::aws:policy/A"],
  },
  madeAt: 1,
};
const WEB = "arn:aws-cn:ecs:cn-north-1:111111111111:task-definition/web";
const formerTask = {
  ...{ name: "task:web@dev", functionName: "web", functionArn: WEB, functionRoleArn: FUNCTION_ROLE },
  ...{ via: "dev", mode: "assume", region: "cn-north-1", madeAt: 2 },
};

test("a file of version 1 is read without loss, and written as one of version 2", async () => {
  writeFileSync(path, JSON.stringify({ version: 1, roles: [formerFunction, formerTask] }), { mode: 0o600 });
  const roles = rolesOn();
  expect(await roles.load()).toBeUndefined();

  const orders = { kind: "function", name: "orders", arn: ORDERS };
  const web = { kind: "task", name: "web", arn: WEB };
  const ofFunction = {
    ...{ name: "lambda:orders@dev", workload: orders, roleArn: FUNCTION_ROLE, via: "dev", mode: "session-policy" },
    ...{ region: "eu-west-1", policy: "{}", policyArns: ["arn:aws:iam::aws:policy/A"] },
  };
  const ofTask = {
    ...{
      name: "task:web@dev",
      workload: web,
      roleArn: FUNCTION_ROLE,
      via: "dev",
      mode: "assume",
      region: "cn-north-1",
    },
  };
  expect(roles.get("lambda:orders@dev")).toEqual(ofFunction);
  expect(roles.get("task:web@dev")).toEqual(ofTask);

  await roles.put(definition("new"));
  const kept = JSON.parse(readFileSync(path, "utf8")) as {
    readonly version: number;
    readonly roles: readonly object[];
  };
  expect(kept.version).toBe(2);
  expect(kept.roles.slice(0, 2)).toEqual([
    { ...ofFunction, madeAt: 1 },
    { ...ofTask, madeAt: 2 },
  ]);
  const next = rolesOn();
  expect(await next.load()).toBeUndefined();
  expect(next.get("task:web@dev")).toEqual(ofTask);
});

describe("a file that is of no use", () => {
  const valid = { ...definition("a"), madeAt: 1 };
  test.each([
    ["empty", ""],
    ["cut off", '{"version":1,"roles":['],
    ["of a newer version", '{"version":3,"roles":[]}'],
    ["of no version", '{"roles":[]}'],
    ["with an unknown field", JSON.stringify({ version: 2, roles: [{ ...valid, extra: 1 }] })],
    ["with an unknown mode", JSON.stringify({ version: 2, roles: [{ ...valid, mode: "admin" }] })],
    ["with a role ARN that is none", JSON.stringify({ version: 2, roles: [{ ...valid, roleArn: "x" }] })],
    ["with ARNs that are none", JSON.stringify({ version: 2, roles: [{ ...valid, policyArns: [1] }] })],
    ["with a name twice", JSON.stringify({ version: 2, roles: [valid, valid] })],
    ["with a workload of no kind", JSON.stringify({ version: 2, roles: [{ ...valid, workload: { kind: "pod" } }] })],
    ["with the fields of version 1", JSON.stringify({ version: 2, roles: [formerFunction] })],
    ["of version 1 with those of version 2", JSON.stringify({ version: 1, roles: [valid] })],
    ["of version 1 without an ARN", JSON.stringify({ version: 1, roles: [{ ...formerFunction, functionArn: 1 }] })],
  ])("%s: is told, left as it is, and does not keep the daemon from starting", async (_name, text) => {
    writeFileSync(path, text, { mode: 0o600 });
    const roles = rolesOn();

    const problem = await roles.load();

    expect(problem).toMatchObject({ code: "StoreUnavailable" });
    expect(problem?.message).toContain(path);
    expect(roles.role("a", resolveVia)).toBeUndefined();
    expect(await brokerErrorOf(() => roles.put(definition("b")))).toMatchObject({ code: "StoreUnavailable" });
    await clock.advance(2 * HOUR);
    await roles.keepOnly(new Set());
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("is fixed without a restart: moved away, as the hint says", async () => {
    writeFileSync(path, "{", { mode: 0o600 });
    const roles = rolesOn();
    await roles.load();

    renameSync(path, `${path}.old`);
    await roles.put(definition("b"));

    expect(roles.get("b")).toBeDefined();
    expect(readFileSync(`${path}.old`, "utf8")).toBe("{");
  });

  test("open to others: is refused with its fix, and used once that was done", async () => {
    writeFileSync(path, JSON.stringify({ version: 2, roles: [valid] }));
    chmodSync(path, 0o644);
    const roles = rolesOn();

    expect(await roles.load()).toMatchObject({ code: "FileRefused", hint: `chmod 600 ${path}` });

    chmodSync(path, 0o600);
    expect(await roles.load()).toBeUndefined();
    expect(roles.get("a")).toBeDefined();
  });
});
