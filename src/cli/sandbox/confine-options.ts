import { BrokerError } from "../../core/errors.js";
import type { OptionSpecs, OptionValues } from "../command.js";
import type { CliContext } from "../context.js";
import type { ConfineWish, Sandbox } from "./sandbox.js";

export const CONFINE_OPTIONS = {
  confine: { type: "boolean", help: "run CMD in a sandbox that holds the working directory and this lease" },
  writable: { type: "string", repeat: true, value: "PATH", help: "with --confine: CMD may change it, too" },
  readable: { type: "string", repeat: true, value: "PATH", help: "with --confine: CMD may read it, too" },
  "keep-env": { type: "string", repeat: true, value: "NAME", help: "with --confine: CMD keeps this variable, too" },
} as const satisfies OptionSpecs;

type ConfineValues = OptionValues<typeof CONFINE_OPTIONS>;

/** undefined: CMD is not confined. To be asked before there is a lease: what is missing shows first. */
export async function sandboxOf(
  options: ConfineValues,
  program: string,
  context: CliContext,
): Promise<Sandbox | undefined> {
  const wish = wishOf(options, program);
  return wish && (await import("./sandbox.js")).prepareSandbox(wish, context);
}

export function wishOf(options: ConfineValues, program: string): ConfineWish | undefined {
  const { confine, writable, readable, "keep-env": keptVariables } = options;
  if (confine) return { writable, readable, keptVariables, program };
  const given = Object.entries({ writable, readable, "keep-env": keptVariables }).find(
    ([, values]) => values.length > 0,
  );
  if (!given) return undefined;
  const hint = `brokerctl exec ROLE --confine --${given[0]} ${given[1][0] ?? ""} -- CMD`;
  throw new BrokerError("UsageInvalid", `--${given[0]} is for --confine: else CMD has all that you have`, { hint });
}
