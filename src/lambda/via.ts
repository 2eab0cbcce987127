import type { SigningCredentials } from "../core/credentials.js";
import type { Role } from "../core/role.js";

/** The role that reads a function and that the role of its code is chained from, and credentials of it. */
export interface Via {
  readonly role: Role;
  readonly signer: SigningCredentials;
}

/** The account of a role, where its definition says. */
export function accountOf({ assume, sso }: Role): string | undefined {
  return assume?.roleArn.split(":")[4] ?? sso?.accountId;
}
