import { describeRefusals, MARK, role } from "./refusals.js";

describeRefusals("tags and policies", [
  {
    it: "tags as a list",
    text: role(`tags: [team=core] ${MARK}`),
    field: "roles.r.tags",
    says: ["must be a map", "not a list"],
  },
  {
    it: "a tag that is a number",
    text: role(`tags: { cost: 007 } ${MARK}`),
    field: "roles.r.tags.cost",
    says: ['quote it ("007")'],
  },
  {
    it: "a tag key that AWS keeps for itself",
    text: role(`tags: { "aws:team": core } ${MARK}`),
    field: 'roles.r.tags."aws:team"',
    says: ["does not begin with aws:"],
  },
  {
    it: "a tag key that is too long",
    text: role(`tags: { ${"k".repeat(129)}: core } ${MARK}`),
    field: `roles.r.tags.${"k".repeat(129)}`,
    says: ["1 to 128"],
  },
  {
    it: "a tag value that is too long",
    text: role(`tags: { team: ${"v".repeat(257)} } ${MARK}`),
    field: "roles.r.tags.team",
    says: ["at most 256"],
  },
  {
    it: "51 tags",
    text: role(`tags: { ${Array.from({ length: 51 }, (_, index) => `t${index}: x`).join(", ")} } ${MARK}`),
    field: "roles.r.tags",
    says: ["at most 50"],
  },
  {
    it: "two tags that differ in case",
    text: role(`tags:\n  team: a\n  Team: b ${MARK}`),
    field: "roles.r.tags.Team",
    says: ["the same tag as team"],
  },
  {
    it: "a transitive key that is no tag",
    text: role(`tags: { team: core }\ntransitive_tag_keys: [taem] ${MARK}`),
    field: "roles.r.transitive_tag_keys[0]",
    says: ["taem is not among tags", 'did you mean "team"?'],
  },
  {
    it: "a policy that is a list",
    text: role(`policy: [] ${MARK}`),
    field: "roles.r.policy",
    says: ["must be a map or a JSON text"],
  },
  {
    it: "a policy text that is no JSON",
    text: role(`policy: "{Version" ${MARK}`),
    field: "roles.r.policy",
    says: ["is not valid JSON"],
  },
  {
    it: "a policy text that is JSON but no object",
    text: role(`policy: "[]" ${MARK}`),
    field: "roles.r.policy",
    says: ["Version", "Statement"],
  },
  {
    it: "a policy without Statement",
    text: role(`policy: { Version: "2012-10-17" } ${MARK}`),
    field: "roles.r.policy",
    says: ["Statement"],
  },
  {
    it: "a policy without Version",
    text: role(`policy: { Statement: [] } ${MARK}`),
    field: "roles.r.policy",
    says: ["Version"],
  },
  {
    it: "a policy with an account id that YAML would change",
    text: role(
      `policy:\n  Version: "2012-10-17"\n  Statement: { Condition: { StringEquals: { "aws:SourceAccount": 012345678901 } } } ${MARK}`,
    ),
    field: 'roles.r.policy.Statement.Condition.StringEquals."aws:SourceAccount"',
    says: ['quote it ("012345678901")'],
  },
  {
    it: "a policy beyond Latin-1",
    text: role(`policy: { Version: "2012-10-17", Statement: [{ Sid: "日" }] } ${MARK}`),
    field: "roles.r.policy",
    says: ["the character 日"],
  },
  {
    it: "a policy that is too long",
    text: role(`policy: { Version: "2012-10-17", Statement: [{ Sid: "${"x".repeat(2048)}" }] } ${MARK}`),
    field: "roles.r.policy",
    says: ["too long", "AWS takes 2048"],
  },
  {
    it: "a policy that is too long with its ARNs",
    text: role(
      `policy: { Version: "2012-10-17", Statement: [{ Sid: "${"x".repeat(1980)}" }] } ${MARK}\npolicy_arns: [arn:aws:iam::aws:policy/ReadOnlyAccess]`,
    ),
    field: "roles.r.policy",
    says: ["too long"],
  },
  {
    it: "policy ARNs that are too long alone",
    text: role(
      `policy_arns: [${Array.from({ length: 10 }, (_, index) => `arn:aws:iam::222222222222:policy/${"p".repeat(190)}/p${index}`).join(", ")}] ${MARK}`,
    ),
    field: "roles.r.policy_arns",
    says: ["too long"],
  },
  {
    it: "11 policy ARNs",
    text: role(
      `policy_arns: [${Array.from({ length: 11 }, (_, index) => `arn:aws:iam::aws:policy/P${index}`).join(", ")}] ${MARK}`,
    ),
    field: "roles.r.policy_arns",
    says: ["at most 10"],
  },
  {
    it: "a policy ARN that is a name",
    text: role(`policy_arns: [ReadOnlyAccess] ${MARK}`),
    field: "roles.r.policy_arns[0]",
    says: ["ARN of a managed policy", 'not "ReadOnlyAccess"'],
  },
  {
    it: "a policy ARN of another partition",
    text: role(`policy_arns: [arn:aws-cn:iam::aws:policy/ReadOnlyAccess] ${MARK}`),
    field: "roles.r.policy_arns[0]",
    says: ["is in aws-cn"],
  },
]);
