import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../support/broker.js";
import { type AwsClient, CLIENTS, JAVASCRIPT } from "./aws-clients.js";
import { type Bench, CASES, DEV, PROD, startBench, testRole } from "./bench.js";
import { arnsIn, SUCCESS } from "./outcomes.js";

const DENIED = testRole({ name: "not-mine", account: "444444444444", region: "eu-west-1" });
const WRONG_TOKEN = `brk_${"x".repeat(43)}`;
/** In a shell that has evaluated `env`: the URL of a lease that never was. */
const WITH_WRONG_URL = `eval "$(brokerctl env)"
exec env AWS_CONTAINER_CREDENTIALS_FULL_URI="\${AWS_CONTAINER_CREDENTIALS_FULL_URI%/*}/${WRONG_TOKEN}" "$@"`;

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600, roles: [DENIED] });
  expect(await bench.broker.ctl(["use", DEV.name])).toMatchObject({ code: 0 });
});
afterAll(async () => bench.stop());

/** A client that got no credentials and shows why, as far as it shows anything (docs/clients.md). */
function expectRefusal(outcome: Outcome, client: AwsClient, shown: readonly string[]): void {
  expect(outcome.code).not.toBe(0);
  expect(arnsIn(outcome)).toEqual([]);
  // Whatever the endpoint says, the default chain of the JavaScript SDK says this.
  const expected = client === JAVASCRIPT ? ["Could not load credentials from any providers"] : shown;
  for (const text of expected) expect(outcome.stderr).toContain(text);
}

describe("a wrong token", () => {
  it.concurrent.each(CASES)(
    "$name, home $kind: is refused in the URL, and the user is told what to do",
    async (each) => {
      const label = `url/${each.client.name}/${each.kind}`;
      const outcome = await bench.shell(each.kind, label).script(WITH_WRONG_URL, each.client.identity);
      expectRefusal(outcome, each.client, ["LeaseUnknown", "brokerctl env"]);
      expect(bench.proxy.callsOf(label)).toEqual([]);
    },
  );

  it.concurrent.each(CASES)("$name, home $kind: is refused in the header", async (each) => {
    const label = `header/${each.client.name}/${each.kind}`;
    const wrong = ["env", `AWS_CONTAINER_AUTHORIZATION_TOKEN=${WRONG_TOKEN}`];
    const outcome = await bench.shell(each.kind, label).withExec("", [...wrong, ...each.client.identity]);
    expectRefusal(outcome, each.client, ["LeaseUnknown", "brokerctl env"]);
    expect(bench.proxy.callsOf(label)).toEqual([]);
  });
});

describe("a revoked lease", () => {
  it.concurrent.each(CASES)("$name, home $kind: gives nothing to a new process", async (each) => {
    const name = `${each.client.name}-${each.kind}`.replaceAll(/\W+/g, "-");
    const shell = bench.shell(each.kind, `revoked/${name}`);
    expect(await bench.broker.ctl(["lease", "create", name, PROD.name])).toMatchObject({ code: 0 });
    expect(await shell.script(`brokerctl env --lease ${name} > variables`)).toMatchObject({ code: 0 });
    const ask = (): Promise<Outcome> => shell.script('. ./variables && exec "$@"', each.client.identity);
    const before = await ask();
    expect(before).toEqual(SUCCESS);
    expect(arnsIn(before)).toEqual([PROD.arn]);
    expect(await bench.broker.ctl(["lease", "revoke", name])).toMatchObject({ code: 0 });
    expectRefusal(await ask(), each.client, ["LeaseEnded", name, "brokerctl lease list"]);
  });

  it("leaves the other leases of the role alone", async () => {
    const [client] = CLIENTS;
    const outcome = await bench.shell("empty", "other").withEnv(PROD.name, client!.identity);
    expect(arnsIn(outcome)).toEqual([PROD.arn]);
  });
});

describe("a role that AWS refuses", () => {
  beforeAll(() => bench.proxy.refuse(DENIED.roleArn, { status: 403, code: "AccessDenied" }));

  it.concurrent.each(CLIENTS)("$name shows the broker's reason", async (client) => {
    const { leaseUrl } = await bench.broker.call("lease-access", { pinnedRole: DENIED.name });
    const shell = bench.shell("[default] with only a region", `denied/${client.name}`);
    const outcome = await shell.withLease({ leaseUrl, region: DENIED.region }, client.identity);
    expectRefusal(outcome, client, ["AssumeRoleDenied"]);
  });

  it("is refused by `exec` before any client starts", async () => {
    const shell = bench.shell("empty", "denied/exec");
    const outcome = await shell.withExec(DENIED.name, ["echo", "started"]);
    expect(outcome).toMatchObject({ code: 125, stdout: "" });
    expect(outcome.stderr).toContain(DENIED.name);
  });
});
