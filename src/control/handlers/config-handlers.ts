import type { Config, Project } from "../../config/config.js";
import type { NamedRole, ProjectView } from "../../control-api/config-contract.js";
import type { ControlResponse } from "../../control-api/contract.js";
import type { ControlServices } from "../control-services.js";
import { knownOf } from "../views.js";
import type { Handlers } from "./handler.js";

type Operations = "config-check" | "config-reload" | "config-schema" | "projects" | "source-add" | "role-add";

/** The CLI reads and writes the file; here its text is parsed, checked and edited. */
export function configHandlers(services: ControlServices): Handlers<Operations> {
  const { config } = services;
  return {
    "config-check": async ({ text, path }) => checked(await config.check(text, path)),
    "config-reload": async () => {
      const { config: loaded, notes } = await config.reload();
      return { ...counts(loaded), notes };
    },
    "config-schema": async () => ({ schema: await config.jsonSchema() }),
    projects: async () =>
      Promise.resolve({
        projects: (config.current()?.projects ?? []).map((project) => projectView(project, services)),
        problems: problemsOfProjects(config.current()),
      }),
    "source-add": (request) => config.planSource(request),
    "role-add": (request) => config.planRole(request),
  };
}

function projectView({ name, path, role, stages }: Project, services: ControlServices): ProjectView {
  return {
    ...{ name, path },
    role: role === undefined ? null : namedRole(role, services),
    stages: stages.map(({ stage, role: of }) => ({ stage, ...namedRole(of, services) })),
  };
}

function namedRole(name: string, { config, credentials }: ControlServices): NamedRole {
  const role = config.current()?.roles.get(name) ?? config.unnamedRole(name);
  return { role: name, accountId: role ? knownOf(role, credentials.peek(name)?.held).accountId : null };
}

function problemsOfProjects(config: Config | undefined): readonly string[] {
  return (config?.leftOut ?? []).filter(({ kind }) => kind === "project").map(({ message }) => message);
}

function checked(config: Config): ControlResponse<"config-check"> {
  const { endpointPort, programs, notes = [] } = config;
  return { ...counts(config), endpointPort, programs, notes };
}

function counts({ roles, sources }: Config): { readonly roles: number; readonly sources: number } {
  return { roles: roles.size, sources: sources.size };
}
