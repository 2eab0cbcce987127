/** How often something was looked up in a map or a set while `act` ran: its work, the same on every machine. `act` is not async. */
export function lookupsDuring(act: () => unknown): number {
  const whole = [Map.prototype, Set.prototype].map((prototype) => Object.getOwnPropertyDescriptors(prototype));
  let lookups = 0;
  const counted = (prototype: object, name: "get" | "has"): void => {
    const original = Reflect.get(prototype, name) as (this: unknown, key: unknown) => unknown;
    const value = function (this: unknown, key: unknown): unknown {
      lookups++;
      return original.call(this, key);
    };
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  };
  counted(Map.prototype, "get");
  counted(Map.prototype, "has");
  counted(Set.prototype, "has");
  try {
    act();
  } finally {
    Object.defineProperties(Map.prototype, whole[0]!);
    Object.defineProperties(Set.prototype, whole[1]!);
  }
  return lookups;
}
