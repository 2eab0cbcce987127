import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { HOOKED_SHELLS, type HookedShell } from "../../core/shell-files.js";

export function shellNamed(typed: string | undefined): HookedShell {
  const found = HOOKED_SHELLS.find((shell) => shell === typed);
  if (found) return found;
  const near = nearestName(typed ?? "", HOOKED_SHELLS);
  throw new BrokerError("UsageInvalid", `SHELL must be one of ${HOOKED_SHELLS.join(", ")}, not '${typed ?? ""}'`, {
    hint: near === undefined ? "brokerctl hook --help" : `did you mean ${near}?`,
  });
}
