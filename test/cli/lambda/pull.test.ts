import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { FakeArchives } from "../../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import { tempDir } from "../../support/temp-dir.js";
import { zipArchive } from "../../support/zip-archive.js";

const CODE = zipArchive([{ name: "app.js", content: "// the code\n".repeat(200), isStored: true }]);
const layerArn = (name: string): string => `arn:aws:lambda:eu-west-1:111111111111:layer:${name}:3`;
const LAYERS = [
  {
    arn: layerArn("base"),
    content: zipArchive([
      { name: "nodejs/a.js", content: "base" },
      { name: "bin/x", content: "base" },
    ]),
  },
  { arn: layerArn("over"), content: zipArchive([{ name: "nodejs/a.js", content: "over" }]) },
];

let fixture: CliFixture;
let to: string;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addFunction("orders").addFunction("image");
  to = join(tempDir("pull", "input"), "deployed");
});

function pull(archives: FakeArchives = { code: CODE, layers: LAYERS }, ...argv: readonly string[]) {
  fixture.control.archives.set("orders", archives);
  return fixture.run(["lambda", "pull", "orders", "--via", "dev", "--to", to, ...argv]);
}

const text = (name: string): string => readFileSync(join(to, name), "utf8");

describe("lambda pull", () => {
  it("makes the code, and the layers over each other as /opt, in the directory that is named", async () => {
    const { code, stdout, stderr } = await pull();
    expect([code, stdout]).toEqual([0, `${join(to, "code")}\n${join(to, "layers")}\n`]);
    expect(stderr).toContain(
      `brokerctl lambda invoke orders --task-root ${join(to, "code")} --layers ${join(to, "layers")}`,
    );
    expect([text("code/app.js"), text("layers/nodejs/a.js"), text("layers/bin/x")]).toEqual([
      "// the code\n".repeat(200),
      "over",
      "base",
    ]);
    expect(readdirSync(to).toSorted()).toEqual(["code", "layers"]);
  });

  it("tells the same as JSON, and of a function without layers that there are none", async () => {
    const { json } = await pull({ code: CODE, layers: [] }, "--json");
    expect(json).toEqual({
      ...{ function: "orders", version: "$LATEST", code: join(to, "code"), layers: null, missing_layers: [] },
    });
  });

  it("says which layer could not be fetched, and fails, with the rest there", async () => {
    const closed = { arn: layerArn("closed"), problem: "AWS refused GetLayerVersion" };
    const { code, stderr } = await pull({ code: CODE, layers: [...LAYERS, closed] });
    expect(code).toBe(1);
    expect(stderr).toContain("layer closed:3 is not fetched: AWS refused GetLayerVersion");
    expect(text("layers/nodejs/a.js")).toBe("over");
  });

  it("asks nothing for a directory that holds something, unless it may replace code and layers in it", async () => {
    mkdirSync(join(to, "code"), { recursive: true });
    for (const name of ["code/old.js", "mine.txt"]) writeFileSync(join(to, name), "mine");
    const refused = await pull();
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("is not empty")]);
    expect(fixture.control.requests("lambda-code")).toEqual([]);
    expect(await pull(undefined, "--force")).toMatchObject({ code: 0 });
    expect([existsSync(join(to, "code/old.js")), text("mine.txt"), text("layers/bin/x")]).toEqual([
      false,
      "mine",
      "base",
    ]);
  });

  it("removes a link in the place of the code, and not what it leads to", async () => {
    const elsewhere = tempDir("elsewhere", "input");
    writeFileSync(join(elsewhere, "mine.txt"), "mine");
    mkdirSync(to);
    symlinkSync(elsewhere, join(to, "code"));
    expect(await pull(undefined, "--force")).toMatchObject({ code: 0 });
    expect([readFileSync(join(elsewhere, "mine.txt"), "utf8"), existsSync(join(to, "code/app.js"))]).toEqual([
      "mine",
      true,
    ]);
  });

  it.each([
    [
      "has another sum than Lambda says",
      { code: CODE, told: { sha256: `${"A".repeat(43)}=` }, layers: [] },
      "CodeSha256",
    ],
    ["is longer than Lambda says", { code: CODE, told: { bytes: 10 }, layers: [] }, "CodeSha256"],
    ["is shorter than Lambda says", { code: CODE, told: { bytes: CODE.length + 1 }, layers: [] }, "CodeSha256"],
    [
      "leads out of the directory",
      { code: zipArchive([{ name: "../evil", content: "x" }]), layers: [] },
      "leads out of it",
    ],
  ])("keeps nothing of code that %s", async (_, archives, said) => {
    const { code, stdout, stderr } = await pull(archives);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(said);
    expect([readdirSync(to), readdirSync(join(to, ".."))]).toEqual([[], ["deployed"]]);
  });

  it("leaves nothing of what was begun at Ctrl-C, so that it can be asked for again", async () => {
    fixture.control.onCall = (operation) => {
      if (operation === "lambda-code-part") process.emit("SIGINT", "SIGINT");
    };
    expect(await pull()).toMatchObject({ signal: "SIGINT", stdout: "" });
    expect(readdirSync(to)).toEqual([]);
    fixture.control.onCall = undefined;
    expect(await pull()).toMatchObject({ code: 0 });
  });

  it("refuses an image, and needs a directory", async () => {
    const image = await fixture.run(["lambda", "pull", "image", "--via", "dev", "--to", to]);
    expect([image.code, image.stderr]).toEqual([2, expect.stringContaining("deployed as an image")]);
    const nowhere = await fixture.run(["lambda", "pull", "orders", "--via", "dev"]);
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining("--to DIR")]);
  });
});
