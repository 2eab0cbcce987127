import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { refuseForeignProject } from "../../src/cli/access/project-owner.js";
import { SERVED, TOKEN } from "../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";
import type { RunOptions, RunResult } from "../support/cli-run.js";
import { tempDir } from "../support/temp-dir.js";

let fixture: CliFixture;
let seenFile: string;
let orders: string;

const named = (role: string, accountId = "111111111111"): { role: string; accountId: string } => ({ role, accountId });

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addRole("prod", { accountId: "222222222222" }).addRole("shared");
  seenFile = join(tempDir("seen", "input"), "seen.json");
  orders = join(fixture.home, "code", "orders");
  mkdirSync(join(orders, "api", "nested"), { recursive: true });
  fixture.control.projects.push({
    name: "orders",
    path: "~/code/orders",
    role: named("dev"),
    stages: [
      { stage: "dev", ...named("dev") },
      { stage: "prod", ...named("prod", "222222222222") },
    ],
  });
});

const PRINT = "require('fs').writeFileSync(process.argv[1], JSON.stringify(process.env))";

async function exec(argv: readonly string[], options: Omit<RunOptions, "home"> = {}): Promise<RunResult> {
  const command = ["--", process.execPath, "-e", PRINT, seenFile];
  return fixture.run(["exec", ...argv, ...command], { cwd: orders, ...options });
}

const seen = (): Record<string, string> => JSON.parse(readFileSync(seenFile, "utf8")) as Record<string, string>;
const rolesOfChildren = (): unknown[] => fixture.control.requests("lease-child").map(({ role }) => role);

describe("exec --stage", () => {
  it("takes the role of the stage of the project that holds the current directory, and says role and account", async () => {
    const { code, stderr } = await exec(["--stage", "prod"], { cwd: join(orders, "api", "nested") });

    expect([code, rolesOfChildren()]).toEqual([0, ["prod"]]);
    expect(stderr).toContain("stage prod of project orders: role prod, account 222222222222");
  });

  it("asks what the guard of the stage's role asks, and starts nothing without a yes", async () => {
    fixture.control.refusing.set("guard-confirm", { code: "GuardRefused", message: "role prod is guarded" });
    const { code } = await exec(["--stage", "prod"]);

    expect([code, existsSync(seenFile)]).toEqual([5, false]);
    expect(fixture.control.requests("guard-confirm")).toMatchObject([{ role: "prod", target: { by: "new" } }]);
  });

  it("resolves links on both sides, so that a directory of another's making is in no project by its name", async () => {
    const elsewhere = join(tempDir("elsewhere"), "orders");
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(orders, "vendored"));
    symlinkSync(join(orders, "api"), join(elsewhere, "way-in"));

    expect(await exec(["--stage", "prod"], { cwd: join(orders, "vendored") })).toMatchObject({ code: 2 });
    expect(await exec(["--stage", "prod"], { cwd: `${orders}-fork` })).toMatchObject({ code: 2 });
    expect(existsSync(seenFile)).toBe(false);
    expect(await exec(["--stage", "prod"], { cwd: join(elsewhere, "way-in") })).toMatchObject({ code: 0 });
  });

  it("finds the project whose path is a link", async () => {
    const link = join(fixture.home, "link");
    symlinkSync(join(orders, "api"), link);
    fixture.control.projects.push({
      name: "api",
      path: link,
      role: null,
      stages: [{ stage: "prod", ...named("shared") }],
    });

    await exec(["--stage", "prod"], { cwd: join(orders, "api", "nested") });
    await exec(["--stage", "prod"]);
    expect(rolesOfChildren()).toEqual(["shared", "prod"]);
  });

  it("names the stages where there is none of this name", async () => {
    const { code, stderr } = await exec(["--stage", "prdo"]);

    expect([code, existsSync(seenFile)]).toEqual([2, false]);
    expect(stderr).toContain("project orders has no stage prdo, but dev, prod; did you mean prod?");
    expect(stderr).toContain("brokerctl exec --stage prod");
  });

  it("names the projects outside of all, and those that are not in force", async () => {
    fixture.control.projectProblems = ["project infra is not in force: config.yaml:9:3: wrong"];
    const { code, stderr } = await exec(["--stage", "prod"], { cwd: fixture.home });

    expect(code).toBe(2);
    expect(stderr).toContain("is in no project of the config: orders (~/code/orders); project infra is not in force");
  });

  it("chooses none of two projects that are one directory", async () => {
    fixture.control.projects.push({ name: "same", path: orders, role: named("prod"), stages: [] });
    const { code, stderr } = await exec(["--stage", "prod"]);

    expect(code).toBe(2);
    expect(stderr).toContain("projects orders and same are one directory");
  });

  it.each([[["dev", "--stage", "prod"]], [["--lease", "ide", "--stage", "prod"]]])(
    "with a role of its own beside it (%j) is refused",
    async (argv) => {
      expect(await exec(argv)).toMatchObject({ code: 2 });
      expect(fixture.control.requests("lease-child")).toEqual([]);
    },
  );
});

describe("exec without a role in a project", () => {
  it("takes the project's role where none is chosen, and says so", async () => {
    const { code, stderr } = await exec([]);

    expect([code, rolesOfChildren()]).toEqual([0, ["dev"]]);
    expect(stderr).toContain("no role is chosen: project orders: role dev, account 111111111111");
  });

  it("keeps to the role that was chosen", async () => {
    await fixture.run(["use", "prod"]);
    await exec([]);

    expect(rolesOfChildren()).toEqual([null]);
    expect(fixture.control.requests("projects")).toEqual([]);
  });

  it("keeps to the lease that this shell's variables hold", async () => {
    const lease = fixture.control.addLease("child", { role: "prod", movable: false });
    const variable = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${fixture.control.endpointUrl}/lease/${lease.token}` };
    await exec([], { env: variable });

    expect(fixture.control.requests("lease-child")).toMatchObject([{ role: null, like: lease.token }]);
  });

  it("has no role in a directory of no project", async () => {
    expect(await exec([], { cwd: fixture.home })).toMatchObject({ code: 125 });
  });
});

describe("the directory of a project", () => {
  it("chooses no role where all may write to it or put another in its place, and says how to close it", async () => {
    for (const [open, command] of [
      [orders, ["exec", "--stage", "prod", "--", "true"]],
      [join(fixture.home, "code"), ["use", "--stage", "prod"]],
      [orders, ["exec", "--", "true"]],
    ] as const) {
      chmodSync(open, 0o777);
      const { code, stderr } = await fixture.run(command, { cwd: orders });
      expect([command, code === 0, stderr]).toEqual([command, false, expect.stringContaining(`chmod o-w ${open}`)]);
      chmodSync(open, 0o755);
    }
    expect(rolesOfChildren()).toEqual([]);
  });

  it("chooses one below a directory that all may write to, but not rename in, and in one of the user's group", async () => {
    chmodSync(join(fixture.home, "code"), 0o1777);
    chmodSync(orders, 0o775);
    expect(await exec(["--stage", "prod"])).toMatchObject({ code: 0 });
  });

  it("chooses no role where it is another user's", async () => {
    const other = 12_345;
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(orders, other, other);
    const refused = refuseForeignProject(orders, isRoot ? 0 : other);
    await expect(refused).rejects.toMatchObject({
      code: "FileRefused",
      hint: expect.stringContaining("exec ROLE") as string,
    });
  });
});

describe("lease create and lambda with --stage", () => {
  it("take the stage's role for the lease", async () => {
    const { code, stderr } = await fixture.run(["lease", "create", "ide", "--stage", "prod"], { cwd: orders });
    expect([code, stderr]).toEqual([0, expect.stringContaining("account 222222222222")]);
    expect(fixture.control.requests("lease-create")).toMatchObject([{ name: "ide", role: "prod" }]);
    const both = await fixture.run(["lease", "create", "two", "dev", "--stage", "prod"], { cwd: orders });
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("brokerctl lease create two --stage prod")]);
  });

  it("read the function with the stage's role, and ask its guard", async () => {
    fixture.control.addFunction("api");
    const commands = [
      ["exec", "api", "--", "true"],
      ["env", "api"],
      ["invoke", "api", "--", "true"],
    ];
    for (const [verb = "", name = "", ...rest] of commands) {
      await fixture.run(["lambda", verb, name, "--stage", "prod", ...rest], { cwd: orders });
    }
    expect(fixture.control.requests("lambda-role").map(({ via }) => via)).toEqual(["prod", "prod", "prod"]);
    expect(fixture.control.requests("guard-confirm")[0]).toMatchObject({ role: "prod" });
  });

  it("name the choices where the stage is missing, and take no second role", async () => {
    fixture.control.addFunction("api");
    const missing = await fixture.run(["lambda", "env", "api", "--stage", "x"], { cwd: orders });
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("has no stage x, but dev, prod")]);
    const both = await fixture.run(["lambda", "exec", "api", "--stage", "prod", "--via", "dev"], { cwd: orders });
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("leave --via dev out")]);
    expect(fixture.control.requests("lambda-role")).toEqual([]);
  });
});

describe("use and env with --stage", () => {
  it("move to the stage's role", async () => {
    const { code, stderr } = await fixture.run(["use", "--stage", "prod"], { cwd: orders });

    expect([code, fixture.control.requests("use")[0]?.role]).toEqual([0, "prod"]);
    expect(stderr).toContain("account 222222222222");
  });

  it("print the lease that is pinned to it, and false where there is no such stage", async () => {
    expect(await fixture.run(["env", "--stage", "prod"], { cwd: orders })).toMatchObject({ code: 0 });
    expect(fixture.control.requests("lease-access")).toMatchObject([{ pinnedRole: "prod" }]);
    const failed = await fixture.run(["env", "--stage", "x"], { cwd: orders });
    expect([failed.code, failed.stdout.trimEnd().endsWith("false")]).toEqual([2, true]);
  });
});

describe("exec --with", () => {
  it("gives CMD keys of a second role under a prefix beside its lease, and says until when", async () => {
    const { code, stderr } = await exec(["dev", "--with", "shared=SHARED_ACCOUNT_"], {
      env: { SHARED_ACCOUNT_AWS_SESSION_TOKEN: "stale" },
    });

    expect(code).toBe(0);
    expect(seen()).toMatchObject({
      SHARED_ACCOUNT_AWS_ACCESS_KEY_ID: SERVED.accessKeyId,
      SHARED_ACCOUNT_AWS_SECRET_ACCESS_KEY: SERVED.secretAccessKey,
      SHARED_ACCOUNT_AWS_SESSION_TOKEN: SERVED.sessionToken,
      SHARED_ACCOUNT_AWS_CREDENTIAL_EXPIRATION: SERVED.expiration,
    });
    expect([seen()["AWS_ACCESS_KEY_ID"], seen()["AWS_CONTAINER_AUTHORIZATION_TOKEN"]?.startsWith("brk_")]).toEqual([
      undefined,
      true,
    ]);
    expect(stderr).toMatch(/SHARED_ACCOUNT_AWS_…: keys of role shared, account 111111111111, good until .*in 5\d min/);
    expect(stderr).not.toContain(SERVED.secretAccessKey);
    expect(fixture.control.leases.map(({ kind }) => kind)).toEqual(["default"]);
  });

  it("asks what the second role's guard asks, and leaves no lease where it refuses", async () => {
    fixture.control.failing.set("shared", { code: "GuardRefused", message: "role shared is guarded" });
    const { code } = await exec(["dev", "--with", "shared=SHARED_"]);

    expect([code, existsSync(seenFile)]).toEqual([5, false]);
    expect(fixture.control.requests("guard-confirm").map(({ role }) => role)).toEqual(["dev", "shared"]);
    expect(fixture.control.leases.map(({ token }) => token)).toEqual([TOKEN]);
  });

  it.each([
    "shared",
    "shared=",
    "=X_",
    "shared=AWS_",
    "shared=AWS_PROD_",
    "shared=CREDBROKER_",
    "shared=A",
    "shared=A=B",
    "shared=1_",
    "shared=A B_",
  ])("of %j is refused before anything is fetched", async (given) => {
    expect(await exec(["dev", "--with", given])).toMatchObject({ code: 2 });
    expect(fixture.control.requests("warm")).toEqual([]);
  });

  it("takes each prefix once", async () => {
    expect(await exec(["dev", "--with", "shared=A_", "--with", "prod=A_"])).toMatchObject({ code: 2 });
    expect(await exec(["dev", "--with", "shared=A_", "--with", "prod=B_"])).toMatchObject({ code: 0 });
    expect([seen()["A_AWS_ACCESS_KEY_ID"], seen()["B_AWS_ACCESS_KEY_ID"]]).toEqual([
      SERVED.accessKeyId,
      SERVED.accessKeyId,
    ]);
  });
});

describe("Tab behind --stage", () => {
  it("offers the stages of the project here, and nothing elsewhere", async () => {
    const tab = async (cwd: string): Promise<string> =>
      (await fixture.run(["completion", "fish", "--", "brokerctl", "exec", "--stage", ""], { cwd })).stdout;

    expect(await tab(orders)).toBe("words\ndev\tdev\nprod\tprod\n");
    expect(await tab(fixture.home)).toBe("words\n");
  });
});
