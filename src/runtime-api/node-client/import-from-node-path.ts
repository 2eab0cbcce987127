import Module, { register } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

interface ImportContext {
  readonly parentURL?: string | undefined;
}

type Resolve = (
  specifier: string,
  context: ImportContext,
  next: (specifier: string, context: ImportContext) => object,
) => object;

/** From Node 22.15 on. */
const { registerHooks } = Module as unknown as { readonly registerHooks?: (hooks: { resolve: Resolve }) => void };

/**
 * Lambda's Node, from 18 on, has `import` look for packages in NODE_PATH too, as `require` does: in layers, and where the SDK is
 * (https://aws.amazon.com/blogs/compute/node-js-18-x-runtime-now-available-in-aws-lambda/). Entries that are no `node_modules` are left out.
 */
export function importFromNodePath(nodePath = ""): void {
  const entries = nodePath.split(delimiter).filter((entry) => /^\/.*\/node_modules\/?$/.test(entry));
  // A module beside such a directory finds what is in it.
  const parents = entries.map((entry) => pathToFileURL(join(dirname(entry), "module.mjs")).href);
  if (parents.length === 0) return;
  if (registerHooks) registerHooks({ resolve: resolverFor(parents) });
  else register(`data:text/javascript,${encodeURIComponent(asyncResolver(parents))}`);
}

const BARE = /^(?![./#]|[a-z]+:)/;

function resolverFor(parents: readonly string[]): Resolve {
  return (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!BARE.test(specifier) || !isNotFound(error)) throw error;
      for (const parentURL of parents) {
        try {
          return next(specifier, { ...context, parentURL });
        } catch (other) {
          if (!isNotFound(other)) throw other;
        }
      }
      throw error;
    }
  };
}

function isNotFound(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "ERR_MODULE_NOT_FOUND";
}

/** The same for the thread in which older versions resolve, to which no function can be given. */
function asyncResolver(parents: readonly string[]): string {
  return `export async function resolve(specifier, context, next) {
    try {
      return await next(specifier, context);
    } catch (error) {
      if (!${String(BARE)}.test(specifier) || error?.code !== "ERR_MODULE_NOT_FOUND") throw error;
      for (const parentURL of ${JSON.stringify(parents)}) {
        try {
          return await next(specifier, { ...context, parentURL });
        } catch (other) {
          if (other?.code !== "ERR_MODULE_NOT_FOUND") throw other;
        }
      }
      throw error;
    }
  }`;
}
