import { expect } from "vitest";
import type { Outcome } from "../support/broker.js";

/** The outcome of a program that did what it should and had nothing to say about it. */
export const SUCCESS = { code: 0, signal: null, stdout: expect.any(String) as string, stderr: "" };

/** Who a client said it is, once for each time it asked. */
export function arnsIn({ stdout }: Outcome): readonly string[] {
  return [...stdout.matchAll(/"Arn":\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}
