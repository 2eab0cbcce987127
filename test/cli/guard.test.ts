import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  const guard = (confirm: "terminal" | "desktop" | "passphrase", reason = false) => ({
    guard: { confirm, reason, maxLeaseSeconds: 1800 },
  });
  fixture.control.addSource("ops").addRole("dev");
  fixture.control.addRole("prod", guard("terminal", true));
  fixture.control.addRole("screen", guard("desktop"));
  fixture.control.addRole("vault", guard("passphrase"));
  fixture.control.passphrase = "the right one";
});

const YES = [/Give it/, true] as const;

describe("a guarded role", () => {
  it("is asked for at the terminal, with all that decides, before anything is fetched", async () => {
    const { code, asked } = await fixture.run(["use", "prod", "--default", "--for", "10m", "--reason", "deploy"], {
      answers: [YES],
    });

    expect(code).toBe(0);
    expect(asked[0]).toMatch(/role +prod \(account 111111111111\)\nto .*\nfor +10 min.*\nreason +"deploy"/);
    expect(fixture.control.calls.map(({ operation }) => operation).slice(0, 3)).toEqual([
      ...["guard-confirm", "guard-confirm", "use"],
    ]);
  });

  it.each<[string, readonly string[]]>([
    ["use", ["use", "prod", "--default", "--for", "5m"]],
    ["env", ["env", "prod"]],
    ["env --new", ["env", "prod", "--new", "--pid", String(process.pid)]],
    ["env --as static", ["env", "prod", "--as", "static"]],
    ["exec", ["exec", "prod", "--", "true"]],
    ["lease create", ["lease", "create", "mine", "prod"]],
    ["credential-process", ["credential-process", "prod"]],
  ])("is had by %s with a reason and a yes only", async (command, argv) => {
    expect(await fixture.run(argv)).toMatchObject({ code: 5 });
    const withReason = [...argv.slice(0, 2), "--reason", "x", ...argv.slice(2)];
    const noTerminal = await fixture.run(withReason);
    expect([noTerminal.code, noTerminal.stderr]).toEqual([5, expect.not.stringContaining("takes a reason")]);
    expect(fixture.control.requests("warm")).toEqual([]);
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);
    if (command === "credential-process") return;
    const given = await fixture.run(withReason, { answers: [YES] });
    expect(given.code).toBe(0);
  });

  it("is not given by a no, nor where there is no terminal, which brokerd is told for the record and names `request`", async () => {
    const told = () => fixture.control.requests("guard-confirm").filter(({ quiet }) => quiet === true);
    const no = await fixture.run(["use", "prod", "--default", "--for", "5m", "--reason", "x"], {
      answers: [[/Give it/, false]],
    });
    expect([no.code, no.stderr]).toEqual([5, expect.stringContaining("the answer was no")]);
    expect(told()).toMatchObject([{ role: "prod", reason: "x", target: { by: "default" } }]);
    const none = await fixture.run(["exec", "prod", "--reason", "x", "--", "true"]);
    expect([none.code, none.stderr]).toEqual([5, expect.stringContaining("brokerctl request prod --reason TEXT")]);
    expect(told()).toHaveLength(2);
  });

  it("is asked for by brokerd on the screen, and the passphrase three times at most", async () => {
    fixture.control.dialogAnswer = false;
    expect((await fixture.run(["lease", "create", "a", "screen"])).code).toBe(5);
    fixture.control.dialogAnswer = true;
    expect((await fixture.run(["lease", "create", "a", "screen"])).code).toBe(0);
    const typed = (...words: string[]) => words.map((word) => [/Passphrase/, word] as const);
    expect((await fixture.run(["lease", "create", "b", "vault"], { answers: typed("x", "the right one") })).code).toBe(
      0,
    );
    expect((await fixture.run(["lease", "create", "c", "vault"], { answers: typed("x", "y", "z") })).code).toBe(5);
  });

  it("is told as one JSON object when it is refused", async () => {
    const { code, error } = await fixture.run(["lease", "create", "a", "prod", "--json"]);
    expect(code).toBe(5);
    expect(error).toMatchObject({ code: "GuardRefused", hint: expect.stringContaining("--reason") as string });
  });
});

describe("lease set", () => {
  it("moves a named lease, and no other kind", async () => {
    fixture.control.addLease("named", { name: "agent", role: "dev", movable: false });

    const { code, stderr } = await fixture.run(["lease", "set", "agent", "prod", "--reason", "x"], { answers: [YES] });

    expect(code).toBe(0);
    expect(stderr).toContain("lease agent: dev (111111111111) → prod (111111111111)");
    expect((await fixture.run(["lease", "set", "default", "dev"])).code).toBe(2);
    expect((await fixture.run(["use", "dev", "--lease", "agent"])).code).toBe(5);
  });
});

describe("request", () => {
  const ask = (...more: string[]) => fixture.run(["request", "prod", "--reason", "deploy", ...more]);

  it("prints the id and ends with 5 while it waits for a person", async () => {
    const { code, stdout, stderr } = await ask("--for", "10m");
    expect([code, stdout]).toEqual([5, "abcdef\n"]);
    expect(stderr).toContain("brokerctl approve abcdef");
    expect(fixture.control.requests("request-create")).toEqual([{ role: "prod", reason: "deploy", forSeconds: 600 }]);
  });

  it("waits where it is told to, and ends as it was decided", async () => {
    fixture.control.decidedLater = { state: "approved", until: 2e12 };
    expect(await ask("--wait")).toMatchObject({ code: 0, stdout: "" });
    fixture.control.decidedLater = { state: "denied" };
    expect((await ask("--wait")).stderr).toContain("is denied");
    expect((await ask("--wait")).code).toBe(5);
  });

  it("is told in JSON, its refusal too", async () => {
    const { code, json, error } = await ask("--json");
    expect(code).toBe(5);
    expect(json).toMatchObject({ id: "abcdef", state: "pending", role: "prod", for_seconds: 3600 });
    expect(error).toMatchObject({ code: "RequestPending" });
  });

  it("is listed, counted by status, approved as its guard asks, and denied", async () => {
    await ask();
    expect((await fixture.run(["requests"])).stdout).toMatch(/abcdef +pending +agent +prod .*deploy/);
    expect((await fixture.run(["requests", "--json"])).json).toMatchObject({ requests: [{ id: "abcdef" }] });
    expect((await fixture.run(["status", "--json"])).json).toMatchObject({
      pending_requests: 1,
      roles: [{ guard: null }, { guard: { confirm: "terminal", reason: true, max_lease_seconds: 1800 } }, {}, {}],
      leases: [{ movable: true, guard: null }],
    });
    expect((await fixture.run(["status"])).stderr).toContain("1 requests wait for a person");
    expect((await fixture.run(["completion", "fish", "--", "brokerctl", "approve", ""])).stdout).toContain("abcdef\t");

    expect((await fixture.run(["approve", "nosuch"])).code).toBe(2);
    expect((await fixture.run(["deny", "abcdef"])).code).toBe(0);
  });
});
