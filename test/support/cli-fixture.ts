import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach } from "vitest";
import { FakeControl } from "../fakes/fake-control.js";
import { type RunOptions, type RunResult, runCommand } from "./cli-run.js";
import { tempDir } from "./temp-dir.js";

/** A home with a fake daemon in it, and command lines run against that. */
export interface CliFixture {
  readonly home: string;
  readonly control: FakeControl;
  readonly configFile: string;
  readonly run: (argv: readonly string[], options?: Omit<RunOptions, "home">) => Promise<RunResult>;
}

const controls: FakeControl[] = [];

/** Closed after the test. */
export async function cliFixture(options: { readonly listening?: boolean } = {}): Promise<CliFixture> {
  const home = tempDir("cli");
  mkdirSync(join(home, "state"), { mode: 0o700 });
  const control = new FakeControl(home);
  controls.push(control);
  if (options.listening !== false) await control.listen();
  const configFile = join(home, "config.yaml");
  writeFileSync(configFile, "version: 1\n", { mode: 0o600 });
  return { home, control, configFile, run: (argv, options = {}) => runCommand(argv, { ...options, home }) };
}

afterEach(async () => {
  for (const control of controls.splice(0)) await control.close();
});
