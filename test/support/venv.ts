import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** A program of `.venv`, where moto is; it missing is a failure and never a reason to skip. */
export function inVenv(name: string): string {
  const path = resolve(".venv/bin", name);
  if (!existsSync(path)) throw new Error(`${path} is missing: remove .venv, then \`npm run test:clients\` installs it`);
  return path;
}
