import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readableReason } from "../../src/core/access-request.js";
import { Questions } from "../../src/requests/questions.js";
import { FakeDialogs } from "../fakes/fake-dialogs.js";
import { atTerminal } from "../support/at-terminal.js";
import { TestBroker } from "../support/broker.js";
import { FakeClock } from "../support/fake-clock.js";
import { ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";

/** What a program writes as its reason so that a person says yes to something else. */
const REASONS: readonly (readonly [what: string, reason: string])[] = [
  ["clears the screen and writes a prompt", "\u001b[2J\u001b[1;1Hrole     readonly\r\nGive it? (Y/n) y\n"],
  ["hides behind carriage returns and backspaces", "deploy\rrole     readonly\b\b\b\u009b2K"],
  [
    "sets the title of the terminal and a link",
    "\u001b]0;pwned\u0007\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\",
  ],
  ["imitates our lines, by line separators too", "x\nto       you\u2028for      1 min\u0085reason   none"],
  ["turns what follows", "safe \u202eetouq \u2066role prod"],
  ["is HTML and markup of dialogs", "<b>approved</b><br/>&lt;span size='0'&gt; <!-- \\n\\033[2J"],
  ["closes a quote of ours", 'x" until 2030-01-01  lease other  by lease "y'],
  ["is as long as a terminal is wide, again and again", `${"x".repeat(79)} role     readonly `.repeat(15)],
  ["formats", "%s %n %1$*1$x ${IFS} $(reboot) `reboot` ; reboot"],
];
// eslint-disable-next-line no-control-regex -- what must not be there
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b\u00ad]/;

let broker: TestBroker;

beforeEach(async () => {
  const guard = "guard: { confirm: terminal, reason: true, max_lease: 30m }";
  const config = ROLES_YAML.replace(/(\n {2}prod: \{[^\n]*?) ?\}\n/, `$1, ${guard} }\n`);
  broker = await TestBroker.create({ name: "reasons", config });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
});

afterEach(() => broker.stop());

describe("a reason that", () => {
  it.each(REASONS)("%s is text in requests, at the terminal, in a dialog and on record", async (_, reason) => {
    await broker.call("lease-create", { name: "agent", role: "dev" });
    const { stdout } = await broker.ctl(["env", "--lease", "agent", "--format", "json"]);
    const { set } = JSON.parse(stdout) as { readonly set: Record<string, string> };
    const asked = await broker.ctl(["request", "prod", "--reason", reason], { env: set });
    expect(asked.code).toBe(5);
    const id = asked.stdout.trim();

    const { requests } = await broker.call("request-list", {});
    const kept = requests[0]?.reason ?? "";
    expect(kept).not.toMatch(OBEYED);
    expect(kept.length).toBeLessThanOrEqual(300);

    const listed = await broker.ctl(["requests"]);
    expect(listed.stdout).not.toMatch(OBEYED);
    const rows = listed.stdout.trimEnd().split("\n");
    expect(rows).toHaveLength(2);
    expect(rows[1]).toMatch(new RegExp(`^${id} +pending +agent +prod .*"[^"]*"$`));

    const { screen } = await atTerminal(broker, ["approve", id], { typed: "n\r" });
    const question = screen.slice(0, screen.indexOf("Give it?"));
    const lines = question.split(/\r?\n/);
    for (const label of ["role", "to", "for", "reason"]) {
      expect(
        lines.filter((line) => line.startsWith(`${label} `)),
        `${label}: ${question}`,
      ).toHaveLength(1);
    }
    expect(lines.find((line) => line.startsWith("role "))).toMatch(/^role +prod/);
    expect(lines.filter((line) => line.length > 79 && !line.includes("\u001b"))).toEqual([]);

    const dialogs = new FakeDialogs();
    const questions = new Questions({ clock: new FakeClock(), dialogs, isPassphrase: () => Promise.resolve(false) });
    const shown = { role: "prod", account: null, asker: "lease agent", reason: readableReason(reason), seconds: 60 };
    await questions.ask("desktop", shown, { who: "agent" }).catch(() => undefined);
    const text = dialogs.shown[0]?.lines ?? [];
    expect(text).toHaveLength(5);
    expect(text.join("")).not.toMatch(OBEYED);
    expect(text[4]).toMatch(/^Reason given: "[^"]*"$/);

    const audit = await broker.ctl(["audit"]);
    const line = audit.stdout.split("\n").find((each) => each.includes("request ") && each.includes("because"));
    expect(line).toMatch(/ {2}because "[^"]*"(?: {2}|$)/);
    expect(audit.stdout).not.toMatch(OBEYED);
    const json = await broker.ctl(["audit", "--json"]);
    expect(json.stdout).not.toMatch(OBEYED);
    expect(
      json.stdout
        .trimEnd()
        .split("\n")
        .every((each) => JSON.parse(each) !== null),
    ).toBe(true);
  });
});
