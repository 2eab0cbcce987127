import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Environment } from "../../context.js";

/** All that decides which credentials a program takes that is started in a shell. Reading it runs no program and calls no network. */
export interface Shell {
  readonly env: Environment;
  readonly home: string;
  /** As the variables name them, else `~/.aws/config` and `credentials`. */
  readonly files: { readonly config: string; readonly credentials: string };
  /** Of a regular file that can be read; undefined: none is there, which is the same to an SDK. */
  readonly text: (path: string) => string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The first of these variables that says something: an empty one is as good as none. */
export function said(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find(Boolean);
}

/** What is left of a login whose token stands in a cache file of the AWS CLI. */
export type LoginState = "there" | "ended" | "missing";

/** Of IAM Identity Center: by the name of the session, or the start URL where a profile has none. */
export function ssoLogin({ home, text, now }: Shell, key: string): LoginState {
  const name = createHash("sha1").update(key).digest("hex");
  return loginIn(text(join(home, ".aws", "sso", "cache", `${name}.json`)), now);
}

/** Of `aws login`. */
export function consoleLogin({ home, env, text, now }: Shell, session: string): LoginState {
  const directory = env["AWS_LOGIN_CACHE_DIRECTORY"] ?? join(home, ".aws", "login", "cache");
  const name = createHash("sha256").update(session.trim()).digest("hex");
  return loginIn(text(join(directory, `${name}.json`)), now);
}

/** One with a refresh token may renew: that only AWS knows. */
function loginIn(text: string | undefined, now: number): LoginState {
  if (text === undefined) return "missing";
  try {
    const held = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof held["refreshToken"] === "string") return "there";
    const end = Date.parse(typeof held["expiresAt"] === "string" ? held["expiresAt"].replace(/UTC$/, "Z") : "");
    return Number.isNaN(end) || end > now ? "there" : "ended";
  } catch {
    return "missing";
  }
}
