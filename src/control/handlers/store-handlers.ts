import { Secret } from "../../core/secret.js";
import { storeProblem } from "../../core/store-problem.js";
import type { StoreState } from "../../secrets/store-state.js";
import type { ControlServices } from "../control-services.js";
import type { Handlers } from "./handler.js";

/** The secret store is made, locked and unlocked. */
export function storeHandlers({
  daemon,
  store,
  display,
}: ControlServices): Handlers<"store-create" | "lock" | "unlock"> {
  return {
    "store-create": async ({ passphrase }) => view(await daemon.createStore(secretOf(passphrase))),
    unlock: async ({ passphrase, display: variables }) => {
      const state = view(await daemon.unlock(secretOf(passphrase)));
      // Who has the passphrase is the user: any program can unlock what opens without one.
      if (variables && passphrase !== undefined && store.kind === "passphrase") display.tell(variables);
      return state;
    },
    lock: async () => {
      await daemon.lock();
      return {};
    },
  };
}

function secretOf(passphrase: string | undefined): Secret | undefined {
  return passphrase === undefined ? undefined : new Secret(passphrase);
}

function view(state: StoreState): { readonly state: string; readonly warnings: readonly string[] } {
  if (state.state === "open") return state;
  throw storeProblem(state);
}
