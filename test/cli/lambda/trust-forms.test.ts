import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { trustForm } from "../../../src/cli/lambda/trust-forms.js";

const STATEMENT = {
  Sid: "CredbrokerLocalAnn20261129T1450Zdaa9567b0a28",
  Effect: "Allow",
  Principal: { AWS: "arn:aws:iam::111111111111:role/team/dev" },
  Action: ["sts:AssumeRole", "sts:TagSession"],
  Condition: {
    ArnLike: { "aws:PrincipalArn": ["arn:aws:iam::111111111111:role/x", "arn:aws:iam::111111111111:role/*/x"] },
    DateLessThan: { "aws:CurrentTime": "2026-11-29T22:50:00Z" },
  },
};
const TEXT = JSON.stringify(STATEMENT, null, 2);

describe("a statement for a template", () => {
  it("is, as YAML, an item that reads as the same value", () => {
    expect(parse(trustForm(TEXT, "yaml"))).toEqual([STATEMENT]);
    expect(trustForm(TEXT, "yaml").split("\n").slice(0, 3)).toEqual([
      '- Sid: "CredbrokerLocalAnn20261129T1450Zdaa9567b0a28"',
      '  Effect: "Allow"',
      "  Principal:",
    ]);
  });

  it("is, for Terraform, a block of aws_iam_policy_document", () => {
    expect(trustForm(TEXT, "terraform")).toBe(`statement {
  sid     = "CredbrokerLocalAnn20261129T1450Zdaa9567b0a28"
  effect  = "Allow"
  actions = ["sts:AssumeRole","sts:TagSession"]
  principals {
    type        = "AWS"
    identifiers = ["arn:aws:iam::111111111111:role/team/dev"]
  }
  condition {
    test     = "ArnLike"
    variable = "aws:PrincipalArn"
    values   = ["arn:aws:iam::111111111111:role/x","arn:aws:iam::111111111111:role/*/x"]
  }
  condition {
    test     = "DateLessThan"
    variable = "aws:CurrentTime"
    values   = ["2026-11-29T22:50:00Z"]
  }
}`);
  });

  it("holds nothing that Terraform takes for a template of its own", () => {
    const odd = { ...STATEMENT, Principal: { AWS: "arn:aws:iam::111111111111:user/${x}%{if}" } };
    expect(trustForm(JSON.stringify(odd), "terraform")).toContain("user/$${x}%%{if}");
  });

  it("is, as a policy has it, what came", () => {
    expect(trustForm(TEXT, "json")).toBe(TEXT);
  });
});
