import type { ControlServices } from "../control-services.js";
import { refusePinnedCaller } from "../guard.js";
import type { Handlers } from "./handler.js";

/** A page is a shell without a lease: who was given one that is pinned or narrowed is not given that. */
export function uiHandler({ pages }: ControlServices): Handlers<"ui-open"> {
  return {
    "ui-open": ({ findings }, { caller }) => {
      refusePinnedCaller(caller, "ui");
      return pages.open(findings);
    },
  };
}
