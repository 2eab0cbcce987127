import type { Source } from "../../core/role.js";
import { adHocRole } from "../ad-hoc-role.js";
import type { ConfigProblem } from "./config-problem.js";
import type { Entries } from "./link-roles.js";
import { showValue } from "./show-value.js";

export interface KnownToLambda {
  readonly roles: Entries<unknown>;
  readonly sources: Entries<unknown>;
  /** Sources without problems. */
  readonly resolved: ReadonlyMap<string, Source>;
}

/** `lambda.via` must be a role of the file, or SOURCE:ACCOUNT/ROLE on a source of it. */
export function checkLambdaVia(via: string | undefined, known: KnownToLambda): readonly ConfigProblem[] {
  if (via === undefined || via === "" || known.roles.has(via)) return [];
  const colon = via.indexOf(":");
  return colon < 0 ? [unknownRole(via, known)] : checkAdHoc(via, { name: via.slice(0, colon), ...known });
}

const PATH = ["lambda", "via"];

function unknownRole(via: string, { roles, sources }: KnownToLambda): ConfigProblem {
  const quoted = showValue(via);
  if (sources.has(via)) return { path: PATH, message: `${quoted} is a source, not a role` };
  return { path: PATH, message: `unknown role ${quoted}`, suggest: { given: via, names: [...roles.keys()] } };
}

function checkAdHoc(
  via: string,
  { name, sources, resolved }: KnownToLambda & { readonly name: string },
): readonly ConfigProblem[] {
  if (!sources.has(name)) {
    const message = `unknown source ${showValue(name)} in ${showValue(via)}`;
    return [{ path: PATH, message, suggest: { given: name, names: [...sources.keys()] } }];
  }
  // A source with problems of its own is reported there.
  if (!resolved.has(name) || adHocRole(via, { sources: resolved })) return [];
  const rule = "ACCOUNT is 12 digits, ROLE a permission set's name, SOURCE of type sso or aws_sso_cache";
  return [{ path: PATH, message: `must be a role or SOURCE:ACCOUNT/ROLE (${rule}), not ${showValue(via)}` }];
}
