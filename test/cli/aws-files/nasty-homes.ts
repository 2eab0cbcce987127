import { canarySecretKey } from "../../support/canaries.js";

/** Two AWS files and the keys in them, each of which must stand in no copy. */
export interface NastyHome {
  readonly config: string;
  readonly credentials: string;
  readonly planted: readonly string[];
}

/** By hand: each a way in which a key has stood, or could stand, where a reader of lines does not look for one. */
export const NASTY_LINES: readonly (readonly [name: string, config: (id: string, secret: string) => string])[] = [
  ["plain", (id, secret) => `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`],
  ["indented", (id, secret) => `[default]\n  aws_access_key_id = ${id}\n  aws_secret_access_key = ${secret}\n`],
  [
    "going on from a region",
    (id, secret) => `[default]\nregion = x\n  a = ${id}\n  aws_secret_access_key = ${secret}\n`,
  ],
  ["in a nested block", (id, secret) => `[default]\ns3 =\n  aws_access_key_id = ${id}\n  secret = ${secret}\n`],
  ["as a nested name", (id, secret) => `[default]\ns3 =\n  ${id} = 1\n  ${secret} = 1\n`],
  [
    "with colons",
    (id, secret) => `[profile a]\nregion: x\nAWS_ACCESS_KEY_ID: ${id}\nAWS_Secret_Access_Key: ${secret}\n`,
  ],
  ["commented out", (id, secret) => `[default]\nregion = x\n# aws_access_key_id = ${id}\n;secret=${secret}\n`],
  ["in a remark at a line's end", (id, secret) => `[default]\noutput = json # ${id} ${secret}\n`],
  ["in a process", (id, secret) => `[profile a]\ncredential_process = echo {"AccessKeyId":"${id}","s":"${secret}"}\n`],
  [
    "in a process, the secret alone",
    (id, secret) => `# secret_key=${secret} ${id}\n[profile a]\ncredential_process = x ${secret}\n`,
  ],
  ["under names of the user's own", (id, secret) => `[profile a]\nold_key = ${id}\nold_secret = ${secret}\n`],
  ["as a region", (id, secret) => `[default]\nregion = ${id}\ncli_history = ${secret}\n[old]\nsecret = ${secret}\n`],
  ["in headings", (id, secret) => `[profile ${id}]\nregion = x\n[${secret}]\n[services ${id}]\nsecret: ${secret}\n`],
  [
    "before any heading",
    (id, secret) => `aws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n[default]\nregion = x\n`,
  ],
  [
    "in a session",
    (id, secret) => `[sso-session a]\nsso_region = x\nsso_start_url = ${id}\naws_secret_access_key = ${secret}\n`,
  ],
  [
    "in services",
    (id, secret) => `[services a]\ns3 =\n  endpoint_url = http://${id}@h\n  aws_secret_access_key = ${secret}\n`,
  ],
  ["in plugins", (id, secret) => `[plugins]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`],
  [
    "behind an odd line end",
    (id, secret) => `[default]\rregion = x\raws_access_key_id = ${id}\u2028secret = ${secret}\r`,
  ],
  [
    "in a section that comes twice",
    (id, secret) => `[profile a]\nregion = x\n[profile a]\naws_access_key_id=${id}\naws_secret_access_key=${secret}`,
  ],
  [
    "in quotes",
    (id, secret) => `[profile "a"]\n"aws_access_key_id" = "${id}"\n'aws_secret_access_key' = '${secret}'\n`,
  ],
  [
    "lent to all",
    (id, secret) => `[DEFAULT]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n[profile a]\n`,
  ],
];

const HEADINGS = [
  ...["[default]", " [default]", "[ default ]", '["default"]', "[profile default]", "\t[default] # mine", "[DEFAULT]"],
  ...[
    "[profile a]",
    "[a]",
    '[profile "b c"]',
    "[profile\ta]",
    "  [profile b]",
    "[sso-session s]",
    "[services v]",
    "[x",
  ],
];
const LINES = [
  ...["region = eu-west-1", "output=json", "s3 =", "  max_concurrent_requests = 20", "cli_pager =", "sso_session = s"],
  ...["sso_account_id = 1", "role_arn = arn:aws:iam::1:role/x", "source_profile = a", "credential_process = /bin/x"],
  ...["# a remark", "", "   ", "nonsense", "= 1", "services = v", "endpoint_url = http://localhost:4566", "region : x"],
];
const KEY_NAMES = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "AWS_SECRET_ACCESS_KEY"];
const INDENTS = ["", "", "", " ", "  ", "\t", "    "];
const DELIMITERS = [" = ", "=", ": ", " =\t", "  =  "];

/** Homes that are the same for the same numbers: everything above in any order, and keys in between. */
export function randomHome(random: () => number): NastyHome {
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? "";
  const planted: string[] = [];
  const keyLine = (): string => {
    const name = pick(KEY_NAMES);
    const number = Math.floor(random() * 1e9);
    const key = name.endsWith("_id") ? `AKIA${String(number).padStart(16, "A")}` : canarySecretKey(`${number}q`);
    planted.push(key);
    return `${pick(["", "", "", "#", "; "])}${name}${pick(DELIMITERS)}${key}${pick(["", "", " ", " # x"])}`;
  };
  const text = (): string => {
    const lines = Array.from({ length: 4 + Math.floor(random() * 16) }, () => {
      const roll = random();
      if (roll < 0.25) return pick(HEADINGS);
      return pick(INDENTS) + (roll < 0.6 ? keyLine() : pick(LINES));
    });
    return pick(["", "", "\uFEFF"]) + lines.join(pick(["\n", "\n", "\r\n", "\r"]));
  };
  return { config: text(), credentials: text(), planted };
}
