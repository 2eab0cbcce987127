import type { Config } from "../../config/config.js";
import type { ControlResponse } from "../../control-api/contract.js";
import type { ControlServices } from "../control-services.js";
import type { Handlers } from "./handler.js";

type Operations = "config-check" | "config-reload" | "config-schema" | "source-add" | "role-add";

/** The CLI reads and writes the file; here its text is parsed, checked and edited. */
export function configHandlers({ config }: ControlServices): Handlers<Operations> {
  return {
    "config-check": async ({ text, path }) => Promise.resolve(checked(config.check(text, path))),
    "config-reload": async () => {
      const { config: loaded, notes } = await config.reload();
      return { ...counts(loaded), notes };
    },
    "config-schema": async () => Promise.resolve({ schema: config.jsonSchema() }),
    "source-add": async (request) => Promise.resolve(config.planSource(request)),
    "role-add": async (request) => Promise.resolve(config.planRole(request)),
  };
}

function checked(config: Config): ControlResponse<"config-check"> {
  return { ...counts(config), endpointPort: config.endpointPort, programs: config.programs };
}

function counts({ roles, sources }: Config): { readonly roles: number; readonly sources: number } {
  return { roles: roles.size, sources: sources.size };
}
