import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENTS, JAVASCRIPT } from "./aws-clients.js";
import { type Bench, CASES, DEV, PROD, startBench } from "./bench.js";
import { arnsIn, SUCCESS, successByEnv } from "./outcomes.js";

const FORMS = ["url", "header", "token-file", "static"] as const;
const CLIENT_FORMS = CLIENTS.flatMap((client) => FORMS.map((form) => ({ name: client.name, client, form })));

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
  expect(await bench.broker.ctl(["use", DEV.name])).toMatchObject({ code: 0 });
});
afterAll(async () => bench.stop());

/** The one key that signed, and that it was handed out by us; for which region. */
function regionsSigned(label: string): readonly (string | null)[] {
  const keys = bench.proxy.keysOf(label);
  expect(keys).toHaveLength(1);
  expect(bench.proxy.endOf(keys[0]!)).toBeGreaterThan(0);
  return [...new Set(bench.proxy.callsOf(label).map(({ region }) => region))];
}

describe("a client's identity", () => {
  it.concurrent.each(CASES)(
    "$name, home $kind: after `env`, the role of the default lease",
    async ({ client, kind }) => {
      const label = `env/${client.name}/${kind}`;
      const outcome = await bench.shell(kind, label).withEnv("", client.identity);
      expect(outcome).toEqual(successByEnv(kind));
      expect(arnsIn(outcome)).toEqual([DEV.arn]);
      expect(regionsSigned(label)).toEqual([DEV.region]);
    },
  );

  it.concurrent.each(CASES)("$name in a home $kind: `exec ROLE` makes it that role", async ({ client, kind }) => {
    const label = `exec/${client.name}/${kind}`;
    const outcome = await bench.shell(kind, label).withExec(PROD.name, client.identity);
    expect(outcome).toEqual(SUCCESS);
    expect(arnsIn(outcome)).toEqual([PROD.arn]);
    expect(regionsSigned(label)).toEqual([PROD.region]);
  });

  it.concurrent.each(CLIENT_FORMS)("$name: `env ROLE --as $form` makes it that role", async ({ client, form }) => {
    const label = `${form}/${client.name}`;
    const outcome = await bench.shell("empty", label).withEnv(`${PROD.name} --as ${form}`, client.identity);
    // The JavaScript SDK warns of a token both in the environment and in a file; others read only one of the two.
    const warns = client === JAVASCRIPT && form === "token-file";
    expect(outcome).toEqual(warns ? { ...SUCCESS, stderr: expect.any(String) as string } : SUCCESS);
    expect(arnsIn(outcome)).toEqual([PROD.arn]);
    expect(regionsSigned(label)).toEqual([PROD.region]);
  });

  it("asks AWS once for each role, however many clients there were", () => {
    const assumed = bench.proxy.callsOf("broker").filter(({ action }) => action === "AssumeRole");
    expect(assumed.map(({ roleArn }) => roleArn).sort()).toEqual([DEV.roleArn, PROD.roleArn]);
  });
});
