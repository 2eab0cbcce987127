import { beforeEach, describe, expect, it } from "vitest";
import { createOperations } from "../../src/control/operations.js";
import { createPageOperations, type PageOperationsRun } from "../../src/control/page/page-operations.js";
import type { PageOperation, PageRequest, PageResponse } from "../../src/control-api/page-contract.js";
import type { Guard } from "../../src/core/guard.js";
import type { Role } from "../../src/core/role.js";
import { Secret } from "../../src/core/secret.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn } from "../support/roles.js";

const plain = keysSource("plain");
const guardedBy = (name: string, guard: Guard): Role => ({ ...roleOn(plain, name), guard });
const CALL = {
  signal: new AbortController().signal,
  caller: { isPage: true },
  findings: { at: 0, findings: [] },
} as const;
const DEFAULT = { by: "default" } as const;

let services: FakeServices;
let page: PageOperationsRun;

beforeEach(async () => {
  services = await fakeControlServices(
    [plain],
    [
      roleOn(plain, "dev"),
      guardedBy("prod", { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 }),
      guardedBy("ops", { confirm: "passphrase", reason: true, maxLeaseSeconds: 600 }),
    ],
  );
  const operations = createOperations(services);
  page = createPageOperations({ services, operations });
  const key = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey("page") };
  await operations.run("keys-add", { source: "plain", ...key, replace: false }, CALL);
});

async function call<O extends PageOperation>(operation: O, request: PageRequest<O>): Promise<PageResponse<O>> {
  return (await page.run(operation, request, CALL)) as PageResponse<O>;
}

const useOf = (role: string) => ({ lease: DEFAULT, role, forSeconds: 600, reason: "deploy" }) as const;

describe("a guarded role on the page", () => {
  it("is asked for by brokerd in a window that says where it was asked for, while the call waits", async () => {
    services.dialogs.answer = { answer: "yes" };

    const { lease } = await call("use", useOf("prod"));

    expect(lease.role).toBe("prod");
    expect(services.dialogs.shown).toHaveLength(1);
    expect(services.dialogs.shown[0]?.lines.join("\n")).toMatch(/prod.*on a page of brokerctl ui.*10 min.*deploy/s);
  });

  it("is not given for a no, nor asked for again within a minute, whichever page asks", async () => {
    expect(await brokerErrorOf(() => call("use", useOf("prod")))).toMatchObject({ code: "GuardRefused" });
    expect(await brokerErrorOf(() => call("lease-create", { name: "x", role: "prod" }))).toMatchObject({
      message: expect.stringContaining("ask again in 60 s") as string,
    });
    expect(services.dialogs.shown).toHaveLength(1);
    expect((await call("status", {})).leases.find(({ kind }) => kind === "default")?.role ?? null).toBeNull();
  });

  it("whose guard asks the passphrase has a yes and the passphrase asked for by brokerd: the page sends none", async () => {
    services.dialogs.answer = { answer: "yes" };
    services.dialogs.typed = { answer: "given", secret: new Secret("a right passphrase") };

    expect((await call("use", useOf("ops"))).lease.role).toBe("ops");
    const [question, passphrase] = services.dialogs.shown;
    expect(question?.lines.join("\n")).toContain("ops");
    expect(passphrase?.lines).toEqual(["Passphrase of the secret store of credbroker:"]);
  });

  it.each([
    ["a wrong passphrase", { answer: "yes" }, { answer: "given", secret: new Secret("a wrong one") }, "is wrong"],
    ["none", { answer: "yes" }, { answer: "no" }, "no passphrase was given"],
    ["none in time", { answer: "yes" }, { answer: "timeout" }, "in time"],
    [
      "a no before it",
      { answer: "no" },
      { answer: "given", secret: new Secret("a right passphrase") },
      "the answer was no",
    ],
    [
      ...(["no screen", { answer: "yes" }] as const),
      ...([
        { answer: "impossible", why: "there is no screen", hint: "brokerctl unlock" },
        "there is no screen",
      ] as const),
    ],
  ] as const)("is not given for %s, and the try is on record", async (_what, answer, typed, message) => {
    services.dialogs.answer = answer;
    services.dialogs.typed = typed;

    expect(await brokerErrorOf(() => call("use", useOf("ops")))).toMatchObject({
      code: "GuardRefused",
      message: expect.stringContaining(message) as string,
    });
    await services.audit.flush();
    const refused = (await services.audit.newest(100)).filter(
      ({ outcome, role }) => outcome === "refused" && role === "ops",
    );
    expect(refused.map(({ via, code }) => [via, code])).toContainEqual(["page", "GuardRefused"]);
  });

  it("is not given by a yes that comes when the page no longer waits for it", async () => {
    const { dialogs } = services;
    dialogs.answer = { answer: "yes" };
    dialogs.typed = { answer: "given", secret: new Secret("a right passphrase") };
    for (const role of ["prod", "ops"]) {
      let answerNow = (): void => undefined;
      dialogs.thinking = new Promise<void>((resolve) => (answerNow = resolve));
      const before = dialogs.shown.length;
      const closed = new AbortController();
      const asked = brokerErrorOf(() => page.run("use", useOf(role), { ...CALL, signal: closed.signal }));
      await expect.poll(() => dialogs.shown.length).toBe(before + 1);
      closed.abort();
      answerNow();
      expect(await asked).toMatchObject({
        code: "GuardRefused",
        message: expect.stringContaining("no longer waits") as string,
      });
    }
    expect((await call("status", {})).leases.find(({ kind }) => kind === "default")?.role ?? null).toBeNull();
    await services.audit.flush();
    const tries = (await services.audit.newest(100)).filter(
      ({ outcome, via }) => outcome === "refused" && via === "page",
    );
    // The second within a minute is a count of the first.
    expect(tries[0]).toMatchObject({ role: "prod", code: "GuardRefused" });
  });

  it("is given by a request when the person says yes in the window, to that request", async () => {
    services.dialogs.answer = { answer: "yes" };
    const lease = await services.leases.createNamed({ name: "agent", role: "dev", expiresAt: null, pinned: true });
    const operations = createOperations(services);
    const wish = { role: "prod", reason: "deploy", forSeconds: 300 };
    const { id } = await operations.run("request-create", wish, { signal: CALL.signal, caller: { lease } });

    expect(await call("request-approve", { id })).toMatchObject({ state: "approved", decidedBy: "person" });
    expect(services.dialogs.shown[0]?.lines.join("\n")).toContain(`request ${id}`);
  });
});

describe("unlock on the page", () => {
  beforeEach(() => {
    services.said.secretStore = "passphrase";
    services.said.state = { state: "locked", message: "the secret store is locked", hint: "brokerctl unlock" };
  });

  it("has brokerd ask for the passphrase", async () => {
    services.dialogs.typed = { answer: "given", secret: new Secret("a right passphrase") };
    expect(await call("unlock", {})).toMatchObject({ state: "open" });
    expect(services.dialogs.shown).toHaveLength(1);
  });

  it("says what to do where no window can be shown, or none was given", async () => {
    services.dialogs.typed = { answer: "impossible", why: "there is no screen", hint: "brokerctl unlock" };
    expect(await brokerErrorOf(() => call("unlock", {}))).toMatchObject({
      code: "StoreLocked",
      message: expect.stringContaining("there is no screen") as string,
      hint: "brokerctl unlock",
    });
    services.dialogs.typed = { answer: "no" };
    expect(await brokerErrorOf(() => call("unlock", {}))).toMatchObject({ code: "StoreLocked" });
    // A program of the user cannot keep the window before a person.
    expect(await brokerErrorOf(() => call("unlock", {}))).toMatchObject({
      message: expect.stringContaining("ask again in 60 s") as string,
    });
    expect(services.dialogs.shown).toHaveLength(2);
  });
});
