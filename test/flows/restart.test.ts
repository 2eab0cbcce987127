import { appendFileSync, chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { ACCOUNT, get, InProcessBroker, ROLES_YAML, roleArn, USER_KEY } from "../support/in-process-broker.js";

let broker: InProcessBroker;
afterEach(() => broker.close());

const codeOf = async (url: string): Promise<string> => {
  const { status, body } = await get(url);
  return status === 200 ? "ok" : `${status} ${body["Code"] ?? ""}`;
};

async function restart(): Promise<void> {
  await broker.stop();
  await broker.start();
}

describe("after a restart", () => {
  it("live credentials are served without an STS call, and URLs, leases and the chosen role are what they were", async () => {
    broker = await InProcessBroker.ready();
    await broker.call("use", { lease: { by: "default" }, role: "dev" });
    const standard = await broker.call("lease-access", { lease: { by: "default" } });
    const ide = await broker.call("lease-create", { name: "ide", role: "prod" });
    const first = await get(standard.leaseUrl);
    await get(ide.leaseUrl);
    const calls = broker.aws.countOf("AssumeRole");

    await restart();

    expect((await get(standard.leaseUrl)).body["AccessKeyId"]).toBe(first.body["AccessKeyId"]);
    expect(await codeOf(ide.leaseUrl)).toBe("ok");
    expect(broker.aws.countOf("AssumeRole")).toBe(calls);
    expect((await broker.call("lease-access", { lease: { by: "default" } })).token).toBe(standard.token);
    expect((await broker.call("status", {})).defaultRole).toBe("dev");
  });

  it("a lock is still a lock until the user unlocks, and then what was in use is fetched again", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    expect(await codeOf(url)).toBe("ok");
    await broker.call("lock", {});
    expect(await codeOf(url)).toBe("400 StoreLocked");
    await restart();
    expect(await codeOf(url)).toBe("400 StoreLocked");
    expect((await broker.call("status", {})).daemon.state).toBe("locked");
    expect((await brokerErrorOf(() => broker.call("lease-access", { lease: { by: "default" } }))).code).toBe(
      "StoreLocked",
    );
    await broker.call("unlock", {});
    expect(await codeOf(url)).toBe("ok");
  });

  it("a broken cache costs STS calls and nothing else", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    await get(url);
    await broker.stop();
    appendFileSync(join(broker.home, "state", "cache.sealed"), "x");
    await broker.start();
    expect(await codeOf(url)).toBe("ok");
    expect(broker.aws.countOf("AssumeRole")).toBe(2);
  });

  it("with the data key gone nothing is overwritten, and status says which file misses its key", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    await broker.stop();
    const sealed = join(broker.home, "state", "secrets.sealed");
    const before = readFileSync(sealed);
    const keyFile = join(broker.home, "state", "data.key");
    const key = readFileSync(keyFile);
    writeFileSync(keyFile, "");
    await broker.start();
    expect(await codeOf(url)).toMatch(/^400 /);
    expect((await broker.call("status", {})).daemon.problem).not.toBeNull();
    expect((await brokerErrorOf(() => broker.call("store-create", {}))).code).not.toBe("InternalError");
    expect(readFileSync(sealed).equals(before)).toBe(true);
    await broker.stop();
    writeFileSync(keyFile, key);
    await broker.start();
    expect(await codeOf(url)).toBe("ok");
  });
});

describe("a port that another program took while the daemon was down", () => {
  it("is named with its owner, and every token that may have been sent there is dead afterwards", async () => {
    broker = await InProcessBroker.ready();
    const { leaseUrl } = await broker.call("lease-create", { name: "ide", role: "dev" });
    await broker.stop();
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(Number(new URL(leaseUrl).port), "127.0.0.1", resolve));
    const refusal = await brokerErrorOf(() => broker.start());
    expect(refusal.code).toBe("Conflict");
    expect(refusal.message).toContain(`pid ${process.pid}`);
    await new Promise((resolve) => squatter.close(resolve));

    await broker.start();
    expect(await codeOf(leaseUrl)).toBe("403 LeaseEnded");
    const renewed = await broker.call("lease-access", { lease: { by: "name", name: "ide" } });
    expect(await codeOf(renewed.leaseUrl)).toBe("ok");
    await restart();
    expect(await codeOf(renewed.leaseUrl)).toBe("ok");
  });
});

describe("a config", () => {
  it("that breaks keeps the running one; one that is broken at start degrades a supervised daemon until it is fixed", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    const file = join(broker.home, "config.yaml");
    const good = readFileSync(file, "utf8");
    writeFileSync(file, `${good}\nnonsense: 1\n`);
    expect((await brokerErrorOf(() => broker.call("config-reload", {}))).code).toBe("ConfigInvalid");
    expect(await codeOf(url)).toBe("ok");
    expect(JSON.stringify((await broker.call("status", {})).daemon.warnings)).toContain("changed on disk");

    await restart();
    expect(await codeOf(url)).toBe("400 ConfigInvalid");
    expect((await broker.call("status", {})).daemon.state).toBe("degraded");
    writeFileSync(file, good);
    await broker.call("config-reload", {});
    expect(await codeOf(url)).toBe("ok");
    expect((await broker.call("status", {})).daemon.state).toBe("ready");
  });

  it("edited by hand is taken up by the next request for what it adds: by a command, and by a program", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    const file = join(broker.home, "config.yaml");
    const before = readFileSync(file, "utf8");
    const added = before.replace(
      "roles:\n",
      `roles:\n  extra: { source: ops-keys, role_arn: "${roleArn("extra")}" }\n`,
    );
    expect(added).not.toBe(before);

    expect((await brokerErrorOf(() => broker.urlOf("extra"))).code).toBe("RoleUnknown");
    writeFileSync(file, added);
    const extra = await broker.urlOf("extra");
    expect(await codeOf(extra)).not.toBe("400 RoleUnknown");

    writeFileSync(file, before);
    await broker.call("status", {});
    expect(await codeOf(extra)).toBe("400 RoleUnknown");
    writeFileSync(file, added);
    expect(await codeOf(extra)).not.toBe("400 RoleUnknown");
    expect(await codeOf(url)).toBe("ok");
  });

  it("edited by hand and not valid is named, with the line, where something is missed, and what runs goes on", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    const file = join(broker.home, "config.yaml");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, `${before}nonsense: 1\n`);

    const missed = await brokerErrorOf(() => broker.urlOf("extra"));
    expect(missed.code).toBe("ConfigInvalid");
    expect(missed.message).toContain(`${file} changed on disk and is not in force: ${file}:`);
    expect(missed.message).toContain("nonsense");
    expect(await codeOf(url)).toBe("ok");
    writeFileSync(file, before);
    expect((await brokerErrorOf(() => broker.urlOf("extra"))).code).toBe("RoleUnknown");
  });

  it("that was broken at start is in force for the next program that asks after it was fixed", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    const file = join(broker.home, "config.yaml");
    const good = readFileSync(file, "utf8");
    expect(await codeOf(url)).toBe("ok");
    writeFileSync(file, `${good}nonsense: 1\n`);
    await restart();
    expect(await codeOf(url)).toBe("400 ConfigInvalid");
    writeFileSync(file, good);
    expect(await codeOf(url)).toBe("ok");
  });

  it("that others could write is taken up by the next command after its mode was fixed, by several at once too", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    const file = join(broker.home, "config.yaml");
    chmodSync(file, 0o666);
    await restart();
    expect(await codeOf(url)).toBe("400 ConfigInvalid");

    chmodSync(file, 0o600);
    const answers = await Promise.all([1, 2, 3].map(() => broker.call("status", {})));
    expect(answers.map(({ daemon }) => daemon.state)).toEqual(["ready", "ready", "ready"]);
    expect(await codeOf(url)).toBe("ok");
  });

  it("without a role answers RoleUnknown on its leases, and serves them again when it returns", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("prod");
    expect(await codeOf(url)).toBe("ok");
    const file = join(broker.home, "config.yaml");
    const good = readFileSync(file, "utf8");
    writeFileSync(file, good.replace(/^ {2}prod:.*$/m, ""));
    await broker.reload();
    expect(await codeOf(url)).toBe("400 RoleUnknown");
    writeFileSync(file, good);
    await broker.reload();
    expect(await codeOf(url)).toBe("ok");
  });

  it("with a changed role drops what was fetched under the former definition", async () => {
    broker = await InProcessBroker.ready();
    const url = await broker.urlOf("dev");
    const first = (await get(url)).body["AccessKeyId"];
    const file = join(broker.home, "config.yaml");
    const good = readFileSync(file, "utf8");
    writeFileSync(file, good.replace(/dev: { source: ops-keys,/, "dev: { source: ops-keys, duration_seconds: 900,"));
    await broker.reload();
    expect((await get(url)).body["AccessKeyId"]).not.toBe(first);
    expect(broker.aws.lastOf("AssumeRole").params["DurationSeconds"]).toBe("900");
  });
});

describe("MFA", () => {
  const SERIAL = "arn:aws:iam::111111111111:mfa/me";

  it("is asked for once: the session survives a restart and serves every role", async () => {
    const config = ROLES_YAML.replace("{ type: keys }", `{ type: keys, mfa_serial: "${SERIAL}" }`);
    const users = [{ ...USER_KEY, account: ACCOUNT, userName: "me", mfaSerial: SERIAL }];
    broker = await InProcessBroker.ready({ config, aws: { users } });
    broker.aws.allowMfaCodes("123456");
    const url = await broker.urlOf("dev");
    expect(await codeOf(url)).toBe("400 MfaRequired");
    await broker.call("login-mfa", { source: "ops-keys", code: "123456" });
    expect(await codeOf(url)).toBe("ok");
    await restart();
    expect(await codeOf(await broker.urlOf("prod"))).toBe("ok");
    expect(broker.aws.countOf("GetSessionToken")).toBe(1);
  });
});
