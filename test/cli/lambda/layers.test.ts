import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { missingModuleHint } from "../../../src/cli/lambda/missing-module.js";
import type { FunctionContext } from "../../../src/core/function-context.js";
import { SystemClock } from "../../../src/system/clock.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";
import { tempDir } from "../../support/temp-dir.js";

const PATH = process.env["PATH"] ?? "";
const VERSION = execFileSync("python3", ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"], {
  encoding: "utf8",
}).trim();
const LAYER = "arn:aws:lambda:eu-west-1:111111111111:layer:shared:3";
const BWRAP = "bwrap";
const hasBwrap = ((): boolean => {
  try {
    return execFileSync(BWRAP, ["--dev-bind", "/", "/", "true"]).length === 0;
  } catch {
    return false;
  }
})();

const HANDLER = `import os, sys
import shared
def handler(event, context):
    return {"shared": shared.NAME, "opt": sorted(os.listdir("/opt")), "path": os.environ["PATH"], "lib": os.environ["LD_LIBRARY_PATH"]}
`;

let fixture: CliFixture;
let root: string;
let layers: string;

function put(directory: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text, { mode: 0o700 });
  }
  return directory;
}

const SERVED = { runtime: `python${VERSION}`, timeout: 20, layers: [LAYER] };

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addFunction("orders", { context: SERVED });
  root = put(tempDir("code", "input"), { "app.py": HANDLER });
  layers = put(tempDir("layers", "input"), {
    "python/shared.py": 'NAME = "of the layer"\n',
    "bin/tool": "#!/bin/sh\n",
  });
});

function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RunResult> {
  return fixture.run(["lambda", ...argv], { clock: new SystemClock(), env: { PATH, ...env } });
}

const invoke = (...argv: readonly string[]): Promise<RunResult> =>
  run(["invoke", "orders", "--via", "dev", "--task-root", root, ...argv]);

describe("a function with layers", () => {
  it("says so in a line, with what brings them here", async () => {
    const { stderr } = await invoke();
    expect(stderr).toContain(
      "brokerctl: orders has a layer (shared:3), not here: brokerctl lambda pull orders --to DIR, then --layers DIR/layers\n",
    );
  });

  it("names the handler that a wrapper in a layer wraps", async () => {
    const variables = { DD_LAMBDA_HANDLER: "app.handler" };
    fixture.control.addFunction("orders", {
      context: { ...SERVED, handler: "/opt/wrapper/handler.handler", variables },
    });
    expect((await invoke()).stderr).toContain("or --handler app.handler, which the layer wraps");
  });

  it.runIf(hasBwrap)("finds them in /opt, on the search paths of its runtime", async () => {
    put(layers, { "extensions/agent": "" });
    const { code, json, stderr } = await invoke("--layers", layers);
    expect([code, json]).toEqual([
      0,
      {
        shared: "of the layer",
        opt: ["bin", "extensions", "python"],
        path: expect.stringMatching(/.:\/opt\/bin$/) as string,
        lib: "/opt/lib",
      },
    ]);
    expect(stderr).toContain("extensions of layers do not run here: agent");
    expect(stderr).not.toContain("lambda pull");
  });

  it.runIf(hasBwrap)("is started by the wrapper that it names, which may choose another handler", async () => {
    put(layers, { wrapper: '#!/bin/sh\nexport _HANDLER=other.handler\nexec "$@"\n' });
    put(root, { "other.py": "def handler(event, context):\n    return 'wrapped'\n" });
    const variables = { AWS_LAMBDA_EXEC_WRAPPER: "/opt/wrapper" };
    fixture.control.addFunction("orders", { context: { ...SERVED, variables } });
    expect(await invoke("--layers", layers)).toMatchObject({ code: 0, json: "wrapped" });
  });

  it.runIf(hasBwrap)("has them in `lambda exec` too, and CMD's exit code passes", async () => {
    const script = "cat /opt/python/shared.py; echo $PYTHONPATH; exit 7";
    const command = ["exec", "orders", "--via", "dev", "--layers", layers, "--", process.execPath, "-e", CHILD, script];
    const { code } = await run(command);
    expect(code).toBe(7);
  });

  it("is refused where bwrap is not there, and where there is no such directory", async () => {
    const bin = tempDir("bin");
    symlinkSync(execFileSync("which", ["python3"], { encoding: "utf8" }).trim(), join(bin, "python3"));
    const without = await run(["invoke", "orders", "--via", "dev", "--layers", layers], { PATH: bin });
    expect([without.code, without.stderr]).toEqual([1, expect.stringContaining("--layers needs bubblewrap")]);
    const nowhere = await invoke("--layers", join(layers, "gone"));
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining("--layers is no directory")]);
    expect(fixture.control.requests("lambda-role")).toEqual([]);
  });

  it("is told as a web server, where the Web Adapter would start it", async () => {
    const variables = { AWS_LAMBDA_EXEC_WRAPPER: "/opt/bootstrap" };
    fixture.control.addFunction("orders", { context: { ...SERVED, handler: "run.sh", variables } });
    const { code, stderr } = await invoke();
    expect([code, stderr]).toEqual([2, expect.stringContaining("brokerctl lambda exec orders -- ./run.sh")]);
  });
});

/** Runs a shell's words, with its exit code. */
const CHILD =
  "process.exitCode = require('node:child_process').spawnSync('sh', ['-c', process.argv[1]], { stdio: 'ignore' }).status";

const CONTEXT: FunctionContext = {
  ...{ functionName: "orders", functionArn: LAYER, version: "1", region: "eu-west-1", memorySize: 128, timeout: 3 },
  ...{
    handler: "src/app.handler",
    runtime: "nodejs22.x",
    logGroup: null,
    logFormat: null,
    logLevel: null,
    variables: {},
  },
};
const python = { ...CONTEXT, runtime: "python3.12", handler: "pkg/app.handler" };
const withLayers = { ...CONTEXT, layers: [LAYER] };

function hint(
  context: FunctionContext,
  errorMessage: string,
  more: { readonly layers?: string; readonly errorType?: string } = {},
) {
  const { errorType = "Runtime.ImportModuleError" } = more;
  const held = more.layers === undefined ? undefined : { directory: more.layers };
  return missingModuleHint({ context, taskRoot: "/code", layers: held }, { errorType, errorMessage });
}

describe("a module that is not found", () => {
  it.each([
    [
      "of the SDK comes with the runtime",
      CONTEXT,
      "Error: Cannot find module '@aws-sdk/client-s3'",
      /^npm install @aws-sdk\/client-s3 .*comes with Lambda's nodejs22.x, and not with Node$/,
    ],
    [
      "of the SDK as an ES module, too",
      CONTEXT,
      "Cannot find package '@aws-sdk/lib-dynamodb' imported from /code/a.mjs",
      /^npm install @aws-sdk\/lib-dynamodb /,
    ],
    [
      "of the old SDK did with Node 16",
      { ...CONTEXT, runtime: "nodejs16.x" },
      "Error: Cannot find module 'aws-sdk/clients/s3'",
      /^npm install aws-sdk .*comes with/,
    ],
    [
      "of the old SDK does no more",
      CONTEXT,
      "Error: Cannot find module 'aws-sdk'",
      /^npm install aws-sdk {4}# looked in \/code/,
    ],
    [
      "of boto3 comes with the runtime",
      python,
      "Unable to import module 'pkg/app': No module named 'boto3'",
      /^python3 -m pip install boto3 .*comes with Lambda's python3.12/,
    ],
    [
      "of SnapStart's hooks does, too",
      python,
      "Unable to import module 'pkg/app': No module named 'snapshot_restore_py'",
      /^python3 -m pip install snapshot_restore_py /,
    ],
    [
      "may be of a layer",
      withLayers,
      "Error: Cannot find module 'shared/x'\nRequire stack:",
      /^brokerctl lambda pull orders --to DIR.*shared may be of a layer/,
    ],
    [
      "is looked for where the code is",
      python,
      "Unable to import module 'pkg/app': No module named 'yaml'",
      /^python3 -m pip install yaml {4}# looked in \/code and in what python3 has$/,
    ],
    [
      "is no word of a shell",
      python,
      "Unable to import module 'pkg/app': No module named 'a;$(id)'",
      /^python3 -m pip install 'a;\$\(id\)' {4}#/,
    ],
    [
      "is called as what every object has",
      python,
      "Unable to import module 'pkg/app': No module named 'constructor'",
      /^python3 -m pip install constructor {4}#/,
    ],
    [
      "is the handler itself",
      CONTEXT,
      "Error: Cannot find module 'app'\nRequire stack:",
      /^--task-root DIR, where src\/app.handler .* here it was \/code$/,
    ],
    ["is a file of the code", CONTEXT, "Error: Cannot find module './orders'", /^--task-root DIR/],
    [
      "is the handler's package",
      python,
      "Unable to import module 'pkg/app': No module named 'pkg'",
      /^--task-root DIR/,
    ],
  ] as const)("%s", (_, context, message, said) => {
    expect(hint(context, message)).toMatch(said);
  });

  it("is not in the layers, or there for another runtime", () => {
    const directory = put(tempDir("layers", "input"), { "nodejs/node18/node_modules/shared/index.js": "" });
    const message = "Error: Cannot find module 'shared'";
    expect(hint(withLayers, message, { layers: directory })).toBe(
      `${directory}/nodejs/node18/node_modules/shared is there, but nodejs22.x does not look in that directory`,
    );
    expect(hint(withLayers, "Error: Cannot find module 'gone'", { layers: directory })).toContain(
      "neither there nor in the layers",
    );
  });

  it("is no other failure", () => {
    expect(hint(CONTEXT, "no such order", { errorType: "OrderError" })).toBeUndefined();
  });
});
