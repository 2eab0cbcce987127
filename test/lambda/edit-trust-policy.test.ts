import { describe, expect, test } from "vitest";
import {
  addStatement,
  findStatement,
  otherSids,
  removeStatement,
  type Standing,
} from "../../src/lambda/edit-trust-policy.js";
import type { TrustPrincipal } from "../../src/lambda/trust-principal.js";
import { type TrustTerms, type TrustWish, trustWish } from "../../src/lambda/trust-statement.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { seededRandom } from "../support/random.js";
import { DEV_ROLE, devRole, SERVICE_ONLY, SERVICE_STATEMENT } from "./lambda-fixture.js";

const NOW = Date.parse("2026-11-29T14:50:33Z");
const HOUR = 3_600_000;

function wishFor(principal: TrustPrincipal, terms: Partial<TrustTerms> = {}, via = devRole()): TrustWish {
  const most = { sessionName: "orders", ownSession: false, until: undefined, user: "ann.b", now: NOW };
  return trustWish(principal, via, { ...most, ...terms });
}

const wish = wishFor({ arn: DEV_ROLE });
const ours = wish.statement;
const conditionalWish = wishFor({
  arn: "arn:aws:iam::111111111111:root",
  arnLike: ["arn:aws:iam::111111111111:role/x"],
});
const conditional = conditionalWish.statement;
/** As versions before wrote it: no name and no time. */
const FORMER_SID = "CredbrokerLocaldaa9567b0a28";

const standingOf = (document: string, wanted: TrustWish): Standing => findStatement(document, wanted).standing;

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
    expect(ours.Sid).toMatch(/^CredbrokerLocalAnnb20261129T1450Z[0-9a-f]{12}$/);
  });

  test("ends its Sid alike for the same principal, by any user at any time, and otherwise for another", () => {
    const end = ({ statement }: TrustWish): string => statement.Sid.slice(-12);
    const later = { user: "bob", now: NOW + HOUR, until: NOW + 9 * HOUR };
    expect(end(wishFor({ arn: DEV_ROLE }, later))).toBe(end(wish));
    expect(end(wishFor({ arn: DEV_ROLE }, { ownSession: true }))).not.toBe(end(wish));
    expect(end(wishFor({ arn: `${DEV_ROLE}2` }))).not.toBe(end(wish));
    expect(end(conditionalWish)).not.toBe(end(wish));
  });

  test.each([
    ["ann@example.com", "AnnexamplecomZ"],
    ["\u00e4nn-1", "Nn1Z"],
    ["\u6797", "Z"],
    ["x".repeat(80), `X${"x".repeat(31)}Z`],
  ])("names the user %s as a Sid can: %s", (user, name) => {
    const { Sid } = wishFor({ arn: DEV_ROLE }, { user }).statement;
    expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
    expect(Sid.slice("CredbrokerLocal".length, -12).replace("20261129T1450", "")).toBe(name);
  });

  test("can be for sessions of one name, and end, in whole seconds", () => {
    const { statement } = wishFor({ arn: DEV_ROLE }, { ownSession: true, until: NOW + HOUR + 999 });
    expect(statement.Condition).toEqual({
      StringEquals: { "sts:RoleSessionName": "orders" },
      DateLessThan: { "aws:CurrentTime": "2026-11-29T15:50:33Z" },
    });
  });

  test("lets in what a chain carries along: transitive tags and a source identity", () => {
    const assume = { roleArn: DEV_ROLE, roleSessionName: "ann", durationSeconds: 3600 };
    const tagged = devRole({
      assume: { ...assume, tags: { a: "b" }, transitiveTagKeys: ["a"], sourceIdentity: "ann" },
    });
    const behind = devRole({ origin: { kind: "role", role: tagged } });

    for (const via of [tagged, behind]) {
      expect(wishFor({ arn: DEV_ROLE }, {}, via).statement.Action).toEqual([
        "sts:AssumeRole",
        "sts:TagSession",
        "sts:SetSourceIdentity",
      ]);
    }
    const plain = devRole({ assume: { ...assume, tags: { a: "b" } } });
    expect(wishFor({ arn: DEV_ROLE }, {}, plain).statement.Action).toBe("sts:AssumeRole");
  });
});

describe("adding", () => {
  test("keeps everything else as it stands, in its order", () => {
    const before = policy([SERVICE_STATEMENT, { Sid: "Other", Effect: "Deny" }], { Id: "mine" });

    const { document, changed } = addStatement(before, wish);

    expect(changed).toBe(true);
    expect(parsed(document)).toEqual(
      parsed(policy([SERVICE_STATEMENT, { Sid: "Other", Effect: "Deny" }, ours], { Id: "mine" })),
    );
    expect(Object.keys(parsed(document) as object)).toEqual(["Version", "Id", "Statement"]);
  });

  test("twice is once", () => {
    const once = addStatement(SERVICE_ONLY, wish).document;

    expect(addStatement(once, wish)).toEqual({ document: once, changed: false });
    expect(standingOf(once, wish)).toBe("present");
  });

  test.each([
    ["lists of one", { Principal: { AWS: [DEV_ROLE] }, Action: ["sts:AssumeRole"] }],
    ["another order", { Sid: ours.Sid, Action: ours.Action, Principal: ours.Principal, Effect: ours.Effect }],
  ])("knows its statement again with %s, as IAM may give it back", (_name, change) => {
    expect(standingOf(policy([SERVICE_STATEMENT, { ...ours, ...change }]), wish)).toBe("present");
  });

  test("leaves it at another statement that says the same, and removing leaves that one alone", () => {
    const before = policy([SERVICE_STATEMENT, { ...ours, Sid: "ByHand", Principal: { AWS: [DEV_ROLE] } }]);

    expect(standingOf(before, wish)).toBe("equal");
    expect(addStatement(before, wish)).toEqual({ document: before, changed: false });
    expect(removeStatement(before, wish)).toEqual({ document: before, changed: false });
  });

  test("renews one whose principal was deleted, where it stands", () => {
    const stale = { ...ours, Principal: { AWS: "AROAEXAMPLEEXAMPLE123" } };

    expect(standingOf(policy([stale, SERVICE_STATEMENT]), wish)).toBe("stale");
    expect(parsed(addStatement(policy([stale, SERVICE_STATEMENT]), wish).document)).toEqual(
      parsed(policy([ours, SERVICE_STATEMENT])),
    );
    expect(parsed(addStatement(policy(stale), wish).document)).toEqual(parsed(policy(ours)));
  });
});

describe("removing", () => {
  test("takes just its own, and says when there was none", () => {
    const other = { ...conditional };
    const both = policy([SERVICE_STATEMENT, ours, other]);

    expect(parsed(removeStatement(both, wish).document)).toEqual(parsed(policy([SERVICE_STATEMENT, other])));
    expect(removeStatement(SERVICE_ONLY, wish)).toEqual({ document: SERVICE_ONLY, changed: false });
    expect(otherSids(both, wish)).toEqual([conditional.Sid]);
  });

  test("takes one whose principal was deleted", () => {
    const stale = { ...ours, Principal: { AWS: "AIDAEXAMPLEEXAMPLE123" } };

    expect(removeStatement(policy([SERVICE_STATEMENT, stale]), wish).changed).toBe(true);
  });

  test("refuses the only statement there is: IAM takes no trust policy without any", async () => {
    for (const document of [policy([ours]), policy(ours)]) {
      expect(await brokerErrorOf(() => removeStatement(document, wish))).toMatchObject({ code: "Conflict" });
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

    expect(standingOf(document, wish)).toBe("altered");
    for (const edit of [addStatement, removeStatement]) {
      const error = await brokerErrorOf(() => edit(document, wish));
      expect(error).toMatchObject({ code: "Conflict" });
      expect(error.message).toContain(ours.Sid);
    }
  });
});

describe("a statement of ours on other terms", () => {
  const other = { user: "bob", now: NOW - 5 * HOUR };
  const former = { ...ours, Sid: FORMER_SID };

  test("of a version that named neither who nor when is known again, and removed", () => {
    const document = policy([SERVICE_STATEMENT, former]);
    expect(findStatement(document, wish)).toEqual({ standing: "present", statement: former });
    expect(addStatement(document, wish)).toEqual({ document, changed: false });
    expect(parsed(removeStatement(document, wish).document)).toEqual(parsed(policy([SERVICE_STATEMENT])));
  });

  test.each<[string, TrustWish]>([
    ["an end", wishFor({ arn: DEV_ROLE }, { ...other, until: NOW + HOUR })],
    ["a session's name", wishFor({ arn: DEV_ROLE }, { ...other, ownSession: true })],
    [
      "what the chain carried along before",
      wishFor(
        { arn: DEV_ROLE },
        other,
        devRole({
          assume: { roleArn: DEV_ROLE, roleSessionName: "ann", durationSeconds: 3600, sourceIdentity: "ann" },
        }),
      ),
    ],
  ])("with %s is found; adding puts the new one in its place, and removing takes it", (_name, { statement }) => {
    const document = policy([SERVICE_STATEMENT, statement]);
    expect(findStatement(document, wish)).toMatchObject({ standing: "other", statement });
    expect(parsed(addStatement(document, wish).document)).toEqual(parsed(policy([SERVICE_STATEMENT, ours])));
    expect(parsed(removeStatement(document, wish).document)).toEqual(parsed(policy([SERVICE_STATEMENT])));
    expect(otherSids(document, wish)).toEqual([]);
  });

  test("beside another of ours goes with it, and one for a session of another name stays", () => {
    const timed = wishFor({ arn: DEV_ROLE }, { until: NOW + HOUR, ownSession: true }).statement;
    const billing = wishFor({ arn: DEV_ROLE }, { ownSession: true, sessionName: "billing" }).statement;
    const document = policy([former, SERVICE_STATEMENT, timed, billing]);
    expect(parsed(addStatement(document, wish).document)).toEqual(parsed(policy([ours, SERVICE_STATEMENT, billing])));
    expect(parsed(removeStatement(document, wish).document)).toEqual(parsed(policy([SERVICE_STATEMENT, billing])));
    expect(otherSids(document, wish)).toEqual([billing.Sid]);
  });

  test("tells until when it lets in, and lets in no one after that", () => {
    const { statement } = wishFor({ arn: DEV_ROLE }, { until: NOW + HOUR });
    const document = policy([SERVICE_STATEMENT, statement]);
    const end = Date.parse("2026-11-29T15:50:33Z");
    expect(findStatement(document, wish)).toEqual({ standing: "other", statement, until: end });
    expect(findStatement(document, { ...wish, now: end }).standing).toBe("ended");
    expect(parsed(addStatement(document, { ...wish, now: end }).document)).toEqual(
      parsed(policy([SERVICE_STATEMENT, ours])),
    );
  });

  test("is renewed by one that ends later", () => {
    const [first, second] = [HOUR, 2 * HOUR].map((until) => wishFor({ arn: DEV_ROLE }, { until: NOW + until }));
    const { document, changed } = addStatement(policy([SERVICE_STATEMENT, first!.statement]), second!);
    expect([changed, parsed(document)]).toEqual([true, parsed(policy([SERVICE_STATEMENT, second!.statement]))]);
  });

  test.each<[string, object]>([
    ["an end that is no time", { DateLessThan: { "aws:CurrentTime": "soon" } }],
    ["two ends", { DateLessThan: { "aws:CurrentTime": ["2026-11-30T00:00:00Z", "2027-01-01T00:00:00Z"] } }],
    ["the end of something else", { DateLessThan: { "aws:TokenIssueTime": "2026-11-30T00:00:00Z" } }],
    ["an end and more", { DateLessThan: { "aws:CurrentTime": "2026-11-30T00:00:00Z", "aws:EpochTime": "1" } }],
    ["another session's name", { StringEquals: { "sts:RoleSessionName": "other" } }],
  ])("that was given %s is left alone", async (_name, condition) => {
    const document = policy([SERVICE_STATEMENT, { ...ours, Condition: condition }]);
    expect(standingOf(document, wish)).toBe("altered");
    expect(await brokerErrorOf(() => removeStatement(document, wish))).toMatchObject({ code: "Conflict" });
  });
});

test.each([
  ...["", "{", "null", "[]", '"x"', "{}", '{"Statement":null}', '{"Statement":"x"}', '{"Statement":[1]}'],
  // Written back it would have lost the condition.
  '{"Statement":[{"Effect":"Allow","Condition":{"Bool":{"a:b":"true"}},"Condition":{}}]}',
])("%j is no trust policy, and nothing is made of it", async (document) => {
  for (const edit of [addStatement, removeStatement]) {
    expect(await brokerErrorOf(() => edit(document, wish))).toMatchObject({ code: "Conflict" });
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
      const wanted = random() < 0.5 ? wish : conditionalWish;
      if (standingOf(before, wanted) !== "absent") continue;

      const added = addStatement(before, wanted);
      const removed = removeStatement(added.document, wanted);

      expect(standingOf(added.document, wanted)).toBe("present");
      // As text: the order of keys and statements counts too.
      expect(removed).toEqual({ document: JSON.stringify(parsed(before)), changed: true });
    }
  });
});
