import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runProgram } from "../support/broker.js";
import { launcher } from "../support/launcher.js";

const env = { PATH: process.env["PATH"] ?? "" };
const NAME = `credbroker-landlock-${process.pid}`;
const LISTEN = `
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind("\\0" + sys.argv[1])
server.listen(9)
print("ready", flush=True)
sys.stdin.read()`;
const CONNECT = `
import errno, socket, sys
try:
    socket.socket(socket.AF_UNIX).connect("\\0" + sys.argv[1])
    print("connected")
except OSError as error:
    print(errno.errorcode[error.errno])`;

let outside: ChildProcess;
beforeEach(async () => {
  outside = spawn("python3", ["-c", LISTEN, NAME], { stdio: ["pipe", "pipe", "inherit"] });
  await once(outside.stdout!, "data");
});
afterEach(() => {
  outside.kill("SIGKILL");
});

const inside = (...command: readonly string[]) => runProgram([launcher(), "landlock-exec", ...command], { env });

describe("a command of the launcher's landlock-exec", () => {
  it("reaches no abstract socket that a program outside listens on", async () => {
    const connect = ["python3", "-c", CONNECT, NAME] as const;
    expect((await runProgram([...connect], { env })).stdout).toBe("connected\n");
    expect(await inside(...connect)).toMatchObject({ code: 0, stdout: "EPERM\n" });
  });

  it("reaches those of its own", async () => {
    const both = `${LISTEN.replace("sys.stdin.read()", "")}\n${CONNECT}`;
    expect((await inside("python3", "-c", both, `${NAME}-own`)).stdout).toBe("ready\nconnected\n");
  });

  it("gives its exit code, 127 where it is not found, 126 where it cannot be run", async () => {
    const codes = [["sh", "-c", "exit 7"], ["no-such-program"], ["/usr"]].map(
      async (argv) => (await inside(...argv)).code,
    );
    expect(await Promise.all(codes)).toEqual([7, 127, 126]);
  });
});

it("landlock-exec without a command tells by its exit code whether the kernel can do it", async () => {
  expect(await inside()).toMatchObject({ code: 0, stdout: "", stderr: "" });
});
