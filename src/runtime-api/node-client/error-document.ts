import { fileURLToPath } from "node:url";

/** What a Node function's error looks like to who invoked it. */
export interface ErrorDocument {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/** Anything that was thrown, or given to a callback, as Lambda reports it. */
export function errorDocument(thrown: unknown): ErrorDocument {
  try {
    const { name, message, stack } = (thrown ?? {}) as Partial<Error>;
    const isError = thrown instanceof Error || [name, message, stack].every((field) => typeof field === "string");
    if (!isError) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
    return { errorType: name ?? "Error", errorMessage: message ?? "", trace: traceOf(stack ?? "") };
  } catch {
    // An object whose fields or conversion throw.
    return { errorType: "handled", errorMessage: "the error that was thrown cannot be read", trace: [] };
  }
}

/** For the log: what is no error becomes one, as Lambda's client does it. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const error = new Error(textOf(thrown));
  error.stack = `Error: ${error.message}`;
  return error;
}

/** For the log: with the error's own fields (`code`, `reason`, `$metadata`, …), which the document leaves out. */
export function errorDetails(thrown: unknown): string {
  const error = asError(thrown);
  try {
    return JSON.stringify(error, (_, value: unknown) => (value instanceof Error ? withFields(value) : value));
  } catch {
    return JSON.stringify(errorDocument(error));
  }
}

function withFields(error: Error): object {
  const { name, message, code, stack } = error as NodeJS.ErrnoException;
  const fields = { errorType: name, errorMessage: message, code };
  Object.assign(fields, error);
  return typeof stack === "string" ? { ...fields, stack: traceOf(stack) } : fields;
}

/** The stack's lines without those of this client, and what Node ran between them. */
export function traceOf(stack: string): readonly string[] {
  const lines = stack.split("\n");
  const first = lines.findIndex(isOurs);
  if (first === -1) return lines;
  return lines.toSpliced(first, lines.findLastIndex(isOurs) - first + 1);
}

/** As V8 writes where a module is: by its address. */
const OURS = ["./", "../../lambda-bootstrap."].flatMap((place) => {
  const { href } = new URL(place, import.meta.url);
  return [href, fileURLToPath(href)];
});

function isOurs(line: string): boolean {
  return line.startsWith("    at ") && OURS.some((place) => line.includes(place));
}

export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "the reason cannot be read";
  }
}
