/** The fields of one JSON object and where it stands, for messages. */
export interface Fields {
  readonly at: string;
  readonly values: ReadonlyMap<string, unknown>;
}

/** undefined: refused. */
export type Check<T> = (value: unknown) => T | undefined;

const MAX_TEXT = 2048;
/** The last instant that Date can render, epoch milliseconds. */
const MAX_INSTANT = 8.64e15;

/**
 * The content of a file that starts with its version; what is none, or of another version, throws an Error that says so.
 * `older`: those that can be read as well.
 */
export function versionedJson(json: string, version: number, older: readonly number[] = []): unknown {
  const content = parseJson(json);
  refuseOtherVersion(content, [version, ...older]);
  return content;
}

/** JSON.parse quotes the text in its message: hashes need not stand in logs. */
function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Error("it is not JSON");
  }
}

/** Before anything else: what a later version wrote may have fields of which we know nothing. */
function refuseOtherVersion(content: unknown, known: readonly number[]): void {
  if (typeof content !== "object" || content === null || !("version" in content)) refuseField("version");
  const { version } = content;
  if (typeof version === "number" && version > Math.max(...known))
    throw new Error("a newer version of credbroker wrote it");
  if (typeof version !== "number" || !known.includes(version)) refuseField("version");
}

/** The fields of `value`, all of which must be among `allowed`. */
export function fieldsOf(value: unknown, at: string, allowed: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuseField(at);
  const values = new Map<string, unknown>(Object.entries(value));
  for (const key of values.keys()) if (!allowed.includes(key)) throw new Error(`${at} has the unknown field ${key}`);
  return { at, values };
}

export function required<T>({ at, values }: Fields, key: string, check: Check<T>): T {
  const checked = check(values.get(key));
  return checked === undefined ? refuseField(`${at}.${key}`) : checked;
}

/** Spread into the object that is built: a field that is absent stays absent. */
export function optional<K extends string, T>(
  fields: Fields,
  key: K,
  check: Check<T>,
): Readonly<Partial<Record<K, T>>> {
  if (!fields.values.has(key)) return {} as Readonly<Partial<Record<K, T>>>;
  // TypeScript types a computed key as `string`.
  return { [key]: required(fields, key, check) } as Record<K, T>;
}

/** An array whose items `parse` reads or refuses, told where they stand. */
export function listOf<T>(fields: Fields, key: string, parse: (value: unknown, at: string) => T): readonly T[] {
  const items = required(fields, key, (value): readonly unknown[] | undefined =>
    Array.isArray(value) ? value : undefined,
  );
  return items.map((item, index) => parse(item, `${key}[${index}]`));
}

export const flag: Check<boolean> = (value) => (typeof value === "boolean" ? value : undefined);

/** Epoch milliseconds, or any other count. */
export const count: Check<number> = (value) =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_INSTANT ? value : undefined;

export const text: Check<string> = (value) =>
  typeof value === "string" && value.length > 0 && value.length <= MAX_TEXT ? value : undefined;

export function matching(pattern: RegExp): Check<string> {
  return (value) => (typeof value === "string" && pattern.test(value) ? value : undefined);
}

export function oneOf<T extends string>(allowed: readonly T[]): Check<T> {
  return (value) => allowed.find((candidate) => candidate === value);
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value) => (value === null ? null : check(value));
}

export function refuseField(at: string): never {
  throw new Error(`${at} is missing or not valid`);
}
