import type { ImportRequest } from "../../core/aws-import.js";
import { type AwsProfiles, readAwsProfiles } from "./aws-profiles.js";
import { readAwsSsoCli } from "./aws-sso-cli.js";
import { asAwsVaultReads } from "./aws-vault.js";
import { readGranted } from "./granted.js";

/** What the files say together, as the program that the user moves from reads them. Throws `FileRefused` for a file that is none of its own. */
export function readVault({ aws, from }: ImportRequest): AwsProfiles {
  switch (from?.vault) {
    case undefined:
      return readAwsProfiles(aws);
    case "aws-vault":
      return asAwsVaultReads(readAwsProfiles(aws));
    case "aws-sso-cli":
      return readAwsSsoCli(aws, from.settings);
    case "granted":
      return readGranted(aws, from.settings);
  }
}
