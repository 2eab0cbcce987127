import type { SsoRoleFound } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";

const PLACES = ["account_name", "account_id", "role_name"] as const;
const MAX_LENGTH = 128;

/**
 * The name that a template gives to a role, made to fit NAME_PATTERN: runs of what no name may hold become one `-`.
 * @throws BrokerError `UsageInvalid`: the template has other places than `{account_name} {account_id} {role_name}`
 */
export function ssoRoleName(template: string, found: SsoRoleFound): string {
  const values = { account_name: found.accountName, account_id: found.accountId, role_name: found.roleName };
  const filled = template.replaceAll(/\{([^{}]*)\}/g, (place, name: string) => {
    const known = PLACES.find((each) => each === name);
    if (known === undefined) throw placeUnknown(place);
    // An account's name may hold a slash: only the template's own divides.
    return values[known].replaceAll("/", "-");
  });
  const name = filled
    .replaceAll(/[^A-Za-z0-9._/@+-]+/g, "-")
    .replaceAll(/-*\/-*/g, "/")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, MAX_LENGTH)
    .replace(/[-/]+$/, "");
  return name === "" ? `${found.accountId}/${found.roleName}`.replaceAll("=", "-").replaceAll(",", "-") : name;
}

function placeUnknown(place: string): BrokerError {
  return new BrokerError("UsageInvalid", `--name has no place ${place}`, {
    hint: `--name '${PLACES.map((name) => `{${name}}`).join("/")}'`,
  });
}
