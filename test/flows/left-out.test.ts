import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { ACCOUNT, awsOptions, get, InProcessBroker, ROLES_YAML, roleArn } from "../support/in-process-broker.js";

const FUNCTION_ROLE = roleArn("orders");
const FUNCTION = { arn: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:orders`, roleArn: FUNCTION_ROLE };
const CORP = "  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }\n";
let broker: InProcessBroker;
let file: string;
let good: string;

beforeEach(async () => {
  const roles = [...(awsOptions().roles ?? []), { arn: FUNCTION_ROLE, trusts: [roleArn("prod")] }];
  const config = `${ROLES_YAML.replace("roles:\n", `${CORP}roles:\n`)}lambda: { via: prod }\n`;
  broker = await InProcessBroker.ready({ aws: { roles, functions: [FUNCTION] }, config });
  file = join(broker.home, "config.yaml");
  good = readFileSync(file, "utf8");
});

afterEach(async () => broker.close());

/** The file as it was, with the typo of one role, of another, of a source. */
const badProd = (text: string): string =>
  text.replace(roleArn("prod"), roleArn("prod").replace("arn:aws:", "arn:aws-moon:"));
const badDev = (text: string): string => text.replace("dev: { source: ops-keys", "dev: { source: ops-kyes");
const badCorp = (text: string): string => text.replace("sso_region: eu-west-1 }", "sso_regoin: eu-west-1 }");

async function restartWith(text: string): Promise<void> {
  expect(text).not.toBe(good);
  await broker.stop();
  writeFileSync(file, text);
  await broker.start();
}

async function codeOf(url: string): Promise<string> {
  const { status, body } = await get(url);
  return status === 200 ? "ok" : `${status} ${body["code"]}`;
}

const lineOf = (part: string): number =>
  readFileSync(file, "utf8").slice(0, readFileSync(file, "utf8").indexOf(part)).split("\n").length;

describe("a supervised daemon that starts with one bad role", () => {
  it("serves the others, and answers a lease on that one with its problem, file and line", async () => {
    const [dev, chained, prod] = [await broker.urlOf("dev"), await broker.urlOf("chained"), await broker.urlOf("prod")];
    await restartWith(badProd(good));

    expect([await codeOf(dev), await codeOf(chained), await codeOf(prod)]).toEqual(["ok", "ok", "400 ConfigInvalid"]);
    const { body, reason } = await get(prod);
    expect(body["message"]).toContain(`role prod is not in force: ${file}:${lineOf("aws-moon")}:`);
    expect(body["message"]).toContain("roles.prod.role_arn");
    expect(body["message"]).toContain("brokerctl config edit");
    expect(reason).toContain("roles.prod.role_arn");
    expect(
      broker.log.filter(({ level, fields }) => level === "error" && String(fields["reason"]).includes("roles.prod")),
    ).toHaveLength(1);
  });

  it("says in status what is left out and what with it, and is degraded, until the file is fixed", async () => {
    await restartWith(badProd(good));
    const status = await broker.call("status", {});

    expect(status.daemon).toMatchObject({ state: "degraded", problem: null });
    expect(status.roles.map(({ name }) => name)).toEqual(["dev", "chained"]);
    expect(status.leftOut?.map(({ kind, name, because }) => ({ kind, name, because }))).toEqual([
      { kind: "role", name: "prod", because: null },
      { kind: "setting", name: "lambda.via", because: "role prod" },
    ]);
    expect(status.leftOut?.[0]?.error).toMatchObject({ code: "ConfigInvalid", hint: "brokerctl config edit" });

    writeFileSync(file, good);
    const fixed = await broker.call("status", {});
    expect(fixed.daemon.state).toBe("ready");
    expect(fixed).not.toHaveProperty("leftOut");
  });

  it("serves that one at the URL that it had as soon as the file is fixed and its program asks", async () => {
    const url = await broker.urlOf("prod");
    await restartWith(badProd(good));
    expect(await codeOf(url)).toBe("400 ConfigInvalid");

    writeFileSync(file, good);
    expect(await codeOf(url)).toBe("ok");
  });

  it("names the problem to use, env, whoami and lambda, which could not do what they were told", async () => {
    await restartWith(badProd(good));
    const problem = `${file}:${lineOf("aws-moon")}:`;

    for (const refused of [
      () => broker.call("use", { lease: { by: "default" }, role: "prod" }),
      () => broker.urlOf("prod"),
      () => broker.call("whoami", { role: "prod" }),
      () => broker.call("lambda-role", { function: "orders", via: "prod", mode: "assume" }),
      () => broker.call("lambda-role", { function: "orders", via: null, mode: "assume" }),
    ]) {
      const error = await brokerErrorOf(refused);
      expect(error).toMatchObject({ code: "ConfigInvalid", hint: "brokerctl config edit" });
      expect(error.message).toContain(problem);
    }
    expect((await brokerErrorOf(() => broker.urlOf("never-there"))).code).toBe("RoleUnknown");
  });

  it("answers a lease on a function's role that goes by that one with its problem", async () => {
    const { role } = await broker.call("lambda-role", { function: "orders", via: "prod", mode: "assume" });
    const url = await broker.urlOf(role);
    expect(await codeOf(url)).toBe("ok");
    await restartWith(badProd(good));

    expect(await codeOf(url)).toBe("400 ConfigInvalid");
    expect((await get(url)).body["message"]).toContain("role prod is not in force");
  });

  it("checks and edits as strictly as ever", async () => {
    const text = badProd(badDev(good));
    await restartWith(text);
    const error = await brokerErrorOf(() => broker.call("config-check", { text, path: file }));
    const lines = error.message.split("\n").filter((line) => /roles\.(?:prod\.role_arn|dev\.source)/.test(line));
    expect([error.code, lines.length]).toEqual(["ConfigInvalid", 2]);

    const fields = { source: "ops-keys", role_arn: roleArn("more") };
    const added = await brokerErrorOf(() => broker.call("role-add", { text, path: file, name: "more", fields }));
    expect(added.code).toBe("ConfigInvalid");
    expect(added.message).toContain("nothing was added");
  });
});

describe("a supervised daemon that starts with one bad source", () => {
  it("leaves out its roles, those chained from them, and SOURCE:ACCOUNT/ROLE, and serves the rest", async () => {
    const adHoc = await broker.urlOf(`corp:${ACCOUNT}/Admin`);
    const dev = await broker.urlOf("dev");
    expect(await codeOf(adHoc)).toBe("400 LoginRequired");
    await restartWith(badCorp(good));

    expect([await codeOf(adHoc), await codeOf(dev)]).toEqual(["400 ConfigInvalid", "ok"]);
    expect((await get(adHoc)).body["message"]).toContain(
      'sources.corp.sso_regoin: unknown key; did you mean "sso_region"?',
    );
    const { sources } = await broker.call("status", {});
    expect(sources.map(({ name }) => name)).toEqual(["ops-keys"]);
    const error = await brokerErrorOf(() => broker.call("logout", { source: "corp" }));
    expect(error.code).toBe("ConfigInvalid");
    expect(error.message).toContain("source corp is not in force");
  });

  it("keeps the keys of that source, and serves its roles again once the file is fixed", async () => {
    const chained = await broker.urlOf("chained");
    await restartWith(good.replace("{ type: keys }", "{ type: keys, regoin: x }"));
    const why = (await get(chained)).body["message"];
    expect(why).toContain("role chained is not in force, as it builds on source ops-keys");

    writeFileSync(file, good);
    expect(await codeOf(chained)).toBe("ok");
  });
});

describe("an edit by hand with a bad entry", () => {
  it("keeps the running config, that entry's too", async () => {
    const prod = await broker.urlOf("prod");
    writeFileSync(file, badProd(good));

    expect((await brokerErrorOf(() => broker.reload() as Promise<never>)).code).toBe("ConfigInvalid");
    const status = await broker.call("status", {});
    expect(status.daemon.state).toBe("ready");
    expect(status).not.toHaveProperty("leftOut");
    expect(await codeOf(prod)).toBe("ok");
  });

  it("is taken up where it breaks nothing more than is left out already, so that entries can be fixed one by one", async () => {
    const [dev, prod] = [await broker.urlOf("dev"), await broker.urlOf("prod")];
    await restartWith(badDev(badProd(good)));
    expect([await codeOf(dev), await codeOf(prod)]).toEqual(["400 ConfigInvalid", "400 ConfigInvalid"]);

    writeFileSync(file, badProd(good));
    expect([await codeOf(prod), await codeOf(dev)]).toEqual(["400 ConfigInvalid", "ok"]);

    writeFileSync(file, badDev(good));
    const { body } = await get(prod);
    expect([await codeOf(dev), body["code"]]).toEqual(["ok", "ConfigInvalid"]);
    expect(body["message"]).toContain(`${file} changed since and is not in force: ${file}:`);
    expect(body["message"]).toContain("roles.dev.source");
  });
});

describe("a supervised daemon that starts with a problem of the file's top beside a bad role", () => {
  it("serves nothing, and names both", async () => {
    const dev = await broker.urlOf("dev");
    await restartWith(`${badProd(good)}nonsense: 1\n`);

    expect(await codeOf(dev)).toBe("400 ConfigInvalid");
    const { daemon } = await broker.call("status", {});
    expect(daemon.state).toBe("degraded");
    expect(daemon.problem?.message).toContain("nonsense: unknown key");
    expect(daemon.problem?.message).toContain("roles.prod.role_arn");
  });
});
