import { makeGeneratedHome } from "../clients/generated-homes.js";
import { COMPETING_HOMES, competingHome, makeHome, SHADOWING_KEY_ID } from "../clients/homes.js";
import { canarySecretKey } from "../support/canaries.js";
import type { HomeName } from "./columns.js";

/** A user's home and the variables of a shell there, before `brokerctl`. */
export interface MatrixHome {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The homes that the tests of shadowing know by longer names. */
const COMPETING: Partial<Record<HomeName, string>> = {
  empty: "nothing",
  "default keys": "keys",
  "indented keys": "keys, indented, in the config",
  region: "a region",
  sso: "SSO",
  "older sso": "SSO of the older form",
  "half sso": "half of SSO",
  "aws login": "`aws login`",
  role: "a role, and a session of the default's name",
};

/** A new one each time: some clients leave files there that the next one would read. */
export function matrixHome(name: HomeName): MatrixHome {
  if (name === "AWS_PROFILE") return makeHome("AWS_PROFILE set");
  if (name === "variables") return withVariables(matrixHome("empty"));
  if (name === "process") return makeGeneratedHome({ name, env: {}, files: { ".aws/config": PROCESS } });
  const home = COMPETING_HOMES.find((each) => each.name === COMPETING[name]);
  if (!home) throw new Error(`no home is known as ${name}`);
  const directory = competingHome(home);
  return { directory, env: { HOME: directory } };
}

/** One that does give keys. */
const PROCESS = "[default]\ncredential_process = HOME/creds.sh\nregion = us-west-2\n";

function withVariables({ directory, env }: MatrixHome): MatrixHome {
  const keys = { AWS_ACCESS_KEY_ID: SHADOWING_KEY_ID, AWS_SECRET_ACCESS_KEY: canarySecretKey("variable") };
  return { directory, env: { ...env, ...keys } };
}
