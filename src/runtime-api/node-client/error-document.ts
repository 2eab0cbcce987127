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
    return { errorType: name ?? "Error", errorMessage: message ?? "", trace: (stack ?? "").split("\n") };
  } catch {
    // An object whose fields or conversion throw.
    return { errorType: "handled", errorMessage: "the error that was thrown cannot be read", trace: [] };
  }
}

/** For the log: with the error's own fields (`code`, `$metadata`, …), which the document leaves out. */
export function errorDetails(thrown: unknown): string {
  const { errorType, errorMessage, trace } = errorDocument(thrown);
  try {
    const fields = typeof thrown === "object" ? thrown : {};
    return JSON.stringify({ ...fields, errorType, errorMessage, stack: trace });
  } catch {
    return JSON.stringify({ errorType, errorMessage, stack: trace });
  }
}
