import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { withSourceNames } from "../../src/system/source-names.js";
import { chunkOf } from "../support/bundles.js";
import { tempDir } from "../support/temp-dir.js";

const DIST = `${resolve("dist")}/`;

/** Where a text stands in a file, as V8 writes it. */
function placeOf(file: string, text: string): string {
  const lines = readFileSync(file, "utf8").split("\n");
  const index = lines.findIndex((line) => line.includes(text));
  if (index === -1) throw new Error(`${file} has no ${text}`);
  return `${resolve(file)}:${index + 1}:3`;
}

describe("a stack of the built programs", () => {
  it("names the source file of our own code and of a package's, beside the place in the built file", () => {
    const ours = placeOf(chunkOf("src/daemon/daemon.ts", "brokerd"), "async function startLocked(");
    const package_ = placeOf(chunkOf("node_modules/yaml/dist/compose/composer.js", "brokerd"), "exports2.Composer = ");
    const stack = `Error: no\n    at async startLocked (${ours})\n    at ${package_}`;
    expect(withSourceNames(stack, DIST)).toBe(
      `Error: no\n    at async startLocked (src/daemon/daemon.ts, ${ours})\n    at node_modules/yaml/dist/compose/composer.js, ${package_}`,
    );
  });

  it("stays as it is where it leads elsewhere, to a file that is gone, or only looks like a place", () => {
    const other = join(tempDir("other"), "x.js");
    writeFileSync(other, "// src/core/errno.ts\nthrow 1;\n");
    const stack = `Error: (${DIST}brokerd.js:5:1)\n    at f (${other}:2:1)\n    at ${DIST}chunks/gone.js:1:1\n    at node:fs:1:1`;
    expect(withSourceNames(stack, DIST)).toBe(stack);
  });
});
