import { describe, expect, it } from "vitest";
import { compareVariables } from "../../../../src/cli/lambda/diff/compare-variables.js";
import { parseTemplate } from "../../../../src/cli/lambda/template/read-template.js";
import { functionNamed } from "../../../../src/cli/lambda/template/template-functions.js";
import { templateVariables } from "../../../../src/cli/lambda/template/template-variables.js";

const SECRET = "hunter2";

/** What each name is, where the deployed function has these. */
async function compared(
  text: string,
  id: string,
  deployed: Readonly<Record<string, string>>,
  stage?: string,
): Promise<Readonly<Record<string, string>>> {
  const template = await parseTemplate(text, { flag: "--diff", path: "t", name: "t" });
  const around = { stage, region: undefined, stack: undefined, env: { TOKEN: SECRET } };
  const variables = templateVariables(template, functionNamed(template, id), around);
  const { onlyDeployed, onlyInFile, differs, notCompared, same, leftAside } = compareVariables(deployed, variables);
  const all = Object.entries({ "only deployed": onlyDeployed, "only in file": onlyInFile, differs, same, leftAside });
  const told = [
    ...all.flatMap(([what, names]) => names.map((name) => [name, what])),
    ...notCompared.map(({ name, reason }) => [name, `? ${reason}`]),
  ];
  expect(JSON.stringify(told)).not.toContain(SECRET);
  return Object.fromEntries(told) as Record<string, string>;
}

const SERVICE = `
service: shop
provider:
  name: aws
  environment: { ALL: a, OVER: provider, LOST: x, GONE: x }
custom:
  table: { dev: orders-dev, prod: orders-prod }
  more: { MORE: "\${sls:stage}", REF: { Ref: Table } }
functions:
  orders:
    handler: a.b
    environment:
      OVER: function
      TABLE: \${self:custom.table.\${sls:stage}}
      TOKEN: "\${env:TOKEN}"
      PORT: 8080
      DEBUG: true
      PARAMETER: "x\${ssm:/orders/\${env:TOKEN}}"
      STACK: \${cf:other.Output, '${SECRET}'}
      UNSET: "\${env:NOT_SET, self:custom.\${opt:x, '${SECRET}'}}"
      BRACE: "${SECRET}\${"
      LOOP: "${SECRET}\${self:functions.orders.environment.LOOP}"
      BUCKET: !Ref Bucket
      MAYBE: { "Fn::If": [A, x, { Ref: "AWS::NoValue" }] }
      GONE: { Ref: "AWS::NoValue" }
      NOTHING: null
      LIST: [${SECRET}]
      SSM: "{{resolve:ssm:/x}}"
  more: { handler: a.b, environment: "\${self:custom.more}" }
  elsewhere: { handler: a.b, environment: "\${file(env.yml)}" }
  bare: { handler: a.b }
  odd: { handler: a.b, environment: [A] }
`;

const ELSEWHERE = "only Serverless itself or AWS can tell it: nothing is asked, and no other file is read";

describe("the variables of a serverless.yml", () => {
  const DEPLOYED = { ALL: "a", OVER: "function", LOST: "y", TABLE: "orders-dev", TOKEN: SECRET, PORT: "8080" };

  it("are the provider's and the function's, resolved as far as the file and the shell say", async () => {
    const found = await compared(SERVICE, "orders", { ...DEPLOYED, DEBUG: "true", EXTRA: "x", AWS_REGION: "x" });
    expect(found).toMatchObject({
      ...{ ALL: "same", OVER: "same", LOST: "differs", TABLE: "same", TOKEN: "same", PORT: "same", DEBUG: "same" },
      ...{ EXTRA: "only deployed", AWS_REGION: "leftAside", BUCKET: "only in file", PARAMETER: "only in file" },
      MAYBE: "? Fn::If is resolved when it is deployed",
    });
    expect(found).not.toHaveProperty("GONE");
    expect(await compared(SERVICE, "orders", DEPLOYED, "prod")).toMatchObject({ TABLE: "differs", OVER: "same" });
  });

  it("are not compared where something else decides; why is said without the file's text or the shell's values", async () => {
    const names = ["PARAMETER", "STACK", "UNSET", "BRACE", "LOOP", "BUCKET", "MAYBE", "GONE", "NOTHING", "LIST", "SSM"];
    const deployed = Object.fromEntries(names.map((name) => [name, SECRET]));
    expect(await compared(SERVICE, "orders", deployed)).toMatchObject({
      PARAMETER: `? ${ELSEWHERE}`,
      STACK: `? ${ELSEWHERE}`,
      UNSET: "? NOT_SET is not set in this shell (no .env file is read), self:custom.${opt:x, '…'} has no value",
      BRACE: "? a } is missing",
      LOOP: "? it leads back to itself",
      BUCKET: "? Ref is resolved when it is deployed",
      MAYBE: "? Fn::If is resolved when it is deployed",
      GONE: "only deployed",
      NOTHING: "? it is no text in FILE",
      LIST: "? it is no text in FILE",
      SSM: "? a dynamic reference, which CloudFormation resolves",
    });
  });

  it("may be a map from elsewhere in the file", async () => {
    expect(await compared(SERVICE, "more", { MORE: "dev", REF: "x", ALL: "b", EXTRA: "x" })).toMatchObject({
      ...{ MORE: "same", REF: "? Ref is resolved when it is deployed", ALL: "differs", EXTRA: "only deployed" },
    });
    expect(await compared(SERVICE, "bare", { ALL: "a" })).toMatchObject({ ALL: "same", OVER: "only in file" });
  });

  it("claim nothing that a part which is not read may decide", async () => {
    expect(await compared(SERVICE, "elsewhere", { ALL: "b", OVER: "provider", EXTRA: "x" })).toEqual({
      ...{ ALL: `? ${ELSEWHERE}`, EXTRA: `? ${ELSEWHERE}`, OVER: "same", LOST: "only in file", GONE: "only in file" },
    });
    expect(await compared(SERVICE, "odd", { EXTRA: "x" })).toMatchObject({
      EXTRA: "? its variables are no map in FILE",
    });
  });
});

const SAM = `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Environment: { Variables: { ALL: a, OVER: global, GONE: x } } } }
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          OVER: function
          TABLE: !Ref Table
          URL: !Sub "https://\${Api}/${SECRET}"
          GONE: !Ref AWS::NoValue
          FLAG: yes
          RATE: 1.10
          ACCOUNT: 012345678901
  Plain: { Type: AWS::Lambda::Function, Properties: { Environment: { Variables: { A: "1" } } } }
  None: { Type: AWS::Lambda::Function }
  If: { Type: AWS::Lambda::Function, Properties: { Environment: !If [X, { Variables: { A: 1 } }, !Ref "AWS::NoValue"] } }
  Mixed: { Type: AWS::Lambda::Function, Properties: { Environment: { Variables: { A: "1", "Fn::Transform": { Name: x } } } } }
`;

describe("the variables of a template of CloudFormation", () => {
  it("of SAM are with those of Globals", async () => {
    const deployed = { ALL: "a", OVER: "global", TABLE: "orders", URL: "x", FLAG: "true", RATE: "1.10", X: "1" };
    expect(await compared(SAM, "Orders", { ...deployed, ACCOUNT: "012345678901" })).toEqual({
      ...{ ALL: "same", OVER: "differs", FLAG: "same", RATE: "same", ACCOUNT: "same", X: "only deployed" },
      TABLE: "? Ref is resolved when it is deployed",
      URL: "? Fn::Sub is resolved when it is deployed",
    });
  });

  it("of a plain function are its own; what a function of CloudFormation makes is not known", async () => {
    expect(await compared(SAM, "Plain", { A: "1", ALL: "a" })).toEqual({ A: "same", ALL: "only deployed" });
    expect(await compared(SAM, "None", { A: "1" })).toEqual({ A: "only deployed" });
    expect(await compared(SAM, "If", { A: "1" })).toEqual({ A: "? Fn::If is resolved when it is deployed" });
    expect(await compared(SAM, "Mixed", { A: "2", B: "1" })).toEqual({
      ...{ A: "differs", B: "? Fn::Transform is resolved when it is deployed" },
    });
  });

  it("of CDK are JSON", async () => {
    const variables = { A: "1", B: { "Fn::GetAtt": ["Table", "Arn"] }, __proto__x: "1" };
    const cdk = JSON.stringify({
      Resources: {
        OrdersAB12CD34: { Type: "AWS::Lambda::Function", Properties: { Environment: { Variables: variables } } },
      },
    });
    expect(await compared(cdk, "Orders", { A: "1", B: "arn", constructor: "x" })).toEqual({
      ...{ A: "same", B: "? Fn::GetAtt is resolved when it is deployed", __proto__x: "only in file" },
      constructor: "only deployed",
    });
  });
});
