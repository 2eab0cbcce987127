import { readAwsIni } from "../core/aws-ini.js";
import { readRegularFile } from "../files/read-small-file.js";

/** Where saml2aws, okta-aws-cli and others say beside temporary keys until when they are good; no SDK reads it. */
const SETTING = "x_security_token_expires";
/** With an offset: a time without one is that of some other machine. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/;

/** Epoch milliseconds at which these keys of the credentials file end; undefined: nothing there says it. */
export async function writtenExpiration(credentialsFile: string, accessKeyId: string): Promise<number | undefined> {
  const text = await readRegularFile(credentialsFile).catch(() => "");
  for (const { settings } of readAwsIni(text).sections) {
    const valueOf = (wanted: string): string | undefined => settings.findLast(({ name }) => name === wanted)?.value;
    const written = valueOf(SETTING) ?? "";
    // The file may have been written anew since the SDK read it: the end of other keys is none of these.
    if (valueOf("aws_access_key_id") === accessKeyId) return timeIn(written);
  }
  return undefined;
}

function timeIn(written: string): number | undefined {
  const time = TIME.test(written) ? Date.parse(written) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
