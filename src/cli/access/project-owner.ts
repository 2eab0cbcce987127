import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";

const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;
const ROOT = 0;

/**
 * Throws `FileRefused` where another user could put a directory of theirs in the place of a project, whose role it would then have: one that is
 * theirs, or lies below one that is theirs or that all may write to. `path` has no links. Group-writable ones pass: a user's own group is what they
 * usually name.
 */
export async function refuseForeignProject(path: string, uid = process.getuid?.()): Promise<void> {
  for (let at = path; ; at = dirname(at)) {
    const { uid: owner, mode } = await stat(at);
    if (owner !== uid && owner !== ROOT) {
      const hint = "brokerctl exec ROLE -- CMD    # a ROLE that you name is taken anywhere";
      refuse(path, `${at} belongs to uid ${owner}`, hint);
    }
    // Sticky (/tmp): only who owns a directory in it can replace it.
    const isOpen = (mode & WRITABLE_BY_OTHERS) !== 0 && (at === path || (mode & STICKY) === 0);
    if (isOpen) refuse(path, `${at} is writable by all users`, `chmod o-w ${shellQuote(at)}`);
    if (at === dirname(at)) return;
  }
}

function refuse(path: string, why: string, hint: string): never {
  const message = `the project's directory ${path} is not yours alone, so it chooses no role: ${why}`;
  throw new BrokerError("FileRefused", message, { hint });
}
