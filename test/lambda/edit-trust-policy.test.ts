import { describe, expect, test } from "vitest";
import { addStatement, otherSids, removeStatement, standingOf } from "../../src/lambda/edit-trust-policy.js";
import { type TrustStatement, trustStatement } from "../../src/lambda/trust-statement.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { seededRandom } from "../support/random.js";
import { DEV_ROLE, devRole, SERVICE_ONLY, SERVICE_STATEMENT } from "./lambda-fixture.js";

const ours = trustStatement({ arn: DEV_ROLE }, devRole());
const conditional = trustStatement(
  { arn: "arn:aws:iam::111111111111:root", arnLike: ["arn:aws:iam::111111111111:role/x"] },
  devRole(),
);

function policy(statement: unknown, more: object = {}): string {
  return JSON.stringify({ Version: "2012-10-17", ...more, Statement: statement });
}

const parsed = (document: string): unknown => JSON.parse(document);

describe("the statement", () => {
  test("lets just this principal assume the role, under a Sid that IAM takes", () => {
    expect(ours).toEqual({
      Sid: ours.Sid,
      Effect: "Allow",
      Principal: { AWS: DEV_ROLE },
      Action: "sts:AssumeRole",
    });
    expect(ours.Sid).toMatch(/^CredbrokerLocal[0-9a-f]{12}$/);
  });

  test("has the same Sid for the same principal, and another for another", () => {
    expect(trustStatement({ arn: DEV_ROLE }, devRole()).Sid).toBe(ours.Sid);
    expect(trustStatement({ arn: `${DEV_ROLE}2` }, devRole()).Sid).not.toBe(ours.Sid);
    expect(conditional.Sid).not.toBe(ours.Sid);
  });

  test("lets in what a chain carries along: transitive tags and a source identity", () => {
    const assume = { roleArn: DEV_ROLE, roleSessionName: "ann", durationSeconds: 3600 };
    const tagged = devRole({
      assume: { ...assume, tags: { a: "b" }, transitiveTagKeys: ["a"], sourceIdentity: "ann" },
    });
    const behind = devRole({ origin: { kind: "role", role: tagged } });

    for (const via of [tagged, behind]) {
      expect(trustStatement({ arn: DEV_ROLE }, via).Action).toEqual([
        "sts:AssumeRole",
        "sts:TagSession",
        "sts:SetSourceIdentity",
      ]);
    }
    expect(trustStatement({ arn: DEV_ROLE }, devRole({ assume: { ...assume, tags: { a: "b" } } })).Action).toBe(
      "sts:AssumeRole",
    );
  });
});

describe("adding", () => {
  test("keeps everything else as it stands, in its order", () => {
    const before = policy([SERVICE_STATEMENT, { Sid: "Other", Effect: "Deny" }], { Id: "mine" });

    const { document, changed } = addStatement(before, ours);

    expect(changed).toBe(true);
    expect(parsed(document)).toEqual(
      parsed(policy([SERVICE_STATEMENT, { Sid: "Other", Effect: "Deny" }, ours], { Id: "mine" })),
    );
    expect(Object.keys(parsed(document) as object)).toEqual(["Version", "Id", "Statement"]);
  });

  test("twice is once", () => {
    const once = addStatement(SERVICE_ONLY, ours).document;

    expect(addStatement(once, ours)).toEqual({ document: once, changed: false });
    expect(standingOf(once, ours)).toBe("present");
  });

  test.each([
    ["lists of one", { Principal: { AWS: [DEV_ROLE] }, Action: ["sts:AssumeRole"] }],
    ["another order", { Sid: ours.Sid, Action: ours.Action, Principal: ours.Principal, Effect: ours.Effect }],
  ])("knows its statement again with %s, as IAM may give it back", (_name, change) => {
    expect(standingOf(policy([SERVICE_STATEMENT, { ...ours, ...change }]), ours)).toBe("present");
  });

  test("leaves it at another statement that says the same, and removing leaves that one alone", () => {
    const before = policy([SERVICE_STATEMENT, { ...ours, Sid: "ByHand", Principal: { AWS: [DEV_ROLE] } }]);

    expect(standingOf(before, ours)).toBe("equal");
    expect(addStatement(before, ours)).toEqual({ document: before, changed: false });
    expect(removeStatement(before, ours)).toEqual({ document: before, changed: false });
  });

  test("renews one whose principal was deleted, where it stands", () => {
    const stale = { ...ours, Principal: { AWS: "AROAEXAMPLEEXAMPLE123" } };

    expect(standingOf(policy([stale, SERVICE_STATEMENT]), ours)).toBe("stale");
    expect(parsed(addStatement(policy([stale, SERVICE_STATEMENT]), ours).document)).toEqual(
      parsed(policy([ours, SERVICE_STATEMENT])),
    );
    expect(parsed(addStatement(policy(stale), ours).document)).toEqual(parsed(policy(ours)));
  });
});

describe("removing", () => {
  test("takes just its own, and says when there was none", () => {
    const other = { ...conditional };
    const both = policy([SERVICE_STATEMENT, ours, other]);

    expect(parsed(removeStatement(both, ours).document)).toEqual(parsed(policy([SERVICE_STATEMENT, other])));
    expect(removeStatement(SERVICE_ONLY, ours)).toEqual({ document: SERVICE_ONLY, changed: false });
    expect(otherSids(both, ours)).toEqual([conditional.Sid]);
  });

  test("takes one whose principal was deleted", () => {
    const stale = { ...ours, Principal: { AWS: "AIDAEXAMPLEEXAMPLE123" } };

    expect(removeStatement(policy([SERVICE_STATEMENT, stale]), ours).changed).toBe(true);
  });

  test("refuses the only statement there is: IAM takes no trust policy without any", async () => {
    for (const document of [policy([ours]), policy(ours)]) {
      expect(await brokerErrorOf(() => removeStatement(document, ours))).toMatchObject({ code: "Conflict" });
    }
  });

  test.each<[string, Record<string, unknown>]>([
    ["another effect", { Effect: "Deny" }],
    ["another principal", { Principal: { AWS: `${DEV_ROLE}2` } }],
    ["every principal", { Principal: "*" }],
    ["a condition", { Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } }],
    ["more actions", { Action: ["sts:AssumeRole", "sts:TagSession"] }],
    ["another principal beside", { Principal: { AWS: [DEV_ROLE, `${DEV_ROLE}2`] } }],
  ])("refuses a statement that was given %s, and so does adding", async (_name, change) => {
    const document = policy([SERVICE_STATEMENT, { ...ours, ...change }]);

    expect(standingOf(document, ours)).toBe("altered");
    for (const edit of [addStatement, removeStatement]) {
      const error = await brokerErrorOf(() => edit(document, ours));
      expect(error).toMatchObject({ code: "Conflict" });
      expect(error.message).toContain(ours.Sid);
    }
  });
});

test.each([
  ...["", "{", "null", "[]", '"x"', "{}", '{"Statement":null}', '{"Statement":"x"}', '{"Statement":[1]}'],
  // Written back it would have lost the condition.
  '{"Statement":[{"Effect":"Allow","Condition":{"Bool":{"a:b":"true"}},"Condition":{}}]}',
])("%j is no trust policy, and nothing is made of it", async (document) => {
  for (const edit of [addStatement, removeStatement]) {
    expect(await brokerErrorOf(() => edit(document, ours))).toMatchObject({ code: "Conflict" });
  }
});

describe("removing after adding gives the same value back", () => {
  const PIECES: readonly unknown[] = [
    SERVICE_STATEMENT,
    { Sid: "", Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:*" },
    { Sid: "CredbrokerLocal", Effect: "Deny", Principal: "*", NotAction: ["sts:AssumeRole"] },
    { Effect: "Allow", Principal: { Federated: "x" }, Condition: { StringEquals: { ä: ["1", "1"], '"': "\\u0000" } } },
    JSON.parse('{"Effect":"Allow","__proto__":{"Sid":"x"},"constructor":null,"Action":[]}'),
    { ...conditional },
    {},
  ];

  function randomPolicy(random: () => number): string {
    const pick = (): unknown => PIECES[Math.floor(random() * PIECES.length)];
    const count = 1 + Math.floor(random() * 4);
    const statement = random() < 0.3 ? pick() : Array.from({ length: count }, pick);
    return policy(statement, random() < 0.5 ? { Id: "i", "10": 1, extra: { deep: [[]] } } : {});
  }

  test("whatever the trust policy: 2,000 of them, an object or a list, up to four statements", () => {
    const random = seededRandom(4);
    for (let round = 0; round < 2000; round++) {
      const before = randomPolicy(random);
      const wanted: TrustStatement = random() < 0.5 ? ours : conditional;
      if (standingOf(before, wanted) !== "absent") continue;

      const added = addStatement(before, wanted);
      const removed = removeStatement(added.document, wanted);

      expect(standingOf(added.document, wanted)).toBe("present");
      // As text: the order of keys and statements counts too.
      expect(removed).toEqual({ document: JSON.stringify(parsed(before)), changed: true });
    }
  });
});
