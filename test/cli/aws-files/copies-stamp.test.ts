import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { competingFiles } from "../../../src/cli/aws-files/competing-files.js";
import { copiesOf, readStamp, stampOfCopies } from "../../../src/cli/aws-files/copies-stamp.js";
import { neutralAwsFiles } from "../../../src/cli/aws-files/neutral-aws-files.js";
import type { CliContext } from "../../../src/cli/context.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { canarySecretKey } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";
import { tempDir } from "../../support/temp-dir.js";

let home: string;
let state: string;
let context: CliContext;
let warned: string[];

beforeEach(() => {
  home = tempDir("stamp", "input");
  mkdirSync(join(home, ".aws"));
  state = tempDir("stamp-state");
  warned = [];
  const say = (text: string): void => void warned.push(text);
  context = {
    env: { HOME: home, BOTO_CONFIG: join(home, ".boto") },
    homeDir: home,
    version: "1.0.0",
    clock: new FakeClock(Date.now() + 60_000),
    paths: () => ({ stateDir: state }),
    output: { warn: say, hint: say },
  } as unknown as CliContext;
});

const config = (): string => join(home, ".aws", "config");
const stamp = (env = context): ReturnType<typeof readStamp> => {
  const { directory, from } = copiesOf(env);
  const read = readStamp(directory, from, env.version);
  expect(stampOfCopies(env)).toEqual(read);
  return read;
};
const stampFile = (): string => join(copiesOf(context).directory, "stamp");

describe("the stamp of copies of ~/.aws", () => {
  it("says what making them said, without reading what they are made from", async () => {
    writeFileSync(config(), "[default]\nregion = eu-west-1\n[profile a]\noutput = json\n");

    const made = await neutralAwsFiles(context);

    expect(stamp()).toEqual({ ...made, competing: true });
    expect(made.defaultSettings).toEqual({ AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1" });
    const unreadable = { ...context, env: { ...context.env } };
    expect(await neutralAwsFiles(unreadable)).toMatchObject(made);
    expect(statSync(stampFile()).mode & 0o777).toBe(0o600);
  });

  it.each([
    ["its config grew", () => appendFileSync(config(), "[profile b]\n")],
    [
      "its config has as many bytes as before, written in place",
      () => writeFileSync(config(), "[profile b]\noutput = text\n"),
    ],
    [
      "its config was written in place with as many bytes, and its old time",
      () => {
        const { atime, mtime } = statSync(config());
        writeFileSync(config(), "[profile b]\noutput = text\n");
        utimesSync(config(), atime, mtime);
      },
    ],
    [
      "its config is another file of the same content and time",
      () => {
        const { atime, mtime } = statSync(config());
        writeFileSync(`${config()}.new`, readFileSync(config()));
        utimesSync(`${config()}.new`, atime, mtime);
        renameSync(`${config()}.new`, config());
      },
    ],
    ["a credentials file is there now", () => writeFileSync(join(home, ".aws", "credentials"), "[default]\n")],
    ["a file of boto's is there now", () => writeFileSync(join(home, ".boto"), "[Credentials]\n")],
    [
      "a copy was edited",
      () => {
        chmodSync(join(copiesOf(context).directory, "config"), 0o600);
        appendFileSync(join(copiesOf(context).directory, "config"), "[default]\n");
      },
    ],
    ["it was cut", () => truncateSync(stampFile(), statSync(stampFile()).size - 3)],
    ["it is empty", () => truncateSync(stampFile(), 0)],
    [
      "it is of another form",
      () => writeFileSync(stampFile(), readFileSync(stampFile(), "utf8").replace("stamp 1", "stamp 2")),
    ],
  ])("is not trusted when %s", async (_what, change) => {
    writeFileSync(config(), "[profile a]\noutput = json\n");
    await neutralAwsFiles(context);
    expect(stamp()).toBeDefined();

    change();

    expect(stamp()).toBeUndefined();
    await neutralAwsFiles(context);
    expect(stamp()).toBeDefined();
  });

  it("is not trusted by another version, or for another credentials file", async () => {
    await neutralAwsFiles(context);

    expect(stamp({ ...context, version: "1.0.1" })).toBeUndefined();
    const env = { ...context.env, AWS_SHARED_CREDENTIALS_FILE: join(home, "elsewhere") };
    expect(stamp({ ...context, env })).toBeUndefined();
  });

  it("follows links: it tells when another file stands behind one", async () => {
    writeFileSync(join(home, "dotfile"), "[profile a]\noutput = json\n");
    symlinkSync(join(home, "dotfile"), config());
    await neutralAwsFiles(context);
    expect(stamp()).toBeDefined();

    writeFileSync(join(home, "dotfile.new"), "[profile a]\noutput = json\n");
    renameSync(join(home, "dotfile.new"), join(home, "dotfile"));

    expect(stamp()).toBeUndefined();
  });

  it("is not written of a file that changed just before, and may change again within its clock's tick", async () => {
    writeFileSync(config(), "[profile a]\n");
    const early = { ...context, clock: new FakeClock(Date.now()) };

    await neutralAwsFiles(early);
    expect(stamp()).toBeUndefined();

    await neutralAwsFiles(context);
    expect(stamp()).toBeDefined();
  });

  it.each([
    ["the config is a directory", () => mkdirSync(config())],
    ["the config is a link to itself", () => symlinkSync("config", config())],
  ])("stops no command where %s: what cannot be read competes with nothing", async (_, spoil) => {
    writeFileSync(config(), "[default]\nregion = eu-west-1\n");
    await neutralAwsFiles(context);
    rmSync(config());
    spoil();

    expect((await neutralAwsFiles(context)).defaultSettings).toEqual({});
    expect((await competingFiles(context)).files).toEqual({});
  });

  it("is not looked at where others can write beside it: they would choose the variables of our programs", async () => {
    await neutralAwsFiles(context);
    chmodSync(state, 0o777);
    expect((await brokerErrorOf(() => neutralAwsFiles(context))).code).toBe("FileRefused");
  });

  it("holds in a shell that has the copies, whatever becomes of the files they are made from", async () => {
    writeFileSync(config(), "[default]\nregion = eu-west-1\n");
    const { files } = await neutralAwsFiles(context);
    const inside = { ...context, env: { ...context.env, ...files } };
    writeFileSync(config(), "[default]\nregion = us-east-1\n");

    expect(stamp(inside)?.defaultSettings).toMatchObject({ AWS_REGION: "eu-west-1" });
    expect((await neutralAwsFiles(inside)).files).toEqual(files);
  });

  it("is found among those of other configs, by what it says", async () => {
    const other = { ...context, env: { ...context.env, AWS_CONFIG_FILE: join(home, "other") } };
    writeFileSync(config(), "[default]\nregion = eu-west-1\n");
    writeFileSync(join(home, "other"), "[default]\nregion = us-east-1\n");
    await neutralAwsFiles(context);
    await neutralAwsFiles(other);

    expect(stamp()?.defaultSettings).toMatchObject({ AWS_REGION: "eu-west-1" });
    expect(stamp(other)?.defaultSettings).toMatchObject({ AWS_REGION: "us-east-1" });
    appendFileSync(join(home, "other"), "# more\n");
    expect([stamp() === undefined, stamp(other)]).toEqual([false, undefined]);
  });

  it("holds no key, and no name beside that of the files", async () => {
    const secret = canarySecretKey("stamp");
    writeFileSync(
      config(),
      `[default]\nregion = eu-west-1\naws_access_key_id = AKIA0000000000000001\naws_secret_access_key = ${secret}\n`,
    );

    await neutralAwsFiles(context);

    for (const name of readdirSync(copiesOf(context).directory)) {
      expect(readFileSync(join(copiesOf(context).directory, name), "utf8")).not.toContain(secret);
    }
  });

  it("says where nothing competes, so that `env` looks through no file", async () => {
    writeFileSync(config(), "[profile a]\noutput = json\n");

    expect((await competingFiles(context)).files).toEqual({});
    expect(stamp()?.competing).toBe(false);
    expect((await competingFiles(context)).files).toEqual({});
    expect(warned).toEqual([]);

    appendFileSync(config(), "[default]\nregion = eu-west-1\n");
    expect(Object.keys((await competingFiles(context)).files)).toContain("AWS_CONFIG_FILE");
    expect(warned).toHaveLength(1);
  });
});
