import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../support/temp-dir.js";

/** What a login left in ~/.aws/sso/cache. */
export interface CachedToken {
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresAt: string;
}

interface ProfileTarget {
  readonly accountId: string;
  readonly roleName: string;
}

/**
 * A user's home with profiles `dev` and `denied` on an sso-session, and `legacy` without one. Real clients keep tokens
 * there in clear text, so it is the user's own (`input`), which the search for leaks leaves out.
 */
export class SsoHome {
  readonly directory = tempDir("sso-user", "input");

  constructor({ accountId, roleName }: ProfileTarget) {
    const where = "sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n";
    const profile = (name: string, source: string, role = roleName): string =>
      `[profile ${name}]\n${source}sso_account_id = ${accountId}\nsso_role_name = ${role}\nregion = eu-west-1\n`;
    const config = [
      `[sso-session corp]\n${where}sso_registration_scopes = sso:account:access\n`,
      profile("dev", "sso_session = corp\n"),
      profile("denied", "sso_session = corp\n", "NotAssigned"),
      profile("legacy", where),
    ];
    mkdirSync(join(this.directory, ".aws"), { mode: 0o700 });
    writeFileSync(join(this.directory, ".aws", "config"), config.join(""), { mode: 0o600 });
  }

  /** The one token there is; throws if there are none or several. */
  token(): CachedToken {
    const [token, ...others] = this.tokens();
    if (!token || others.length > 0) throw new Error(`there are ${others.length + (token ? 1 : 0)} cached tokens`);
    return token;
  }

  tokens(): readonly CachedToken[] {
    const directory = join(this.directory, ".aws", "sso", "cache");
    return readdirSync(directory)
      .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as Partial<CachedToken>)
      .filter((file): file is CachedToken => file.accessToken !== undefined);
  }
}
