/** Names that stand for something else somewhere: parts of every object, numbers, and what is merely odd. */
export const HOSTILE_NAMES: readonly string[] = [
  "__proto__",
  "__PROTO__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "__defineGetter__",
  "__lookupSetter__",
  "then",
  "toJSON",
  "length",
  "0",
  "-1",
  "4294967295",
  "1e1000",
  "NaN",
  "null",
  "undefined",
  "$",
  "!#$%&'*+-.^_`|~",
  "x".repeat(7 * 1024),
];

/** Header fields of all these names, each of them twice. They are 16 KiB: more than a request may have at once. */
export function hostileFields(names: readonly string[] = HOSTILE_NAMES): readonly string[] {
  return names.flatMap((name) => [`${name}: 1`, `${name}: 2`]);
}
