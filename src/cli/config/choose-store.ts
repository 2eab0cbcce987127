import { BrokerError } from "../../core/errors.js";
import { SECRET_STORE_KINDS, type SecretStoreKind } from "../../core/secret-store-kind.js";
import type { CliContext } from "../context.js";
import type { Choice } from "../terminal/prompts.js";
import { askForDataKey } from "../uninstall/data-key.js";

type OfferedKind = Exclude<SecretStoreKind, "command">;

/** What each choice means for the user. */
const MEANINGS: Readonly<Record<OfferedKind, string>> = {
  keychain: "this computer's keychain: opens by itself while you are logged in",
  passphrase: "a passphrase: you type it after each start of brokerd (brokerctl unlock)",
  key_file: "a file beside the secrets (weak): who can read your files can read the secrets; for demos and CI",
};

export interface StoreQuestion {
  readonly yes: boolean;
  /** What an `init` that failed had chosen. */
  readonly former: OfferedKind | undefined;
}

/**
 * What is to hold the data key, by the user's choice; where the user cannot be asked it is the keychain. One that cannot be
 * used is never what Enter or `--yes` takes: then it rejects with StoreUnavailable, naming the other kinds.
 */
export async function chooseStore({ yes, former }: StoreQuestion, context: CliContext): Promise<SecretStoreKind> {
  const obstacle = await keychainObstacle(context);
  if (yes || !context.interactive) {
    if (obstacle === undefined) return "keychain";
    throw new BrokerError(
      "StoreUnavailable",
      `there is no usable keychain here (${obstacle}), and none is chosen instead`,
      {
        hint: "brokerctl init --secret-store passphrase, command, or key_file (weak)",
      },
    );
  }
  context.output.say("brokerd keeps access keys and logins in an encrypted file; you choose what opens it.");
  const picked = await context.prompts.pick("What opens the file with your secrets?", choicesOf(obstacle, former));
  return SECRET_STORE_KINDS.find((kind) => kind === picked) ?? "passphrase";
}

/** The first one is what Enter takes. */
function choicesOf(obstacle: string | undefined, former: OfferedKind | undefined): readonly Choice[] {
  const kinds: readonly OfferedKind[] = ["keychain", "passphrase", "key_file"];
  const rankOf = (kind: OfferedKind): number => {
    if (kind === "keychain" && obstacle !== undefined) return 2;
    return kind === former ? 0 : 1;
  };
  return kinds
    .toSorted((a, b) => rankOf(a) - rankOf(b))
    .map((kind) => {
      const isUsable = kind !== "keychain" || obstacle === undefined;
      const meaning = isUsable ? MEANINGS[kind] : `this computer's keychain: cannot be used now (${obstacle})`;
      return { value: kind, label: `${kind}  ${meaning}` };
    });
}

const MAX_DETAIL = 160;

/** Why the keychain cannot be used; undefined: it can, or only trying it would tell. Never prompts. */
async function keychainObstacle(context: CliContext): Promise<string | undefined> {
  try {
    const { outcome, detail = "it does not answer" } = await askForDataKey({ dryRun: true }, context);
    if (outcome !== "unavailable") return undefined;
    const line = detail.replaceAll(/\s+/g, " ");
    return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}…` : line;
  } catch {
    return undefined;
  }
}
