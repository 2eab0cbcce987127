import { afterAll, beforeAll, expect, it } from "vitest";
import { DeployedFixture } from "./deployed-fixture.js";
import { ACCOUNT, DEVELOPER_ARN, WORKER, WORKER_ROLE, WORKER_TRUST } from "./deployment.js";

let fixture: DeployedFixture;
beforeAll(async () => {
  fixture = await DeployedFixture.open({ sessionSeconds: 3600 });
}, 120_000);
afterAll(async () => fixture.close());

/** `brokerctl lambda trust`; what it says in JSON. */
async function trust(...flags: string[]): Promise<Record<string, unknown>> {
  const outcome = await fixture.ctl(["lambda", "trust", WORKER, "--via", "dev", "--json", ...flags]);
  expect(outcome).toMatchObject({ code: 0 });
  return JSON.parse(outcome.stdout) as Record<string, unknown>;
}

/** What IAM keeps. */
async function trustPolicy(): Promise<{ readonly Statement: readonly unknown[] }> {
  const [answer] = (await fixture.callAws([["iam", "get_role", { RoleName: WORKER_ROLE }]])) as [
    { Role: { AssumeRolePolicyDocument: { Statement: unknown[] } } },
  ];
  return answer.Role.AssumeRolePolicyDocument;
}

const identity = () => fixture.invoke("node", { do: "identity" }, { function: WORKER });

/** In one test: each step stands on the one before. */
it("the trust policy says no, then yes, and is in the end what it was", { timeout: 120_000 }, async () => {
  const denied = await identity();
  expect(denied.code).toBe(5);
  expect(denied.stderr).toContain(`brokerctl lambda trust ${WORKER} --via dev`);

  const shown = await trust();
  expect(shown).toMatchObject({ principal: DEVELOPER_ARN, is_present: false, changed: false });
  expect(await trustPolicy()).toEqual(WORKER_TRUST);

  const added = await trust("--apply");
  // The Sid says when.
  const statement = { ...(shown["statement"] as object), Sid: expect.stringMatching(/^CredbrokerLocal/) as string };
  expect(added).toMatchObject({ is_present: true, changed: true, statement });
  expect(await trustPolicy()).toEqual({
    ...WORKER_TRUST,
    Statement: [...WORKER_TRUST.Statement, added["statement"]],
  });
  expect(await trust("--apply")).toMatchObject({ is_present: true, changed: false });
  const admitted = await identity();
  expect(admitted.code).toBe(0);
  expect(JSON.parse(admitted.stdout)).toEqual({
    arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${WORKER_ROLE}/${WORKER}`,
  });

  expect(await trust("--undo")).toMatchObject({ is_present: false, changed: true });
  expect(await trustPolicy()).toEqual(WORKER_TRUST);
  expect(await trust("--undo")).toMatchObject({ is_present: false, changed: false });
  expect(await trustPolicy()).toEqual(WORKER_TRUST);
});
