import { getSystemErrorMap } from "node:util";

/** Whether `error` is what Node throws for a failed system call, with one of these codes (`ENOENT`, …). */
export function hasErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

/** `ENOENT` and the like, for messages; of an error without a code its name. */
export function errnoOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** The system's own words for a failed call, e.g. "no space left on device"; no path, no syscall name. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const errno = "errno" in error && typeof error.errno === "number" ? error.errno : undefined;
  const known = errno === undefined ? undefined : getSystemErrorMap().get(errno);
  return known?.[1] ?? error.message;
}
