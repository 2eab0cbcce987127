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
      const given = secretOf(passphrase);
      const state = view(await daemon.unlock(given));
      // Who has the passphrase is the user. That the store is open proves nothing: it may have been so before, or open without one.
      if (variables && given && (await store.isPassphrase(given))) display.tell(variables);
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
