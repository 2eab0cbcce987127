import { copiesOf } from "../../src/cli/aws-files/copies-stamp.js";
import { neutralAwsFiles } from "../../src/cli/aws-files/neutral-aws-files.js";
import type { CliContext } from "../../src/cli/context.js";
import { resolvePaths } from "../../src/system/paths.js";
import { FakeClock } from "./fake-clock.js";

type Environment = Readonly<Record<string, string>>;

/** The copies of `~/.aws` and their stamp, as the first `exec` in this environment makes them, seconds after the files changed. */
export async function makeCopiesFor(env: Environment): Promise<void> {
  await neutralAwsFiles(contextFor(env));
}

export function fromOf(env: Environment): ReturnType<typeof copiesOf> {
  return copiesOf(contextFor(env));
}

function contextFor(env: Environment): CliContext {
  const homeDir = env["HOME"] ?? "";
  const paths = resolvePaths({ env, platform: "linux", homeDir, uid: process.getuid?.() ?? -1 });
  const clock = new FakeClock(Date.now() + 60_000);
  return { env, homeDir, version: "0.1.0", clock, paths: () => paths } as unknown as CliContext;
}
