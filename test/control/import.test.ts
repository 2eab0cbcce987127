import { beforeEach, describe, expect, it } from "vitest";
import { importHandlers } from "../../src/control/handlers/import-handlers.js";
import type { ImportRequest } from "../../src/core/aws-import.js";
import { Secret } from "../../src/core/secret.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { keysSource } from "../support/roles.js";

const ID = "AKIA0000000000000001";
const OTHER_ID = "AKIA0000000000000002";
const CREDENTIALS = `[ops]\naws_access_key_id = ${ID}\naws_secret_access_key = ${canarySecretKey("import")}\n`;
const CONFIG = "version: 1\nsecret_store: key_file\nsources:\n  ops: { type: keys }\n";
const PATH = "/home/me/config.yaml";
const call = { signal: new AbortController().signal, caller: {} };

let services: FakeServices;

beforeEach(async () => {
  services = await fakeControlServices([keysSource("ops")], []);
});

function request(text = CONFIG, credentials = CREDENTIALS): ImportRequest {
  const aws = { credentials: { text: credentials, path: "~/.aws/credentials" } };
  return { text, path: PATH, aws, profiles: null, withDefault: false };
}

async function store(accessKeyId: string, tag: string): Promise<void> {
  const secretAccessKey = new Secret(canarySecretKey(tag));
  await services.keys.put({ source: "ops", accessKeyId, secretAccessKey, addedAt: 1, rotatedAt: null });
}

describe("import-plan", () => {
  it("says what would be done, and holds no key", async () => {
    const plan = await importHandlers(services)["import-plan"](request(), call);
    expect(plan).toMatchObject({
      items: [{ what: "ops", outcome: "add", role: "ops", source: "ops", type: "keys" }],
      keys: [{ source: "ops", accessKeyIdSuffix: "0001", state: "missing" }],
      storeProblem: null,
    });
    expect(JSON.stringify(plan)).not.toContain(CANARY);
    expect(JSON.stringify(plan)).not.toContain(ID);
  });

  it("can be made while the store is locked, and says so", async () => {
    services.secrets.locked = true;
    const plan = await importHandlers(services)["import-plan"](request(), call);
    expect(plan.keys).toMatchObject([{ state: "unknown" }]);
    expect(plan.storeProblem).toMatchObject({ code: "StoreLocked" });
  });
});

describe("import-keys", () => {
  const run = (made = request()): ReturnType<ReturnType<typeof importHandlers>["import-keys"]> =>
    importHandlers(services)["import-keys"](made, call);

  it("stores the key and says where it stands in the files", async () => {
    const { keys, places } = await run();
    expect(keys).toMatchObject([{ source: "ops", state: "held" }]);
    expect((await services.keys.get("ops")).secretAccessKey.reveal()).toBe(canarySecretKey("import"));
    expect(places.credentials.map(({ start, end }) => CREDENTIALS.slice(start, end))).toEqual([
      `aws_access_key_id = ${ID}\n`,
      `aws_secret_access_key = ${canarySecretKey("import")}\n`,
    ]);
  });

  it("does nothing the second time, and still knows the places", async () => {
    const first = await run();
    const { addedAt } = await services.keys.get("ops");
    expect(await run()).toEqual(first);
    expect((await services.keys.get("ops")).addedAt).toBe(addedAt);
  });

  it.each([
    ["another key", OTHER_ID, "other"],
    ["the same id with another secret", ID, "other"],
  ])("leaves %s of the source alone, and the files too", async (_, id, tag) => {
    await store(id, tag);
    const { keys, places } = await run();
    expect(keys).toMatchObject([{ state: "other" }]);
    expect(places).toEqual({ config: [], credentials: [] });
    expect((await services.keys.get("ops")).secretAccessKey.reveal()).toBe(canarySecretKey(tag));
  });

  it("stores nothing for a source that is not in force, and nothing while the store is locked", async () => {
    services = await fakeControlServices([], []);
    expect(await brokerErrorOf(() => run())).toMatchObject({ code: "Conflict" });
    expect(await services.keys.list()).toEqual([]);
    services.secrets.locked = true;
    expect(await brokerErrorOf(() => run())).toMatchObject({ code: "StoreLocked" });
  });
});
