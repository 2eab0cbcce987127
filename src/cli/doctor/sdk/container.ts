import { TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, tokenOf, URI_VARIABLE } from "../../access/variables.js";
import type { Environment } from "../../context.js";
import type { Answer } from "./judge.js";
import { type Shell, said } from "./shell.js";

const RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/** Taken by all that know the variable; see "What the endpoint owes them" in docs/clients.md. */
const LOOPBACK = /^http:\/\/127\.0\.0\.1:\d+\/./;

/** Of an endpoint like ours: loopback, with a lease's token in it, beside it, or in a file beside it. */
export function isLeaseUrl(env: Environment): boolean {
  const uri = env[URI_VARIABLE];
  if (uri === undefined || !LOOPBACK.test(uri)) return false;
  return tokenOf(env) !== undefined || Boolean(env[TOKEN_FILE_VARIABLE]);
}

interface ContainerHabits {
  /** Which of the two wins where both are set. */
  readonly prefers?: "relative" | "full";
  /** An empty relative URI counts as set. */
  readonly takesEmpty?: true;
  /** Variables from which the family takes the token; default both. */
  readonly tokens?: readonly ("url" | "variable" | "file")[];
}

/** The endpoint that the variables name. */
export function containerEndpoint(habits: ContainerHabits = {}): (seen: { readonly shell: Shell }) => Answer {
  return ({ shell: { env } }) => {
    const relative = habits.takesEmpty ? env[RELATIVE] : said(env, RELATIVE);
    const full = said(env, URI_VARIABLE);
    if (relative !== undefined && !(habits.prefers === "full" && full !== undefined)) {
      return { kind: "container", who: `the container at 169.254.170.2${relative}`, at: RELATIVE, maybe: true };
    }
    return full === undefined ? undefined : fullUri(full, env, habits);
  };
}

function fullUri(full: string, env: Environment, { tokens }: ContainerHabits): Answer {
  const at = URI_VARIABLE;
  let url: URL;
  try {
    url = new URL(full);
  } catch {
    return { failure: `${at} is no URL`, at };
  }
  if (!isLeaseUrl(env)) return otherEndpoint(url);
  const has = {
    url: /\/lease\/./.test(full),
    variable: Boolean(env[TOKEN_VARIABLE]),
    file: Boolean(env[TOKEN_FILE_VARIABLE]),
  };
  if (tokens && !tokens.some((form) => has[form])) {
    return { failure: "it does not read the token where this shell has it, and is refused without", at };
  }
  return { kind: "lease", who: "the lease of this shell", at };
}

const ALLOWED_HOSTS = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|169\.254\.170\.2|169\.254\.170\.23|\[fd00:ec2::23\])$/;

function otherEndpoint({ protocol, hostname, host }: URL): Answer {
  const at = URI_VARIABLE;
  if (protocol !== "https:" && !ALLOWED_HOSTS.test(hostname)) {
    return { failure: `${at} names ${host}, which is not of this machine: SDKs refuse it`, at };
  }
  return { kind: "container", who: `the credentials endpoint at ${host}`, at, maybe: true };
}
