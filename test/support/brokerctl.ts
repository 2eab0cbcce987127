import { resolve } from "node:path";

/** brokerctl by Node, which does all of it. */
export const NODE_PROGRAM = [process.execPath, resolve("dist/brokerctl.js")] as const;
/** As npm links it: the launcher for what it knows, and Node for the rest. */
const LINKED = [resolve("bin/brokerctl")] as const;

/** The program that the tests of both are for; those of the project `native` run once more with the launcher. */
export const BROKERCTL: readonly [string, ...string[]] =
  process.env["CREDBROKER_TEST_PROGRAM"] === "native" ? LINKED : NODE_PROGRAM;

/** The same as words of a shell's command line; no path of this repository has a blank. */
export const BROKERCTL_IN_SHELL = BROKERCTL.join(" ");
