import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { chooseRuntimeClient } from "../../../src/runtime-api/runtime-client.js";
import { BUILT_CLIENTS, LOCAL_ENV, run } from "../../support/invoke-locally.js";
import { tempDir } from "../../support/temp-dir.js";

const ORDER = `import type { Order } from "./order.js";
import { priceOf } from "./order.js";
enum State { Open = "open" }
export const handler = async (order: Order): Promise<object> => ({ price: priceOf(order), state: State.Open, where: import.meta?.url ?? __filename });
`;
const PRICE = `export interface Order { readonly count: number }
export function priceOf({ count }: Order): number {
  if (count < 0) throw new RangeError("no such count");
  return count * 2;
}
`;

interface Project {
  readonly tools: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly type?: "module";
}

/** A directory of sources, with the real tools in its node_modules. */
function project({ tools, files = {}, type }: Project): string {
  const root = tempDir("function");
  const all = {
    "package.json": JSON.stringify(type ? { type } : {}),
    "src/orders.ts": type ? ORDER : ORDER.replace("import.meta?.url ?? __filename", "__filename"),
    "src/order.ts": PRICE,
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  mkdirSync(join(root, "node_modules"));
  for (const tool of tools) symlinkSync(resolve("node_modules", tool), join(root, "node_modules", tool));
  return root;
}

async function invoke(taskRoot: string, event: unknown, handler = "src/orders.handler") {
  const context = { functionName: "orders", runtime: `nodejs${process.versions.node.split(".")[0]}.x`, handler };
  const { file, args, notes } = await chooseRuntimeClient({
    ...{ context, taskRoot, env: LOCAL_ENV, shipped: BUILT_CLIENTS },
  });
  return { notes, ...(await run({ command: [file, ...args], cwd: taskRoot, event })) };
}

describe("a handler whose only source is TypeScript", () => {
  it.each([
    ["tsx", undefined],
    ["tsx", "module"],
    ["esbuild", undefined],
    ["esbuild", "module"],
  ] as const)("runs by the project's %s (package type: %s)", async (tool, type) => {
    const root = project({ tools: [tool], ...(type && { type }) });
    const { result, notes } = await invoke(root, { count: 21 });
    expect(result).toMatchObject({
      price: 42,
      state: "open",
      where: expect.stringContaining("src/orders.ts") as string,
    });
    expect(notes).toEqual([`src/orders.ts runs by the project's ${tool}: what your build makes of it may differ`]);
  });

  it.each(["tsx", "esbuild"])("names the lines of its sources in errors (%s)", async (tool) => {
    const { result: error } = await invoke(project({ tools: [tool] }), { count: -1 });
    expect(error).toMatchObject({
      errorType: "RangeError",
      trace: expect.arrayContaining([expect.stringMatching(/src\/order\.ts:3:/)]) as string[],
    });
  });

  it("is told with what is wrong in it", async () => {
    const root = project({ tools: ["esbuild"], files: { "src/orders.ts": "export const handler = = 1;\n" } });
    const { result: error } = await invoke(root, {});
    expect(error).toMatchObject({
      errorType: "Runtime.UserCodeSyntaxError",
      errorMessage: expect.stringContaining("orders.ts:1:") as string,
    });
    const incomplete = project({ tools: ["esbuild"], files: { "src/orders.ts": 'import "./gone";\n' } });
    expect((await invoke(incomplete, {})).result).toMatchObject({ errorType: "Runtime.ImportModuleError" });
  });

  it("is not run where something built lies beside it, nor where no tool is there", async () => {
    const built = project({ tools: ["tsx"], files: { "src/orders.js": "exports.handler = async () => 'built';" } });
    expect(await invoke(built, {})).toMatchObject({ result: "built", notes: [] });
    const { result: error } = await invoke(project({ tools: [] }), {});
    expect(error).toMatchObject({
      errorType: "Runtime.ImportModuleError",
      errorMessage: expect.stringContaining("install tsx or esbuild") as string,
    });
  });

  it("is not run by a tool in a directory that others may write to", async () => {
    const root = project({ tools: ["tsx"] });
    chmodSync(root, 0o777);
    expect((await invoke(root, {})).result).toMatchObject({ errorType: "Runtime.ImportModuleError" });
  });
});
