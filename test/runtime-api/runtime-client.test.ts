import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { foreignBinary } from "../../src/runtime-api/foreign-binary.js";
import {
  chooseRuntimeClient,
  type RuntimeClientOptions,
  SHIPPED_CLIENTS,
} from "../../src/runtime-api/runtime-client.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LOCAL_ENV } from "../support/invoke-locally.js";
import { tempDir } from "../support/temp-dir.js";

const shipped = { nodePath: "/node", nodeBootstrap: "/dist/node.js", pythonBootstrap: "/dist/python.py" };
const major = /^v(\d+)/.exec(process.version)?.[1] ?? "";
const isKnown = (flag: string): boolean => process.allowedNodeEnvironmentFlags.has(flag);
const LAMBDA_FLAGS =
  major === "20"
    ? ["--no-experimental-require-module"].filter(isKnown)
    : major === "22"
      ? ["--no-experimental-require-module", "--no-experimental-detect-module"].filter(isKnown)
      : [];

function choose(runtime: string | null, options: Partial<RuntimeClientOptions> & { handler?: string | null } = {}) {
  const { handler = "app.handler", ...others } = options;
  const context = { functionName: "orders", runtime, handler };
  return chooseRuntimeClient({ context, taskRoot: tempDir("function"), env: LOCAL_ENV, shipped, ...others });
}

/** A directory with a `python3` that answers what it is asked with `answer`. */
function pythonThat(script: string): Record<string, string> {
  const bin = tempDir("bin");
  writeFileSync(join(bin, "python3"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, "python3"), 0o700);
  return { PATH: bin };
}

describe("the client of a function", () => {
  it("is the command after --, whatever the function is", async () => {
    const command = ["npx", "aws-lambda-ric", "app.handler"];

    expect(await choose("java21", { command })).toEqual({
      file: "npx",
      args: ["aws-lambda-ric", "app.handler"],
      notes: [],
    });
    expect(await choose(null, { command, handler: null })).toMatchObject({ file: "npx" });
  });

  it("is ours for Node", async () => {
    expect(await choose(`nodejs${major}.x`)).toEqual({
      file: "/node",
      args: [...LAMBDA_FLAGS, "/dist/node.js", "app.handler"],
      notes: [],
    });
  });

  it.each([
    ["nodejs20.x", ["require-module"]],
    ["nodejs22.x", ["require-module", "detect-module"]],
    ["nodejs24.x", []],
  ])("runs Node for %s with Lambda's own flags, where this Node knows them", async (runtime, features) => {
    const flags = features.map((feature) => `--no-experimental-${feature}`).filter(isKnown);

    expect((await choose(runtime)).args).toEqual([...flags, "/dist/node.js", "app.handler"]);
  });

  it("leaves out the flag that the function's NODE_OPTIONS take back", async () => {
    const env = { ...LOCAL_ENV, NODE_OPTIONS: "--no-warnings --experimental-require-module" };

    expect((await choose("nodejs20.x", { env })).args).toEqual(["/dist/node.js", "app.handler"]);
  });

  it("tells when Node is another one here", async () => {
    const { notes } = await choose("nodejs99.x");

    expect(notes).toEqual([`the function runs on nodejs99.x, here Node is ${process.version}`]);
  });

  it("is ours for Python where AWS's is not installed", async () => {
    const env = pythonThat("echo '3.12 False False'");

    expect(await choose("python3.12", { env })).toEqual({
      file: "python3",
      args: ["/dist/python.py", "app.handler"],
      notes: [],
    });
  });

  it("is AWS's for Python where that is installed, or lies beside the code", async () => {
    expect(await choose("python3.12", { env: pythonThat("echo '3.12 True False'") })).toMatchObject({
      args: ["-m", "awslambdaric", "app.handler"],
    });
    const taskRoot = tempDir("function");
    mkdirSync(join(taskRoot, "awslambdaric"));
    writeFileSync(join(taskRoot, "awslambdaric", "__init__.py"), "");
    expect(await choose("python3.12", { taskRoot })).toMatchObject({ args: ["-m", "awslambdaric", "app.handler"] });
  });

  it("tells when Python is another one here", async () => {
    const { notes } = await choose("python3.9", { env: pythonThat("echo '3.12 False False'") });

    expect(notes).toEqual(["the function runs on python3.9, here python3 is 3.12"]);
  });

  it("listens for a debugger where one is wanted: Node's inspector, and debugpy where it is installed", async () => {
    const debugging = { port: undefined, nth: 1, waits: true };
    const node = await choose("nodejs24.x", { debugging });
    expect([node.args[0], node.debugger]).toEqual(["--inspect-brk=127.0.0.1:9230", "127.0.0.1:9230"]);
    const env = pythonThat("echo '3.12 True True'");
    const python = await choose("python3.12", { env, debugging: { ...debugging, port: 7000 } });
    expect(python.args).toEqual([
      ...[
        "-Xfrozen_modules=off",
        "-m",
        "debugpy",
        "--listen",
        "127.0.0.1:7001",
        "--wait-for-client",
        "-m",
        "awslambdaric",
        "app.handler",
      ],
    ]);
    const missing = await brokerErrorOf(() =>
      choose("python3.12", { env: pythonThat("echo '3.12 False False'"), debugging }),
    );
    expect(missing).toMatchObject({ code: "UsageInvalid", hint: "python3 -m pip install debugpy" });
  });

  it.each([
    ["a command", "nodejs20.x", ["node", "app.js"]],
    ["an OS-only runtime", "provided.al2023", []],
  ])("has no debugger for %s", async (_, runtime, command) => {
    const debugging = { port: undefined, nth: 0, waits: false };
    const error = await brokerErrorOf(() => choose(runtime, { command, debugging }));
    expect(error).toMatchObject({
      code: "NotSupported",
      message: expect.stringContaining("--inspect is for Node") as string,
    });
  });

  it.each([
    ["is not installed", () => ({ PATH: tempDir("bin") })],
    ["does not run", () => pythonThat("exit 1")],
    ["is older than our client", () => pythonThat("echo '3.7 False False'")],
    ["says something else", () => pythonThat("echo hello")],
  ])("is missing for Python when python3 %s", async (_, env) => {
    const error = await brokerErrorOf(() => choose("python3.12", { env: env() }));

    expect(error).toMatchObject({ code: "UsageInvalid" });
    expect(error.message).toContain("python3");
    expect(error.hint).toContain("python3 --version");
  });

  it("does not blame Python for a directory that is not there", async () => {
    const taskRoot = join(tempDir("function"), "gone");

    const error = await brokerErrorOf(() => choose("python3.12", { taskRoot }));

    expect(error).toMatchObject({ code: "UsageInvalid", message: `no such directory: ${taskRoot}` });
  });

  it("is the program `bootstrap` for an OS-only runtime, and the handler's for the old one of Go", async () => {
    const taskRoot = tempDir("function");
    for (const name of ["bootstrap", "main"]) writeFileSync(join(taskRoot, name), "#!/bin/sh\n", { mode: 0o700 });

    expect(await choose("provided.al2023", { taskRoot })).toEqual({
      file: join(taskRoot, "bootstrap"),
      args: [],
      notes: [],
    });
    expect(await choose("go1.x", { taskRoot, handler: "main" })).toMatchObject({ file: join(taskRoot, "main") });
  });

  it("is missing where there is no bootstrap, where it may not be executed, and where it is for another machine", async () => {
    const taskRoot = tempDir("function");
    const bootstrap = join(taskRoot, "bootstrap");
    const failure = () => brokerErrorOf(() => choose("provided.al2", { taskRoot }));

    expect(await failure()).toMatchObject({ code: "UsageInvalid", message: `no such file: ${bootstrap}` });
    writeFileSync(bootstrap, elf(0x28), { mode: 0o600 });
    expect(await failure()).toMatchObject({ hint: `chmod +x ${bootstrap}` });
    chmodSync(bootstrap, 0o700);
    expect((await failure()).message).toContain("was built for linux/machine 40");
  });

  it.each(["ruby3.3", "java21", "dotnet8", "cobol85"])("has to be given for %s", async (runtime) => {
    const error = await brokerErrorOf(() => choose(runtime));

    expect(error).toMatchObject({ code: "NotSupported" });
    expect(error.message).toContain(runtime);
    expect(error.hint).toMatch(/^brokerctl lambda invoke orders -- /);
  });

  it("has to be given for an image", async () => {
    const error = await brokerErrorOf(() => choose(null, { handler: null }));

    expect(error).toMatchObject({ code: "NotSupported" });
    expect(error.hint).toContain("brokerctl lambda invoke orders -- CMD");
  });

  it.each([null, ""])("needs a handler: %j", async (handler) => {
    expect(await brokerErrorOf(() => choose("nodejs20.x", { handler }))).toMatchObject({ code: "NotSupported" });
  });

  it("is where the build puts it", () => {
    expect(SHIPPED_CLIENTS.nodePath).toBe(process.execPath);
    expect(SHIPPED_CLIENTS.nodeBootstrap).toMatch(/\/lambda-bootstrap\.mjs$/);
    // From the sources, the one of Python is the very file.
    expect(existsSync(SHIPPED_CLIENTS.pythonBootstrap)).toBe(true);
  });
});

describe("a program built for another machine", () => {
  const file = (content: Buffer): string => {
    const path = join(tempDir("binary"), "program");
    writeFileSync(path, content);
    return path;
  };

  it("is told by its header", async () => {
    expect(await foreignBinary(file(elf(0xb7)), "linux/x64")).toBe("linux/arm64");
    expect(await foreignBinary(file(elf(0x3e)), "linux/x64")).toBeUndefined();
    expect(await foreignBinary(file(elf(0xb7)), "darwin/arm64")).toBe("linux/arm64");
  });

  it("is not suspected in a script, nor in what is too short", async () => {
    expect(await foreignBinary(file(Buffer.from("#!/bin/bash\nexec something long\n")), "linux/x64")).toBeUndefined();
    expect(await foreignBinary(file(Buffer.from([0x7f, 0x45, 0x4c, 0x46])), "linux/x64")).toBeUndefined();
  });

  it("is not this very Node", async () => {
    const link = join(tempDir("binary"), "node");
    symlinkSync(process.execPath, link);

    expect(await foreignBinary(link)).toBeUndefined();
  });
});

function elf(machine: number): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x7f454c46, 0);
  header.writeUInt16LE(machine, 18);
  return header;
}
