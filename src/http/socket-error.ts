import { getSystemErrorMap } from "node:util";

/** Whether the system gave this errno name. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** Why the system refused, in its own words: "address already in use"; no call, no address. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const errno = "errno" in error && typeof error.errno === "number" ? error.errno : undefined;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? error.message;
}
