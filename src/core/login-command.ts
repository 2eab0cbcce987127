import type { AwsSsoCacheSource, Source } from "./role.js";
import { shellQuote } from "./shell-quote.js";

/** The command by which a person renews the login of a source; undefined: no person logs in to it. */
export function loginCommandOf(source: Source): string | undefined {
  if (source.type === "sso" || source.type === "console_login") return `brokerctl login ${source.name}`;
  if (source.type === "keys") return source.mfaSerial === undefined ? undefined : `brokerctl login ${source.name}`;
  return source.type === "aws_sso_cache" ? loginCommandOfCli(source) : undefined;
}

/** The AWS CLI's own: its login is read and never written. */
export function loginCommandOfCli({ session }: AwsSsoCacheSource): string {
  return "ssoSession" in session
    ? `aws sso login --sso-session ${shellQuote(session.ssoSession)}`
    : "aws sso login --profile PROFILE, one with this sso_start_url";
}
