import { BrokerError } from "../../core/errors.js";
import { ownScope } from "../../core/lease.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { ControlServices } from "../control-services.js";
import { scopeFor } from "../scope.js";
import { reachFunction } from "../via.js";
import type { Handlers } from "./handler.js";

/** What a refusal that a function's code met comes from. */
export function denialHandler(services: ControlServices): Handlers<"lambda-why"> {
  const { functions } = services;
  return {
    "lambda-why": async ({ function: named, via: namedVia, confirmation, denial, mode = "assume", ...more }, call) => {
      const { lastDenials } = functions;
      const { scope: wanted, ...where } = more;
      if (denial) lastDenials.keep(named, { denial, mode, scope: wanted, via: namedVia, where });
      const last = lastDenials.of(named) ?? noDenial(named);
      const yes = confirmation === undefined ? {} : { confirmation };
      const asked = { function: named, via: namedVia ?? last.via, ...last.where, ...where, ...yes };
      const { via, functionText } = await reachFunction(asked, services, call);
      const { lease } = call.caller;
      const narrowedBy = lease && ownScope(lease) ? "lease" : "flags";
      const scope = scopeFor(call.caller, last.scope);
      const report = await functions.why(via, functionText, { ...last, scope, narrowedBy });
      return { ...report, via: via.role.name, viaBy: via.by };
    },
  };
}

function noDenial(functionText: string): never {
  const message = `brokerd knows of no refusal that a run of ${functionText} met; none is kept over a restart`;
  throw new BrokerError("NotFound", message, {
    hint: `brokerctl lambda why ${shellQuote(functionText)} --message TEXT    # or - with what AWS said on stdin`,
  });
}
