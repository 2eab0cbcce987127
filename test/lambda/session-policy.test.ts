import { describe, expect, test } from "vitest";
import { type RolePolicies, sessionPolicyOf } from "../../src/lambda/session-policy.js";
import { brokerErrorOf } from "../support/broker-error-of.js";

const ACCOUNT = "111111111111";
const DENY_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}';

interface Policies {
  readonly attached?: readonly string[];
  readonly inline?: Readonly<Record<string, unknown>>;
  readonly boundary?: string;
}

/** Documents as objects, or as the text that stands there. */
function policies({ attached = [], inline = {}, boundary }: Policies): RolePolicies {
  return {
    attached: attached.map((policyArn) => ({ policyName: policyArn.split("/").at(-1) ?? "", policyArn })),
    inline: Object.entries(inline).map(([policyName, document]) => ({
      policyName,
      document: typeof document === "string" ? document : JSON.stringify(document, null, 4),
    })),
    permissionsBoundaryArn: boundary,
    account: ACCOUNT,
  };
}

function managed(count: number, owner = "aws"): string[] {
  return Array.from({ length: count }, (_, index) => `arn:aws:iam::${owner}:policy/p${index}`);
}

function allow(action: string, more: object = {}): object {
  return { Effect: "Allow", Action: action, Resource: "*", ...more };
}

function document(statement: unknown): object {
  return { Version: "2012-10-17", Statement: statement };
}

const refusal = (of: Policies): ReturnType<typeof brokerErrorOf> => brokerErrorOf(() => sessionPolicyOf(policies(of)));

describe("a role's policies become", () => {
  test("with none at all: a document that denies everything, for without any AWS would not narrow", () => {
    expect(sessionPolicyOf(policies({}))).toEqual({ policy: DENY_ALL });
  });

  test("with one whose list of statements is empty: the same", () => {
    expect(sessionPolicyOf(policies({ inline: { empty: document([]) } }))).toEqual({ policy: DENY_ALL });
  });

  test.each([1, 10])("with %i managed ones and no inline ones: their ARNs, and no document", (count) => {
    expect(sessionPolicyOf(policies({ attached: managed(count) }))).toEqual({ policyArns: managed(count) });
  });

  test("with inline ones: one minified document, all statements in order, without Sids", () => {
    const inline = {
      first: document([
        { Sid: "Same", ...allow("s3:GetObject") },
        { Sid: "Two", Effect: "Deny", NotAction: ["s3:*"], Resource: ["*"], Condition: { Bool: { x: "true" } } },
      ]),
      second: { Id: "kept nowhere", ...document({ Sid: "Same", ...allow("sqs:*") }) },
    };

    expect(sessionPolicyOf(policies({ inline }))).toEqual({
      policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          allow("s3:GetObject"),
          { Effect: "Deny", NotAction: ["s3:*"], Resource: ["*"], Condition: { Bool: { x: "true" } } },
          allow("sqs:*"),
        ],
      }),
    });
  });

  test("with both: both", () => {
    const attached = [...managed(1), ...managed(1, ACCOUNT)];

    expect(sessionPolicyOf(policies({ attached, inline: { one: document(allow("a:b")) } }))).toEqual({
      policy: JSON.stringify(document([allow("a:b")])),
      policyArns: attached,
    });
  });

  test.each([["2008-10-17"], [undefined]])(
    "of Version %s, without variables: what they say in the newer one",
    (version) => {
      const inline = {
        old: { ...(version && { Version: version }), Statement: allow("a:b", { Resource: "arn:$x{y}" }) },
      };

      expect(sessionPolicyOf(policies({ inline })).policy).toContain("2012-10-17");
    },
  );

  test("escapes, numbers, quotes and white space are read as what they mean", () => {
    const one =
      '{ "Version":"2012-10-17",\n\t"Statement":{"Effect":"Allow","Action":"s3:\\u0047et","Resource":"a\\\\\\"b\\/",' +
      '"Condition":{"NumericLessThan":{"a:b":-1.5},"Bool":{"c:d":true},"StringLike":{"e:f":["", "x y"]}}} }';

    expect(JSON.parse(sessionPolicyOf(policies({ inline: { one } })).policy ?? "")).toMatchObject({
      Statement: [
        {
          Action: "s3:Get",
          Resource: 'a\\"b/',
          Condition: { NumericLessThan: { "a:b": -1.5 }, StringLike: { "e:f": ["", "x y"] } },
        },
      ],
    });
  });

  test("variables of the newer Version stay as they are", () => {
    const statement = allow("s3:*", { Resource: "arn:aws:s3:::b/$" + "{aws:username}/*" });

    expect(sessionPolicyOf(policies({ inline: { one: document(statement) } })).policy).toContain("{aws:username}");
  });
});

describe("what a session policy cannot say is refused by name:", () => {
  test("a permissions boundary, which intersects", async () => {
    const boundary = `arn:aws:iam::${ACCOUNT}:policy/boundary`;
    const error = await refusal({ boundary, attached: managed(1) });

    expect(error).toMatchObject({ code: "PolicyUnfit" });
    expect(error.message).toContain(boundary);
  });

  test("eleven managed policies", async () => {
    const error = await refusal({ attached: managed(11) });

    expect(error).toMatchObject({ code: "PolicyUnfit" });
    for (const arn of managed(11)) expect(error.message).toContain(arn);
  });

  test("a managed policy of another account", async () => {
    const error = await refusal({ attached: [...managed(2), ...managed(1, "999999999999")] });

    expect(error).toMatchObject({ code: "PolicyUnfit" });
    expect(error.message).toContain("arn:aws:iam::999999999999:policy/p0");
  });

  test.each([["2008-10-17"], [undefined]])(
    "${…} in a policy of Version %s, where it is no variable",
    async (version) => {
      const statement = allow("a:b", { Resource: "arn:aws:s3:::$" + "{aws:username}" });
      const error = await refusal({
        inline: { fine: document(allow("a:b")), old: { Version: version, Statement: statement } },
      });

      expect(error).toMatchObject({ code: "PolicyUnfit" });
      expect(error.message).toContain("policy old ");
    },
  );

  test("${…} that the former Version wrote with an escape, which would be a variable in the newer one", async () => {
    const old =
      '{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"arn:\\u0024{aws:username}"}}';

    expect(await refusal({ inline: { old } })).toMatchObject({ code: "PolicyUnfit" });
  });

  test("a character that STS does not take, also where the document wrote it as an escape", async () => {
    const odd = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"arn:\\u4e2d"}}';

    expect(await refusal({ inline: { odd } })).toMatchObject({ code: "PolicyUnfit" });
  });

  test.each([
    ["a condition operator", '"Condition":{"StringEquals":{"aws:a":"1"},"StringEquals":{"aws:b":"2"}}'],
    ["a condition key, once with an escape", '"Condition":{"StringEquals":{"aws:a":"1","\\u0061ws:a":"2"}}'],
    ["an element", '"Resource":"arn:aws:s3:::b"'],
    ["a number that loses digits", '"Condition":{"NumericLessThan":{"aws:a":12345678901234567890}}'],
  ])("a document of which a part would be lost: %s", async (_name, more) => {
    const twice = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"*",${more}}]}`;

    expect(await refusal({ inline: { twice } })).toMatchObject({ code: "PolicyUnfit" });
  });

  test.each([
    ["no JSON", "{"],
    ["no document", "[]"],
    ["null", "null"],
    ["no statement", "{}"],
    ["a statement that is a text", '{"Version":"2012-10-17","Statement":["*"]}'],
    ["a Version of its own", '{"Version":"2031-01-01","Statement":[]}'],
    ["a character that STS does not take", document(allow("a:b", { Resource: "arn:aws:s3:::zażółć" }))],
  ])("an inline policy with %s", async (_name, text) => {
    const error = await refusal({ inline: { odd: text } });

    expect(error).toMatchObject({ code: "PolicyUnfit" });
    expect(error.message).toContain("odd");
  });
});

describe("STS's limit of 2,048 characters", () => {
  /** An inline policy that is minified to exactly so many characters. */
  function sized(characters: number): object {
    const empty = JSON.stringify(document([allow("a:b", { Resource: "" })])).length;
    return document([allow("a:b", { Resource: "r".repeat(characters - empty) })]);
  }

  test("is reached exactly, and no further", async () => {
    expect(sessionPolicyOf(policies({ inline: { big: sized(2048) } })).policy).toHaveLength(2048);
    expect(await refusal({ inline: { big: sized(2049) } })).toMatchObject({ code: "PolicyUnfit" });
  });

  test("holds for the document and the ARNs together", async () => {
    const [arn = ""] = managed(1);

    expect(
      sessionPolicyOf(policies({ inline: { big: sized(2048 - arn.length) }, attached: [arn] })).policyArns,
    ).toEqual([arn]);
    expect(await refusal({ inline: { big: sized(2049 - arn.length) }, attached: [arn] })).toMatchObject({
      code: "PolicyUnfit",
    });
  });

  test("the refusal names each policy and its size", async () => {
    const error = await refusal({ inline: { huge: sized(1900), small: sized(150) }, attached: managed(2) });

    expect(error).toMatchObject({ code: "PolicyUnfit" });
    for (const part of ["huge 1900", "small 150", ...managed(2)]) expect(error.message).toContain(part);
  });
});

test("nothing that is in the policies is ever left out of what is sent", () => {
  for (let count = 1; count <= 10; count++) {
    const inline = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`i${index}`, document(allow(`svc${index}:*`))]),
    );
    const { policy = "", policyArns } = sessionPolicyOf(policies({ inline, attached: managed(count) }));

    expect((JSON.parse(policy) as { Statement: unknown[] }).Statement).toHaveLength(count);
    expect(policyArns).toHaveLength(count);
  }
});
