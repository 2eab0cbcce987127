import { join } from "node:path";
import { pythonIni } from "./ini-dialects.js";
import type { Answer } from "./judge.js";
import { KEY_ID, keySource } from "./providers.js";
import type { Shell } from "./shell.js";

/** Of the first EC2 tools. */
export function keyFile({ env, text }: Shell): Answer {
  const at = "AWS_CREDENTIAL_FILE";
  const path = env[at];
  if (path === undefined) return undefined;
  const held = text(path);
  if (held === undefined) return { failure: `${at} names ${path}, which is missing`, at };
  const id = /^\s*AWSAccessKeyId\s*=\s*(\S+)/m.exec(held)?.[1];
  return id === undefined ? undefined : keySource(id, { name: path, at });
}

/** Of boto 2. */
export function botoConfig({ env, home, text }: Shell): Answer {
  const named = env["BOTO_CONFIG"];
  for (const path of named === undefined ? ["/etc/boto.cfg", join(home, ".boto")] : [named]) {
    const { sections, broken } = pythonIni(text(path) ?? "");
    if (broken !== undefined) return { failure: `${path} ${broken}`, at: path };
    const id = sections.get("Credentials")?.get(KEY_ID);
    if (id !== undefined) return keySource(id, { name: `[Credentials] of ${path}`, at: path });
  }
  return undefined;
}
