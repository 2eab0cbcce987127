import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { auditLines } from "../support/audit-lines.js";
import { awsOptions, ROLES_YAML, roleArn } from "../support/in-process-broker.js";
import { Household, missingToConfine } from "./confined.js";
import { Table } from "./table.js";
import { missing, Victim } from "./victim.js";

const AGENT = { by: "name", name: "agent" } as const;
/** `chained` takes a person's yes, and so does what a lease requests. */
const CONFIG = `${ROLES_YAML.replace(/(chained: \{)/, "$1 guard: { confirm: terminal },")}
requests: [{ role: prod, scope: any, decide: ask, max: 1h }]
`;

const table = new Table();
let aws: FakeAws;
let victim: Victim;
let household: Household;
let config: string;

beforeAll(async () => {
  expect([...missing(), ...missingToConfine()]).toEqual([]);
  aws = await startFakeAws(awsOptions());
  victim = await Victim.start({ config: CONFIG, awsUrl: aws.url });
  household = await Household.create(victim);
  config = readFileSync(victim.broker.configFile, "utf8");
  copyFileSync(join(import.meta.dirname, "programs/widen.mjs"), join(household.project, "widen.mjs"));
  const { broker } = victim;
  for (const role of ["dev", "prod"]) await broker.call("warm", { role });
  const ownSocket = join(broker.home, "agent.sock");
  await broker.call("lease-create", { name: "agent", role: "dev", socket: ownSocket });
  // Another lease, whose token lies in a file, in the environment of a program, and in its memory.
  const otherSocket = join(broker.home, "other.sock");
  await broker.call("lease-create", { name: "other", role: "prod", socket: otherSocket });
  const outside = await household.startWithLease("other");
  const yes = await broker.call("guard-confirm", {
    role: "chained",
    target: { by: "name", name: "other" },
    confirmed: true,
  });
  const { confirmation } = yes as { readonly confirmation: string };
  await broker.call("lease-set", { lease: { by: "name", name: "other" }, role: "chained", confirmation });
  await broker.call("lease-set", { lease: { by: "name", name: "other" }, role: "prod" });
  const paths = { brokerHome: broker.home, home: household.home, project: household.project };
  const given = {
    ...paths,
    ctl: resolve("dist/brokerctl.js"),
    otherSocket,
    ownSocket,
    outside,
    confirmation,
    dev: roleArn("dev"),
    prod: roleArn("prod"),
  };
  writeFileSync(join(household.project, "widen.json"), JSON.stringify(given));
});

afterAll(async () => {
  table.print();
  process.stdout.write(`\n${reasons.join("\n")}\n`);
  household.close();
  await victim.stop();
  await aws.close();
});

/** The rows of SECURITY.md: the attempt, what it comes to confined, and without. */
function promised(): readonly (readonly [attempt: string, confined: string, without: string])[] {
  const text = readFileSync("SECURITY.md", "utf8");
  const rows = text.slice(text.indexOf("| attempt to get more | with `--confine` | without |")).split("\n\n")[0] ?? "";
  const cells = rows
    .split("\n")
    .slice(2)
    .map((row) => row.split("|").map((cell) => cell.trim()));
  return cells.map(([, attempt = "", confined = "", without = ""]) => [attempt, confined, without]);
}

/** What the program said of an attempt that failed, for the reader of the table. */
const reasons: string[] = [];

/** Runs it with the lease, then what a user does outside: a shell, a program by its name. */
async function cameTo(attempt: string, flags: readonly string[]): Promise<string> {
  const before = auditLines(state()).length;
  const argv = ["exec", "--lease", "agent", ...flags, "--", process.execPath, "widen.mjs", attempt, "widen.json"];
  const { code, stdout } = await household.ctl(argv);
  await household.run(["bash", "-c", ". ~/.bashrc; if [ -x ~/bin/aws ]; then ~/bin/aws; fi"]);
  const { role } = await victim.broker.call("lease-show", { lease: AGENT });
  const [dev] = (await victim.broker.call("status", {})).roles.filter(({ name }) => name === "dev");
  const isWider = role !== "dev" || dev?.roleArn === roleArn("prod") || stdout.includes('role/prod"');
  const verdict = isWider ? `done${await onRecord(before)}` : "refused";
  if (!isWider) reasons.push(`${[attempt, ...flags].join(" ")}: ${stdout.split("\n").join(" ").slice(0, 160)}`);
  // It has run, and says itself that it could not.
  if (flags.length > 0) expect([code, stdout]).toEqual([1, expect.stringMatching(/^could not: /)]);
  await undo();
  return verdict;
}

const state = (): string => join(victim.broker.home, "state");

/** A line that tells of the widening itself: the lease's new role, another lease's credentials, another config. */
async function onRecord(before: number): Promise<string> {
  const told = (): readonly string[] =>
    auditLines(state())
      .slice(before)
      .filter(({ outcome }) => outcome === "done" || outcome === "served")
      .map(({ event, lease, role }) => `${event} ${lease ?? ""} ${role ?? ""}`)
      .filter((line) => /^lease-set \S+ prod$|^fetch \S+ prod$|^config-/.test(line));
  await expect.poll(told).not.toEqual([]);
  return ", on record";
}

async function undo(): Promise<void> {
  writeFileSync(victim.broker.configFile, config);
  await victim.broker.call("config-reload", {});
  await victim.broker.call("lease-set", { lease: AGENT, role: "dev" });
  household.restoreHome();
}

describe("the table of attempts to get more, in SECURITY.md", () => {
  it("has them all", () => {
    expect(promised().length).toBe(12);
  });

  it.each([
    ["with --confine", ["--confine"], 1],
    ["without", [], 2],
  ] as const)("says what each comes to %s", { timeout: 300_000 }, async (how, flags, column) => {
    for (const row of promised()) table.check(`${row[0]}, ${how}`, row[column], await cameTo(row[0], flags));
    const verdicts = new Set(promised().map((row) => row[column]));
    expect([...verdicts].toSorted()).toEqual(how === "without" ? ["done, on record", "refused"] : ["refused"]);
  });
});
