/** Freezes plain data all the way down, and returns it. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}

/** A map that nobody can change: `Object.freeze` alone leaves a Map's entries open. */
export function frozenMap<Key, Value>(entries: Iterable<readonly [Key, Value]>): ReadonlyMap<Key, Value> {
  const map = new Map<Key, Value>();
  for (const [key, value] of entries) map.set(key, deepFreeze(value));
  const refuse = (): never => {
    throw new TypeError("the config is frozen");
  };
  for (const method of ["set", "delete", "clear"]) Object.defineProperty(map, method, { value: refuse });
  return Object.freeze(map);
}
