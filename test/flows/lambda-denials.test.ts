import { spawn, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FakeGuardrails } from "../fakes/fake-aws/authorize.js";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import type { FakeRole } from "../fakes/fake-aws/principals.js";
import { freePort, type Outcome, TestBroker } from "../support/broker.js";
import { NODE_PROGRAM } from "../support/brokerctl.js";
import { ACCOUNT, awsOptions, ROLES_YAML, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { Collected } from "../support/invoke-locally.js";

const CODE = resolve("test/flows/programs/denied");
const ROLE = roleArn("orders-role");
const named = (name: string, account = ACCOUNT): string => `arn:aws:lambda:eu-west-1:${account}:function:${name}`;
const BILLING = named("billing");
const OTHERS = named("theirs", "222222222222");
const policyArn = (name: string): string => `arn:aws:iam::${ACCOUNT}:policy/${name}`;
const SCP = "arn:aws:organizations::999999999999:policy/o-abc/service_control_policy/p-guard";
const RCP = "arn:aws:organizations::999999999999:policy/o-abc/resource_control_policy/p-data";
const INVOKE = { service: "lambda", command: "Invoke", input: { FunctionName: BILLING } };
/** What would be allowed, in every case where a statement would help. */
const WANTED = { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: BILLING };

function policy(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

function statement(Sid: string, Action: string | readonly string[], Resource: string, more: object = {}): object {
  return { Sid, Effect: "Allow", Action, Resource, ...more };
}

const ALLOWS = statement("All", "*", "*");
const DENIES = { Sid: "NoInvoke", Effect: "Deny", Action: "lambda:Invoke*", Resource: "*" };
const MANAGED = {
  [policyArn("guard")]: policy(DENIES),
  [policyArn("reading")]: policy(statement("Reading", ["lambda:Get*", "lambda:List*"], "*")),
  [policyArn("no-invoke")]: policy(ALLOWS, DENIES),
};

interface Case {
  /** Of the function's role; without `inline` it allows all. */
  readonly role?: Partial<FakeRole>;
  readonly guardrails?: FakeGuardrails;
  readonly flags?: readonly string[];
  readonly event?: object;
  /** In the line after the run and in what `lambda why` prints. */
  readonly says: readonly string[];
  /** In what `lambda why` prints. */
  readonly finds?: readonly string[];
  readonly kind: string;
  readonly explicit: boolean;
  /** What is to be added, and where; absent: nothing helps. */
  readonly addTo?: string;
  readonly statement?: object;
  readonly ours?: true;
  /** In the hint. */
  readonly hint?: string;
}

const CASES: Readonly<Record<string, Case>> = {
  "no policy allows the action": {
    role: { inline: { orders: policy(statement("Read", ["lambda:GetFunction", "lambda:List*"], "*")) } },
    says: [`lambda:InvokeFunction on ${BILLING}: no policy of role orders-role allows it`],
    finds: ["statement Read of inline policy orders allows lambda:GetFunction, lambda:List* there, not it"],
    ...{ kind: "identity", explicit: false, addTo: "a policy of role orders-role", statement: WANTED },
  },
  "a policy allows it on another resource": {
    role: { inline: { orders: policy(statement("CallMail", "lambda:InvokeFunction", named("mail"))) } },
    says: ["no policy of role orders-role allows it"],
    finds: [`statement CallMail of inline policy orders allows it on ${named("mail")}, not there`],
    ...{ kind: "identity", explicit: false, addTo: "a policy of role orders-role", statement: WANTED },
  },
  "a policy allows it under a condition that cannot be known": {
    role: {
      inline: {
        vpc: policy(
          statement("InVpc", "lambda:*", "*", { Condition: { StringEquals: { "aws:SourceVpce": "vpce-1" } } }),
        ),
      },
    },
    says: ["no policy of role orders-role allows it"],
    finds: [
      "statement InVpc of inline policy vpc allows it under StringEquals aws:SourceVpce, and whether that is so cannot be known here",
      "IAM's simulator says of role orders-role: implicitDeny; it does not know aws:SourceVpce",
    ],
    ...{ kind: "identity", explicit: false, addTo: "a policy of role orders-role", statement: WANTED },
  },
  "a policy allows it to what runs in Lambda": {
    role: {
      inline: {
        own: policy(
          statement("Own", "lambda:*", "*", {
            Condition: { ArnEquals: { "lambda:SourceFunctionArn": named("orders") } },
          }),
        ),
      },
    },
    says: ["no policy of role orders-role allows it"],
    finds: [
      "lambda:SourceFunctionArn, which does not hold here: only Lambda itself sets that key, and there it may hold",
    ],
    ...{ kind: "identity", explicit: false, addTo: "a policy of role orders-role", statement: WANTED },
  },
  "a statement denies it": {
    role: { inline: { all: policy(ALLOWS), night: policy({ Effect: "Deny", NotAction: "s3:*", Resource: "*" }) } },
    says: [`lambda:InvokeFunction on ${BILLING}: statement 1 of inline policy night denies it`],
    ...{ kind: "identity", explicit: true, hint: "no Allow wins over a Deny" },
  },
  "a statement of a managed policy denies it, which AWS names": {
    role: { inline: { all: policy(ALLOWS) }, attached: [policyArn("guard")] },
    says: [`statement NoInvoke of managed policy ${policyArn("guard")} denies it`],
    ...{ kind: "identity", explicit: true, hint: "no Allow wins over a Deny" },
  },
  "the permissions boundary does not allow it": {
    role: { permissionsBoundaryArn: policyArn("reading") },
    says: [`permissions boundary ${policyArn("reading")} does not allow it`],
    finds: [
      `statement Reading of permissions boundary ${policyArn("reading")} allows lambda:Get*, lambda:List* there, not it`,
    ],
    ...{ kind: "boundary", explicit: false, addTo: `permissions boundary ${policyArn("reading")}`, statement: WANTED },
  },
  "the permissions boundary denies it": {
    role: { permissionsBoundaryArn: policyArn("no-invoke") },
    says: [`statement NoInvoke of permissions boundary ${policyArn("no-invoke")} denies it`],
    ...{ kind: "boundary", explicit: true, hint: "no Allow wins over a Deny" },
  },
  "what narrows the lease leaves it out": {
    flags: ["--service", "s3:read"],
    says: ["credbroker itself: what narrows this lease (read-only s3) leaves it out"],
    ...{ kind: "session", explicit: false, ours: true, hint: "brokerctl request lambda:orders@dev --reason TEXT" },
  },
  "the function's own policies narrow the developer's role": {
    role: { inline: { orders: policy(statement("Read", "lambda:Get*", "*")) } },
    flags: ["--mode", "session-policy"],
    says: [
      "the policies of role orders-role, by which credbroker narrows dev (--mode session-policy), do not allow it",
    ],
    finds: ["statement 1 of the session policy allows lambda:Get* there, not it"],
    ...{ kind: "session", explicit: false, ours: true, addTo: "a policy of role orders-role", statement: WANTED },
  },
  "a service control policy denies it": {
    guardrails: { scps: { [SCP]: policy(ALLOWS, DENIES) } },
    says: [`a service control policy ${SCP} denies it, which no policy of the role can change`],
    finds: ["IAM's simulator says of role orders-role: explicitDeny; the organization does not allow it"],
    ...{ kind: "scp", explicit: true, hint: "administrators of the organization" },
  },
  "no service control policy allows it": {
    guardrails: { scps: { [SCP]: policy(statement("Only", ["s3:*", "iam:*", "sts:*"], "*")) } },
    says: ["no service control policy allows it, which no policy of the role can change"],
    ...{ kind: "scp", explicit: false, hint: "administrators of the organization" },
  },
  "a resource control policy denies it": {
    guardrails: { rcps: { [RCP]: policy(DENIES) } },
    says: [`a resource control policy ${RCP} denies it`],
    ...{ kind: "rcp", explicit: true, hint: "administrators of the organization" },
  },
  "the policy of a VPC endpoint does not allow it": {
    guardrails: { vpcEndpoint: policy(statement("Only", ["s3:*", "iam:*", "sts:*"], "*")) },
    says: ["no VPC endpoint policy allows it"],
    ...{ kind: "vpc-endpoint", explicit: false, hint: "administrators of the VPC endpoint" },
  },
  "the policy of the resource does not let the role in": {
    guardrails: { resources: { [OTHERS]: policy(statement("Ours", "lambda:GetFunction", "*")) } },
    event: { ...INVOKE, input: { FunctionName: OTHERS } },
    says: [`the policy of ${OTHERS} does not let the role in`],
    ...{ kind: "resource", explicit: false, addTo: `the policy of ${OTHERS}` },
    statement: { Effect: "Allow", Principal: { AWS: ROLE }, Action: "lambda:InvokeFunction", Resource: OTHERS },
  },
  "the code takes a refusal for an answer": {
    role: { inline: { orders: policy(statement("Read", "iam:GetRole", "*")) } },
    event: { ...INVOKE, isCaught: true },
    says: ["no policy of role orders-role allows it"],
    finds: ["none of the 1 statements of role orders-role allows any action of lambda"],
    ...{ kind: "identity", explicit: false, addTo: "a policy of role orders-role", statement: WANTED },
  },
};

let aws: FakeAws;
let broker: TestBroker;

beforeAll(async () => {
  const { roles = [], ...options } = awsOptions();
  const functions = [{ arn: named("orders"), roleArn: ROLE }];
  aws = await startFakeAws({ ...options, roles: [...roles, { arn: ROLE }], functions, managedPolicies: MANAGED });
  const config = `${ROLES_YAML}lambda: { via: dev }\n`;
  broker = await TestBroker.create({ name: "denials", config, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
});

afterAll(async () => {
  await broker.stop();
  await aws.close();
});

beforeEach(() => {
  aws.setGuardrails({});
  aws.faults.clear();
  setRole();
});

function setRole(role: Partial<FakeRole> = {}): void {
  aws.setRole({ arn: ROLE, trusts: [roleArn("dev")], inline: { all: policy(ALLOWS) }, ...role, isEnforced: true });
}

const lambda = (args: readonly string[], input?: string): Promise<Outcome> =>
  broker.ctl(["lambda", ...args], { env: { AWS_ENDPOINT_URL: aws.url }, ...(input !== undefined && { input }) });

const invoke = (event: object, flags: readonly string[] = []): Promise<Outcome> =>
  lambda(["invoke", "orders", "--task-root", CODE, "--event", "-", ...flags], JSON.stringify(event));

interface Report {
  readonly summary: string;
  readonly findings: readonly string[];
  readonly denial: Readonly<Record<string, unknown>>;
  readonly statement: unknown;
  readonly add_to: string | null;
  readonly ours: boolean;
  readonly hint: string | null;
  readonly not_looked_at: readonly string[];
}

async function why(...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await lambda(["why", "orders", "--json", ...args]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Report;
}

describe.each(Object.entries(CASES))(
  "a refusal where %s",
  (_, { role, guardrails = {}, flags, event, ...expected }) => {
    it("is explained in a line after the run, and by `lambda why`", async () => {
      setRole(role);
      aws.setGuardrails(guardrails);
      const ran = await invoke(event ?? INVOKE, flags);
      const line = ran.stderr.split("\n").find((one) => one.startsWith("brokerctl: denied:"));
      for (const said of expected.says) expect(line, ran.stderr).toContain(said);
      if (expected.statement) expect(line).toContain(`add to ${expected.addTo}: ${JSON.stringify(expected.statement)}`);
      else expect(line).not.toContain("add to");

      const report = await why();
      for (const said of expected.says) expect(report.summary).toContain(said);
      const findings = report.findings.join("\n");
      for (const found of expected.finds ?? []) expect(findings).toContain(found);
      expect(report).toMatchObject({
        denial: { action: "lambda:InvokeFunction", policy_type: expected.kind, explicit: expected.explicit },
        statement: expected.statement ?? null,
        add_to: expected.addTo ?? null,
        ours: expected.ours ?? false,
      });
      if (expected.hint !== undefined) expect(report.hint).toContain(expected.hint);
      expect(report.not_looked_at.at(-1)).toContain("resource control policies, the resource's own policy");
    });
  },
);

describe("a refusal", () => {
  it("of credentials that the code brings itself is told as that", async () => {
    const own = { accessKeyId: USER_KEY.accessKeyId, secretAccessKey: USER_KEY.secretAccessKey };
    aws.faults.set("Invoke", {
      ...{ kind: "refuse", status: 403, code: "AccessDeniedException" },
      message: `User: arn:aws:iam::${ACCOUNT}:user/me is not authorized to perform: lambda:InvokeFunction on resource: ${BILLING}`,
    });
    const { stderr } = await invoke({ ...INVOKE, own });
    expect(stderr).toContain(`refused to arn:aws:iam::${ACCOUNT}:user/me, which is not orders-role`);
    expect((await why()).statement).toBeNull();
  });

  it("is explained by what can be read, and what cannot is named", async () => {
    setRole({ inline: { orders: policy(statement("Read", "lambda:Get*", "*")) }, attached: [policyArn("guard")] });
    aws.faults.set("GetRolePolicy", { kind: "deny" });
    aws.faults.set("SimulatePrincipalPolicy", { kind: "deny" });
    const message = `User: arn:aws:sts::${ACCOUNT}:assumed-role/orders-role/orders is not authorized to perform: lambda:InvokeFunction on resource: ${BILLING}`;
    const report = await why("--message", message);
    expect(report.summary).toContain(`statement NoInvoke of managed policy ${policyArn("guard")} denies it`);
    expect(report.not_looked_at.join("\n")).toMatch(
      /inline policies of role orders-role: AWS denies iam:GetRolePolicy[^]*IAM's simulator: AWS denies iam:SimulatePrincipalPolicy/,
    );
  });

  it("of which AWS says no more than that is told as what it is not, where the role's policies allow it", async () => {
    const report = await why("--action", "s3:GetObject", "--resource", "arn:aws:s3:::uploads/a b.png");
    expect(report.summary).toContain("AWS did not say which policy, and the policies that can be read allow it");
    expect(report.statement).toBeNull();
    const bare = await why("--message", "AccessDenied: Access Denied");
    expect(bare.summary).toBe("a service refused it, and named neither action nor resource");
    expect(bare.hint).toContain("lambda why orders --action s3:GetObject --resource ARN");
  });

  it("is read out of a log on stdin", async () => {
    const log = `INFO start\nAn error occurred (AccessDenied) when calling the HeadObject operation: Access Denied\nINFO end\n`;
    setRole({ inline: { orders: policy(statement("Read", "lambda:Get*", "*")) } });
    const { stdout, code } = await lambda(
      ["why", "orders", "--message", "-", "--resource", "arn:aws:s3:::uploads/a"],
      log,
    );
    expect([code, stdout.split("\n")[0]]).toEqual([
      0,
      "s3:GetObject on arn:aws:s3:::uploads/a: no policy of role orders-role allows it",
    ]);
    expect(stdout).toContain('add to a policy of role orders-role:\n  {"Effect":"Allow","Action":"s3:GetObject"');
  });

  it.each([
    ["of a function that none was met by", ["billing"], 1, "brokerd knows of no refusal that a run of billing met"],
    ["that the message does not tell of", ["orders", "--message", "all is well"], 2, "nothing in it"],
    ["by what is no action", ["orders", "--action", "GetObject"], 2, "not 'GetObject'"],
    ["of a resource alone", ["orders", "--resource", BILLING], 2, "--resource goes with --action"],
  ])("%s is an error", async (_, args, expected, said) => {
    expect(await lambda(["why", ...args])).toMatchObject({
      code: expected,
      stderr: expect.stringContaining(said) as string,
    });
  });

  it("costs a run neither its result nor its exit code where brokerd cannot explain it", async () => {
    setRole({ inline: {} });
    aws.faults.set("GetRole", { kind: "failing" });
    const { code, stdout, stderr } = await invoke({ ...INVOKE, isCaught: true });
    expect([code, stdout]).toEqual([0, '"refused"\n']);
    expect(stderr).toContain(`brokerctl: denied: lambda:InvokeFunction on ${BILLING}\n`);
    expect(stderr).toContain("hint: brokerctl lambda why orders --via dev");
  });

  it("is kept in no file", async () => {
    setRole({ inline: {} });
    await invoke(INVOKE);
    const { stdout: files, status } = spawnSync("grep", ["-rl", "function:billing", broker.home], { encoding: "utf8" });
    expect([status, files]).toEqual([1, ""]);
  });

  it("is told once by `lambda serve`, however often it is met", async () => {
    setRole({ inline: { orders: policy(statement("Read", "iam:GetUser", "*")) } });
    const printed = new Collected();
    const port = await freePort();
    const words = ["lambda", "serve", "orders", "--task-root", CODE, "--port", String(port)];
    const [program, ...before] = NODE_PROGRAM;
    const serving = spawn(program, [...before, ...words], {
      env: { ...broker.env, AWS_ENDPOINT_URL: aws.url },
      stdio: ["ignore", "ignore", "pipe"],
    });
    serving.stderr.pipe(printed);
    await printed.holds("Ctrl-C ends it");
    const event = { service: "iam", command: "GetRole", input: { RoleName: "deploy" }, isCaught: true };
    const call = (body: object): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/2015-03-31/functions/orders/invocations`, {
        ...{ method: "POST", body: JSON.stringify(body) },
      });
    await call(event);
    await printed.holds(`denied: iam:GetRole on ${roleArn("deploy")}: no policy of role orders-role allows it`);
    await call(event);
    await call({ ...event, input: { RoleName: "other" } });
    await printed.holds(`denied: iam:GetRole on ${roleArn("other")}`);
    serving.kill("SIGKILL");
    expect(printed.text.split(`denied: iam:GetRole on ${roleArn("deploy")}`)).toHaveLength(2);
  });
});
