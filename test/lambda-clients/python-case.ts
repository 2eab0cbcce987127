import type { Case } from "./differential-cases.js";

export const py = (name: string, text: string, more: Partial<Case> = {}): Case => ({
  name,
  files: { "app.py": text },
  ...more,
});
/** A handler that returns this expression. */
export const returns = (name: string, value: string, more: Partial<Case> = {}): Case =>
  py(
    name,
    `from decimal import Decimal\nimport logging, json, os\ndef handler(event, context):\n    return ${value}\n`,
    more,
  );
/** A handler of these lines. */
export const does = (name: string, lines: readonly string[], more: Partial<Case> = {}): Case =>
  py(
    name,
    ["import logging, os, sys", "def handler(event, context):", ...lines.map((line) => `    ${line}`), ""].join("\n"),
    more,
  );

/** A module of these lines. */
export const module = (name: string, lines: readonly string[], more: Partial<Case> = {}): Case =>
  py(name, `${lines.join("\n")}\n`, more);
export const HANDLER = "def handler(event, context):";
