import { expect } from "vitest";
import type { Outcome } from "../support/broker.js";
import type { HomeKind } from "./homes.js";

/** The outcome of a program that did what it should and had nothing to say about it. */
export const SUCCESS = { code: 0, signal: null, stdout: expect.any(String) as string, stderr: "" };

/** The same after `env`, which says where something of the home keeps some program from the broker. */
export function successByEnv(kind: HomeKind): typeof SUCCESS {
  switch (kind) {
    case "[default] with keys":
      return { ...SUCCESS, stderr: expect.stringContaining("aws_access_key_id in [default]") as string };
    case "[default] with only a region":
      return { ...SUCCESS, stderr: expect.stringContaining("without the [default]") as string };
    case "empty":
    case "AWS_PROFILE set":
      return SUCCESS;
  }
}

/** Who a client said it is, once for each time it asked. */
export function arnsIn({ stdout }: Outcome): readonly string[] {
  return [...stdout.matchAll(/"Arn":\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}
