import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestBroker } from "./broker.js";
import { BROKERCTL } from "./brokerctl.js";

/** brokerctl at a terminal of its own, 80 columns wide, at which this is typed once `question` is there; its output is its screen. */
export async function atTerminal(
  broker: TestBroker,
  args: readonly string[],
  { question = "Give it?", typed }: { readonly question?: string; readonly typed: string },
): Promise<{ readonly code: number | null; readonly screen: string }> {
  const line = [...BROKERCTL, ...args].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qec", `stty cols 80; ${line}`, "/dev/null"], {
    ...{ env: broker.env, stdio: ["pipe", "pipe", "ignore"] },
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const wasAsked = screen.includes(question);
    screen += chunk;
    if (!wasAsked && screen.includes(question)) child.stdin.write(typed);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, screen };
}
