import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { chooseRuntimeClient } from "../../src/runtime-api/runtime-client.js";
import { BUILT_CLIENTS, LOCAL_ENV, type RanInTurn, runInTurn } from "../support/invoke-locally.js";
import { tempDir } from "../support/temp-dir.js";
import { type Case, NODE_24_CASES, NODE_CASES, type Seen } from "./differential-cases.js";
import { PYTHON_CASES } from "./python-cases.js";

/**
 * The same handler and event in our client and in AWS's, behind the same Runtime API. What differs is named in the table with its
 * reason; anything else is a fault, and so is a difference that is gone.
 */
const HOME = resolve(".lambda-clients");
const REFERENCE = join(HOME, "reference", "node_modules");
const TRANSPORT = resolve("test/lambda-clients/reference/transport.cjs");
const PATH = `${join(HOME, "python", "bin")}:${LOCAL_ENV["PATH"] ?? ""}`;

type Run = (code: string, handler: string) => Promise<{ readonly ours: Command; readonly theirs: Command }>;
type Command = readonly string[];

const onNode =
  (runtime: string, client: string): Run =>
  async (taskRoot, handler) => {
    const context = { functionName: "orders", runtime, handler };
    const ours = await chooseRuntimeClient({ context, taskRoot, env: LOCAL_ENV, shipped: BUILT_CLIENTS });
    const flags = ours.args.filter((arg) => arg.startsWith("--"));
    const theirs = [process.execPath, ...flags, "--require", TRANSPORT, join(REFERENCE, client), handler];
    return { ours: [ours.file, ...ours.args], theirs };
  };

const onPython: Run = (_, handler) =>
  Promise.resolve({
    ours: ["python3", BUILT_CLIENTS.pythonBootstrap, handler],
    theirs: ["python3", "-m", "awslambdaric", handler],
  });

function compare(
  title: string,
  cases: readonly Case[],
  { runtime, commands }: { runtime: string; commands: Run },
): void {
  describe(title, () => {
    it.each(cases)(
      "$name",
      async ({
        files,
        handler = "app.handler",
        event = { a: 1 },
        events = [event],
        env = {},
        differs = [],
        ...options
      }) => {
        const cwd = codeOf(files);
        const { ours, theirs } = await commands(cwd, handler);
        const all = {
          ...LOCAL_ENV,
          PATH,
          AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
          AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/orders",
          AWS_LAMBDA_LOG_STREAM_NAME: "stream",
          LAMBDA_TASK_ROOT: cwd,
          _HANDLER: handler,
          ...env,
        };

        const given = { ...options, cwd, env: all };
        const both = [ours, theirs].map(async (command) => seen(await runInTurn({ ...given, command }, events), cwd));
        const [mine, reference] = (await Promise.all(both)) as [Seen, Seen];

        const kept = (fields: Seen): Partial<Seen> =>
          Object.fromEntries(Object.entries(fields).filter(([name]) => !differs.includes(name as keyof Seen)));
        expect(kept(mine)).toEqual(kept(reference));
        for (const name of differs) expect(mine[name], `${name} is the same by now`).not.toEqual(reference[name]);
      },
    );
  });
}

compare("our client beside aws-lambda-ric 3.3.0", NODE_CASES, {
  runtime: "nodejs22.x",
  commands: onNode("nodejs22.x", "aws-lambda-ric/bin/index.mjs"),
});
compare("our client beside aws-lambda-ric 4.0.2", NODE_24_CASES, {
  runtime: "nodejs24.x",
  commands: onNode("nodejs24.x", "aws-lambda-ric-24/index.mjs"),
});
compare("our client beside awslambdaric 4.2.2", PYTHON_CASES, { runtime: "python3.12", commands: onPython });

function seen(runs: readonly RanInTurn[], cwd: string): Seen {
  const plain = (text: string): string =>
    withoutForeignFrames(runs.reduce(withoutRequestId, text), cwd)
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
      .replaceAll(/0x[0-9a-f]+/g, "ADDRESS");
  const last = runs.at(-1)!;
  return {
    status: runs.map(({ outcome }) => `${outcome.phase} ${outcome.status}`).join(", "),
    payload: plain(runs.map(({ outcome }) => outcome.payload.toString()).join("\n")),
    contentType: last.outcome.contentType,
    exit: last.outcome.exit,
    streamed: last.streamed,
    logs: plain(last.logs)
      .split("\n")
      .filter((line) => line !== "" && !/^(START|END|REPORT) RequestId|^Executing '/.test(line)),
  };
}

function withoutRequestId(text: string, { outcome }: RanInTurn, index: number): string {
  return text.replaceAll(outcome.requestId, index === 0 ? "ID" : `ID${index + 1}`);
}

/** Lines of a trace that are not the function's own: each client has its own there. */
function withoutForeignFrames(text: string, cwd: string): string {
  return text
    .replaceAll(/,?" {4}at [^"]*"/g, (frame) => (frame.includes(cwd) ? frame : ""))
    .replaceAll(/^ {4}at .*\n/gm, (frame) => (frame.includes(cwd) ? frame : ""))
    .replaceAll(PYTHON_FRAME_IN_DOCUMENT, "")
    .replaceAll(PYTHON_FRAME, "");
}

const CLIENT_FILE = String.raw`(?:[^"\\]*/(?:awslambdaric/\w+|lambda_bootstrap)\.py|<frozen runpy>)`;
const PYTHON_FRAME_IN_DOCUMENT = new RegExp(String.raw`(?:, )?"  File \\"${CLIENT_FILE}\\"(?:[^"\\]|\\.)*"`, "g");
/** In the client's own form, whose spaces do not break, and in Python's. */
const PYTHON_FRAME = new RegExp(String.raw`^[ \xa0]{2}File "${CLIENT_FILE}", .*\n(?:[ \xa0]{4}.*\n)*`, "gm");

function codeOf(files: Readonly<Record<string, string>>): string {
  const root = tempDir("function");
  for (const [path, text] of Object.entries({ "package.json": "{}", ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
