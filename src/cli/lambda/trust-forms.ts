/** In which form the statement is printed: as policies have it, or as templates that make the role take it. */
export const TRUST_FORMS = ["json", "yaml", "terraform"] as const;
export type TrustForm = (typeof TRUST_FORMS)[number];

type Fields = Readonly<Record<string, unknown>>;

/** `statement` is JSON; the other forms say the same. */
export function trustForm(statement: string, form: TrustForm): string {
  if (form === "json") return statement;
  const fields = JSON.parse(statement) as Fields;
  return form === "yaml" ? yamlItem(fields) : terraformBlock(fields);
}

/** An item of `AssumeRolePolicyDocument`'s `Statement` in CloudFormation, SAM and Serverless. JSON's texts are YAML's, too. */
function yamlItem(statement: Fields): string {
  return `- ${yamlLines(statement).join("\n  ")}`;
}

function yamlLines(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const key = name.includes(":") ? JSON.stringify(name) : name;
    return isFields(value)
      ? [`${key}:`, ...yamlLines(value).map((line) => `  ${line}`)]
      : [`${key}: ${JSON.stringify(value)}`];
  });
}

/** A block of `data "aws_iam_policy_document"`. */
function terraformBlock(statement: Fields): string {
  const { Sid: sid, Effect: effect, Action: action, Principal: principal, Condition: condition = {} } = statement;
  const principals = Object.entries(principal as Fields).map(([type, identifiers]) =>
    hclBlock("principals", { type, identifiers: listOf(identifiers) }),
  );
  const conditions = Object.entries(condition as Fields).flatMap(([test, keys]) =>
    Object.entries(keys as Fields).map(([variable, values]) =>
      hclBlock("condition", { test, variable, values: listOf(values) }),
    ),
  );
  return hclBlock("statement", { sid, effect, actions: listOf(action) }, [...principals, ...conditions]).join("\n");
}

function hclBlock(name: string, attributes: Fields, blocks: readonly (readonly string[])[] = []): string[] {
  const width = Math.max(...Object.keys(attributes).map((key) => key.length));
  const lines = Object.entries(attributes).map(([key, value]) => `${key.padEnd(width)} = ${hclValue(value)}`);
  return [`${name} {`, ...[...lines, ...blocks.flat()].map((line) => `  ${line}`), "}"];
}

/** HCL's texts are JSON's, but that `${` and `%{` begin a template. */
function hclValue(value: unknown): string {
  return JSON.stringify(value).replaceAll(/([$%])\{/g, "$1$1{");
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
