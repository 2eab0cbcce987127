import { dirname } from "node:path";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";
import { stopForGood } from "../daemon/stop-daemon.js";
import { askForDataKey } from "./data-key.js";
import type { Leftovers } from "./find-leftovers.js";
import { findOwnPlaces, pruneDirectories, removeOwnPlace } from "./own-directories.js";
import { removeFromStartFile, type StartFile } from "./start-files.js";

/** What became of what was found; filled as it goes on, so that one failure does not hide the rest. */
export class Removal {
  readonly removed: string[] = [];
  /** What had to stay, each with its fix. */
  readonly failures: BrokerError[] = [];
  /** Directories of ours that stay because of what another program or user has in them. */
  readonly shared: string[] = [];

  async attempt(what: string, remove: () => Promise<unknown>): Promise<void> {
    try {
      await remove();
      this.removed.push(what);
    } catch (error) {
      this.failures.push(toBrokerError(error));
    }
  }
}

/** The supervisor first: it would start again what we stop. Rejects: nothing else may go under a running daemon. */
export async function stopEverything({ service }: Leftovers, removal: Removal, context: CliContext): Promise<void> {
  if (service.ownership === "ours") {
    const supervisor = await context.supervisor();
    removal.removed.push(...((await supervisor?.uninstall())?.removed ?? []));
  }
  if (await stopForGood(context)) removal.removed.push("brokerd (stopped)");
}

export async function removeStartLines(files: readonly StartFile[], removal: Removal): Promise<void> {
  for (const file of files) {
    const lines = file.lines.filter(({ removable }) => removable).map(({ line }) => line);
    const what = file.isCompletion ? file.path : `${file.path}:${lines.join(",")}`;
    await removal.attempt(what, () => removeFromStartFile(file));
  }
}

/**
 * The config first, because without it no command starts brokerd; then what was started meanwhile is stopped, and what
 * it wrote is found anew. The data key last: it opens what is then gone.
 */
export async function removeOwnLeftovers(
  { own, dataKey }: Leftovers,
  removal: Removal,
  context: CliContext,
): Promise<void> {
  const { configFile, stateDir, runtimeDir } = context.paths();
  for (const place of own.found.filter(({ kind }) => kind === "config")) {
    await removal.attempt(place.path, () => removeOwnPlace(place));
  }
  await stopForGood(context);
  const { found } = await findOwnPlaces(context.paths(), context.homeDir);
  for (const place of found.filter(({ kind }) => kind !== "config")) {
    await removal.attempt(place.path, () => removeOwnPlace(place));
  }
  if (dataKey) await removal.attempt(`data key (credbroker ${dataKey.account})`, () => removeDataKey(context));
  // A directory that the user chose for us may hold anything: that it stays is nothing to tell.
  const chosen = context.env["CREDBROKER_HOME"];
  const always = [dirname(configFile), stateDir, runtimeDir].filter(
    (path) => path !== chosen && !own.doubtful.includes(path),
  );
  removal.shared.push(...(await pruneDirectories(own.parents, always)));
}

async function removeDataKey(context: CliContext): Promise<void> {
  const { outcome, account, detail, byHand } = await askForDataKey({ dryRun: false }, context);
  if (outcome === "removed" || outcome === "absent") return;
  const why = detail === undefined ? "" : ` (${detail})`;
  throw new BrokerError(
    "StoreUnavailable",
    `the data key stays in the keychain, which is ${outcome}${why}: ${account}`,
    {
      hint: `open the keychain, then: ${byHand}`,
    },
  );
}
