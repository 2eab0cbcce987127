import { describe, expect, it } from "vitest";
import { parseAround } from "../../src/config/parse-around.js";
import { PLACE, parse } from "./config-text.js";
import { describeRefusals, MARK, ROLE, roles } from "./refusals.js";

const TWO = `  dev: { source: k, role_arn: "${ROLE}" }\n  prod: { source: k, role_arn: "${ROLE}" }\n`;
const SSO = "  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }\n";
const projects = (text: string): string => `${roles(TWO)}projects:\n${text}\n`;

describe("projects of a config", () => {
  it("are their paths, their role and the role of each stage, in the order of the file", () => {
    const { projects: found } = parse(
      projects(
        "  orders: { path: ~/code/orders/, role: dev, stages: { prod: prod, dev: dev } }\n  infra: { path: /srv/infra, role: dev }",
      ),
    );

    expect(found).toEqual([
      {
        name: "orders",
        path: "~/code/orders",
        role: "dev",
        stages: [
          { stage: "prod", role: "prod" },
          { stage: "dev", role: "dev" },
        ],
      },
      { name: "infra", path: "/srv/infra", role: "dev", stages: [] },
    ]);
  });

  it("are none where the section is absent or empty", () => {
    expect(parse(roles(TWO)).projects).toEqual([]);
    expect(parse(projects("")).projects).toEqual([]);
  });

  it("take a role that no entry names from a login", () => {
    const text = projects("  a: { path: /a, stages: { x: corp:111111111111/Admin } }").replace(
      "sources:\n",
      `sources:\n${SSO}`,
    );

    expect(parse(text).projects[0]?.stages).toEqual([{ stage: "x", role: "corp:111111111111/Admin" }]);
  });
});

describe("a project with a problem, in a daemon that serves around it", () => {
  it("is left out by its name, and its roles and the other projects are in force", () => {
    const text = projects("  bad: { path: code, role: dev }\n  good: { path: /good, stages: { prod: prod } }");
    const config = parseAround({ text, ...PLACE });

    expect(config.projects.map(({ name }) => name)).toEqual(["good"]);
    expect([...config.roles.keys()]).toEqual(["dev", "prod"]);
    expect(config.leftOut).toMatchObject([{ kind: "project", name: "bad" }]);
    expect(config.leftOut?.[0]?.message).toContain("project bad is not in force: /home/me/config.yaml:");
  });

  it("stays where only one of its roles is left out", () => {
    const text = projects("  orders: { path: /orders, stages: { dev: dev, prod: prod } }").replace(
      `  dev: { source: k, role_arn: "${ROLE}" }`,
      "  dev: { source: k, role_arn: nonsense }",
    );
    const config = parseAround({ text, ...PLACE });

    expect(config.projects[0]?.stages.map(({ stage }) => stage)).toEqual(["dev", "prod"]);
    expect(config.leftOut).toMatchObject([{ kind: "role", name: "dev" }]);
  });
});

describeRefusals("a project", [
  {
    it: "a path that is relative",
    text: projects(`  orders: { path: code/orders, role: dev } ${MARK}`),
    field: "projects.orders.path",
    says: ["begins with / or ~/", 'not "code/orders"'],
  },
  {
    it: "a path of another user's home",
    text: projects(`  orders: { path: ~eve/orders, role: dev } ${MARK}`),
    field: "projects.orders.path",
    says: ["begins with / or ~/"],
  },
  ...["/", "~/", "/srv/../etc", "/srv/./x"].map((path) => ({
    it: `the path ${path}`,
    text: projects(`  orders: { path: "${path}", role: dev } ${MARK}`),
    field: "projects.orders.path",
    says: ["without . and .."],
  })),
  {
    it: "a role that there is not",
    text: projects(`  orders: { path: /o, role: dve } ${MARK}`),
    field: "projects.orders.role",
    says: ['unknown role "dve"', 'did you mean "dev"?'],
  },
  {
    it: "a stage with a role that there is not",
    text: projects(`  orders: { path: /o, stages: { prod: prdo } } ${MARK}`),
    field: "projects.orders.stages.prod",
    says: ['unknown role "prdo"', 'did you mean "prod"?'],
  },
  {
    it: "a stage with a source for a role",
    text: projects(`  orders: { path: /o, stages: { prod: k } } ${MARK}`),
    field: "projects.orders.stages.prod",
    says: ['"k" is a source, not a role'],
  },
  {
    it: "a key that is misspelt",
    text: projects(`  orders: { path: /o, role: dev, stage: {} } ${MARK}`),
    field: "projects.orders.stage",
    says: ["unknown key", 'did you mean "stages"?'],
  },
  {
    it: "neither role nor stages",
    text: projects(`  orders: { path: /o } ${MARK}`),
    field: "projects.orders",
    says: ["must have role or stages"],
  },
  {
    it: "a directory that is another project's",
    text: projects(`  orders: { path: /o, role: dev }\n  again: { path: /o/, role: prod } ${MARK}`),
    field: "projects.again.path",
    says: ["is project orders's already"],
  },
]);
