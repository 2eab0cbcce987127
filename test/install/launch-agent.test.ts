import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type LaunchAgent, renderLaunchAgent } from "../../src/system/service/launchd-plist.js";

/** Python's plistlib: a property-list parser that is not ours. */
function parse(text: string): unknown {
  const program = "import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
  return JSON.parse(execFileSync("python3", ["-c", program], { input: text, encoding: "utf8" })) as unknown;
}

const AGENT: LaunchAgent = {
  command: [
    "/opt/homebrew/opt/node/bin/node",
    "/x/brokerd.js",
    "--log-file",
    "/Users/me/Library/Application Support/log",
  ],
  environment: { CREDBROKER_HOME: "/Users/me/Library/Application Support/credbroker" },
  standardErrorPath: "/Users/me/brokerd.stderr",
};

describe("the LaunchAgent, as another parser reads it", () => {
  it("says all that launchd is to do, with launchd's types", () => {
    expect(parse(renderLaunchAgent(AGENT))).toEqual({
      Label: "credbroker.brokerd",
      ProgramArguments: AGENT.command,
      EnvironmentVariables: AGENT.environment,
      WorkingDirectory: "/",
      StandardErrorPath: AGENT.standardErrorPath,
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ProcessType: "Adaptive",
      Umask: 0o077,
      SoftResourceLimits: { Core: 0, NumberOfFiles: 4096 },
      HardResourceLimits: { Core: 0, NumberOfFiles: 4096 },
    });
  });

  it("holds every value as it is, also one that looks like XML, a reference or a placeholder", () => {
    const hostile = `<a>&amp;&#65;]]> "'é😀 $& @ENVIRONMENT_VARIABLES@ </string></array>\n\t<key>RunAtLoad</key>`;
    const agent = { command: [hostile], environment: { [hostile]: hostile }, standardErrorPath: hostile };
    expect(parse(renderLaunchAgent(agent))).toMatchObject({
      ProgramArguments: [hostile],
      EnvironmentVariables: { [hostile]: hostile },
      StandardErrorPath: hostile,
      RunAtLoad: true,
    });
  });
});
