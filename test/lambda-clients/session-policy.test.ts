import { afterAll, beforeAll, expect, it } from "vitest";
import { DeployedFixture } from "./deployed-fixture.js";
import { ACCOUNT, DEVELOPER_ARN, inlinePolicy, WORKER, WORKER_INLINE, WORKER_MANAGED } from "./deployment.js";

let fixture: DeployedFixture;
beforeAll(async () => {
  fixture = await DeployedFixture.open({ sessionSeconds: 3600 });
}, 120_000);
afterAll(async () => fixture.close());

const invoke = () =>
  fixture.invoke("node", { do: "identity" }, { function: WORKER, flags: ["--mode", "session-policy"] });
const assumed = () =>
  fixture.proxy
    .callsOf("broker")
    .filter(({ action, parameters }) => action === "AssumeRole" && parameters["RoleSessionName"] === WORKER);

it("assumes the developer's role, narrowed by the two managed and two inline policies of the function's role", async () => {
  const outcome = await invoke();

  expect(outcome.code).toBe(0);
  expect(JSON.parse(outcome.stdout)).toEqual({ arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Developer/${WORKER}` });
  const statements = Object.values(WORKER_INLINE)
    .flatMap(({ Statement }) => Statement)
    .map((statement) => Object.fromEntries(Object.entries(statement).filter(([name]) => name !== "Sid")));
  expect(assumed().map(({ parameters }) => parameters)).toEqual([
    {
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: DEVELOPER_ARN,
      RoleSessionName: WORKER,
      DurationSeconds: "3600",
      Policy: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
      "PolicyArns.member.1.arn": WORKER_MANAGED[0],
      "PolicyArns.member.2.arn": WORKER_MANAGED[1],
    },
  ]);
});

it("says what the mode does not do", async () => {
  const { stderr } = await invoke();

  expect(stderr).toContain("dev");
  expect(stderr.split("\n").filter((line) => line.startsWith("brokerctl: warning:")).length).toBeGreaterThanOrEqual(1);
});

it("asks no AssumeRole at all for what cannot fit, and says which policy", async () => {
  const before = assumed().length;
  const big = Array.from({ length: 60 }, (_, index) => `arn:aws:s3:::bucket-of-a-customer-${index}/*`);
  const document = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: big }] };
  await fixture.callAws([inlinePolicy("worker-dev-customers", document)]);

  const outcome = await invoke();

  expect(outcome.code).toBe(5);
  expect(outcome.stderr).toContain("worker-dev-customers");
  expect(assumed().length).toBe(before);
});
