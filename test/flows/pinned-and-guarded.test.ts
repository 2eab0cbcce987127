import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { atTerminal } from "../support/at-terminal.js";
import { type Outcome, TestBroker } from "../support/broker.js";
import { BROKERCTL_IN_SHELL } from "../support/brokerctl.js";
import { awsOptions, ROLES_YAML, USER_KEY } from "../support/in-process-broker.js";

const GUARD = "guard: { confirm: terminal, reason: true, max_lease: 30m }";

let aws: FakeAws;
let broker: TestBroker;

beforeEach(async () => {
  aws = await startFakeAws(awsOptions({ sessionSeconds: 900 }));
  const config = ROLES_YAML.replace(/(\n {2}prod: \{[^\n]*?) ?\}\n/, `$1, ${GUARD} }\n`);
  expect(config).toContain(GUARD);
  broker = await TestBroker.create({ name: "pins", config, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
});

afterEach(async () => {
  await broker.stop();
  await aws.close();
});

/** `sh` as a program of the lease `agent` runs it, `brokerctl` being ours. */
function inAgent(script: string): Promise<Outcome> {
  const named = `brokerctl() { ${BROKERCTL_IN_SHELL} "$@"; }`;
  return broker.ctl(["exec", "--lease", "agent", "--", "sh", "-c", `${named}; ${script}`]);
}

/** brokerctl as it is run by a program that has the lease's variables already. */
async function programOf(lease: string): Promise<(...args: readonly string[]) => Promise<Outcome>> {
  const { stdout } = await broker.ctl(["env", "--lease", lease, "--format", "json"]);
  const { set } = JSON.parse(stdout) as { readonly set: Record<string, string> };
  return (...args) => broker.ctl(args, { env: set });
}

async function audit(): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await broker.ctl(["audit", "--json"]);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((text) => JSON.parse(text) as Record<string, unknown>);
}

describe("a program under a pinned lease", () => {
  it("ends with 5 at `use`, which is one line on record, and the lease has not moved", async () => {
    await broker.ctl(["lease", "create", "agent", "dev"]);
    const before = (await audit()).filter(({ outcome }) => outcome === "refused").length;

    const { code, stderr } = await inAgent("brokerctl use chained");

    expect([code, stderr]).toEqual([5, expect.stringContaining("brokerctl lease set agent ROLE")]);
    const refused = (await audit()).filter(({ outcome }) => outcome === "refused");
    expect(refused).toHaveLength(before + 1);
    expect(refused.at(-1)).toMatchObject({ event: "use", code: "LeasePinned", lease_name: "agent" });
    const { stdout } = await broker.ctl(["lease", "show", "agent", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ role: "dev", movable: false });
  });

  it("gets a guarded role by none of the commands, and asks for it by request", async () => {
    await broker.ctl(["lease", "create", "agent", "dev"]);
    const tried = [
      "use prod",
      "exec prod --reason x -- true",
      "env prod --reason x",
      "env prod --as static --reason x",
      "lease create mine prod --reason x",
      "credential-process prod --reason x",
    ];
    for (const command of tried) {
      const { code, stdout } = await inAgent(`brokerctl ${command} < /dev/null`);
      expect([command, code]).toEqual([command, 5]);
      expect(stdout).not.toContain("ASIA");
    }

    const inRunningAgent = await programOf("agent");
    const asked = await inRunningAgent("request", "prod", "--reason", "ticket 4711", "--for", "10m");
    expect(asked.code).toBe(5);
    const id = asked.stdout.trim();
    expect((await inRunningAgent("approve", id)).code).toBe(5);
    const { code, screen } = await atTerminal(broker, ["approve", id], { typed: "y\r" });

    expect(screen).toContain("ticket 4711");
    expect(code).toBe(0);
    expect((await inRunningAgent("whoami", "--json")).stdout).toContain("/prod/");
    expect((await inRunningAgent("credential-process", "prod")).code).toBe(0);
    expect((await inAgent("true")).code).toBe(5); // The token goes to no second program without a yes
    await broker.stop("SIGKILL");
    await broker.start();
    expect((await inRunningAgent("whoami", "--json")).stdout).toContain("/prod/");
    await broker.ctl(["deny", id]);
    expect((await inRunningAgent("whoami", "--json")).stdout).toContain("/dev/");
  });
});

describe("a person at a terminal", () => {
  it("is asked at it, with who asks and why; the answer decides, and without --reason nothing is asked", async () => {
    const exec = ["exec", "prod", "--reason", "a deploy", "--", "sh", "-c", "echo ran $((6*7))"];
    expect((await atTerminal(broker, ["exec", "prod", "--", "true"], { typed: "y\r" })).code).toBe(5);
    const no = await atTerminal(broker, exec, { typed: "\r" });
    expect([no.code, no.screen.includes("ran 42")]).toEqual([5, false]);

    const yes = await atTerminal(broker, exec, { typed: "y\r" });

    expect(yes.code).toBe(0);
    expect(yes.screen).toMatch(/role +prod.*to +a new lease, asked by process \d+.*reason +"a deploy".*ran 42/s);
  });
});
