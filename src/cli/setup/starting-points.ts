import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { usualAwsFiles } from "../aws-files/read-aws-files.js";
import type { CliContext } from "../context.js";
import type { Choice } from "../terminal/prompts.js";

/** What a person comes with. */
export const STARTING_POINTS = ["keys", "sso", "aws-login", "aws-vault", "aws-sso-cli", "granted"] as const;
export type StartingPoint = (typeof STARTING_POINTS)[number];

interface Described {
  readonly label: string;
  /** That it is there can be seen without reading anything of it. */
  readonly isThere: (context: CliContext) => boolean;
}

const DESCRIBED: Readonly<Record<StartingPoint, Described>> = {
  keys: {
    label: "an access key, in ~/.aws or typed",
    isThere: (context) => existsSync(usualAwsFiles(context).credentials),
  },
  sso: {
    label: "IAM Identity Center (aws sso login), from ~/.aws/config or by its start URL",
    isThere: ({ homeDir }) => existsSync(join(homeDir, ".aws/sso/cache")),
  },
  "aws-login": {
    label: "aws login: the profile that it wrote",
    isThere: ({ homeDir }) => existsSync(join(homeDir, ".aws/login/cache")),
  },
  "aws-vault": { label: "aws-vault: the keys of its keyring", isThere: (context) => isOnPath("aws-vault", context) },
  "aws-sso-cli": {
    label: "aws-sso-cli: its config.yaml",
    isThere: ({ homeDir }) => [".aws-sso", ".config/aws-sso"].some((one) => existsSync(join(homeDir, one))),
  },
  granted: {
    label: "granted: its config and its profiles",
    isThere: ({ homeDir }) => existsSync(join(homeDir, ".granted")),
  },
};

/** Another vault says more of what its user does than the files of `~/.aws` beside it. */
const BY_HOW_TELLING: readonly StartingPoint[] = ["granted", "aws-sso-cli", "aws-vault", "aws-login", "sso", "keys"];

/** What Enter takes: what is there, the most telling first; where nothing is, Identity Center. */
export function likeliest(context: CliContext): StartingPoint {
  return BY_HOW_TELLING.find((point) => DESCRIBED[point].isThere(context)) ?? "sso";
}

/** The likeliest first; nothing of any is read before one is chosen. */
export function startingPointChoices(context: CliContext): readonly Choice[] {
  const first = likeliest(context);
  return STARTING_POINTS.toSorted((a, b) => Number(b === first) - Number(a === first)).map((point) => {
    const { label, isThere } = DESCRIBED[point];
    return { value: point, label: `${point}  ${label}${isThere(context) ? "  (found here)" : ""}` };
  });
}

function isOnPath(program: string, { env }: CliContext): boolean {
  return (env["PATH"] ?? "")
    .split(delimiter)
    .some((directory) => directory !== "" && existsSync(join(directory, program)));
}
