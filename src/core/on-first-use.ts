/** All that an object can do takes time, so that it may take the time in which it is made as well. */
type Asynchronous<T> = { readonly [K in keyof T]: (...args: never[]) => Promise<unknown> };

/**
 * Stands for an object that is made at the first call of one of its methods: what its code loads, a program that never calls it
 * does not wait for. A making that failed is tried again by the next call.
 */
export function onFirstUse<T extends Asynchronous<T>>(make: () => Promise<T>): T {
  const made = onceMade(make);
  return new Proxy({} as T, {
    get(_, name) {
      // No promise, though a program may await it.
      if (name === "then") return undefined;
      return async (...args: never[]) => {
        const object = await made();
        return object[name as keyof T](...args);
      };
    },
  });
}

/** The same object for all who ask; a making that failed is tried again by the next who asks. */
export function onceMade<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    const making = (made ??= make());
    making.catch(() => {
      if (made === making) made = undefined;
    });
    return making;
  };
}
