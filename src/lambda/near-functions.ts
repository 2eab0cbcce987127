import type { Lambda } from "../aws/lambda.js";
import type { ListedFunction } from "../core/deployed-function.js";
import { nearestName } from "../core/nearest-name.js";
import type { Via } from "./via.js";

/** 500 functions: who mistyped a name does not wait for all of an account. */
const MAX_PAGES = 10;
const MAX_NAMED = 3;

export interface Missing {
  readonly name: string;
  readonly region: string;
}

/**
 * What a function that is not there may have been meant to be: the same name, then only its version or alias is not there; one that ends
 * with it, as Serverless Framework's do; one that is spelled nearly so. Asked of Lambda as part of the answer that there is none such; who may not
 * list functions is told nothing.
 */
export async function nearFunctions(
  lambda: Lambda,
  { signer }: Via,
  { name, region }: Missing,
): Promise<readonly string[]> {
  const all = await lambda
    .listFunctions(signer, region, { maxPages: MAX_PAGES, until: (found) => found.some(isCalled(name)) })
    .catch(() => []);
  const names = all.map(({ functionName }) => functionName);
  if (names.includes(name)) return [name];
  const ending = names.filter((each) => each.toLowerCase().endsWith(`-${name.toLowerCase()}`));
  const nearest = nearestName(name, names);
  return [...new Set([...ending, ...(nearest === undefined ? [] : [nearest])])].slice(0, MAX_NAMED);
}

function isCalled(name: string): (listed: ListedFunction) => boolean {
  return ({ functionName }) => functionName === name;
}
