import type { Config } from "../config/config.js";
import { BrokerError } from "../core/errors.js";
import { nearestName } from "../core/nearest-name.js";
import type { KeysSource, Role, Source, SsoSource } from "../core/role.js";
import { LAMBDA_ROLE_PREFIX, unknownRole } from "../core/unknown-role.js";
import type { ControlServices } from "./services.js";

/** The config in force, or why there is none. */
export function runningConfig({ config }: ControlServices): Config {
  const current = config.current();
  if (current) return current;
  throw config.problem() ?? new BrokerError("ConfigInvalid", "no config is loaded", { hint: "brokerctl init" });
}

export function roleNamed(services: ControlServices, name: string): Role {
  const role = runningConfig(services).roles.get(name);
  if (role) return role;
  const adHoc = services.config.adHocRole(name);
  if (!adHoc) throw noRole(services, name);
  services.credentials.adopt(adHoc);
  return adHoc;
}

function noRole({ config }: ControlServices, name: string): BrokerError {
  if (name.startsWith(LAMBDA_ROLE_PREFIX)) return unknownRole(name);
  if (name.includes(":")) return notAdHoc(config.current(), name);
  const meant = nearestName(name, config.current()?.roles.keys() ?? []);
  const question = meant === undefined ? "" : `: did you mean ${meant}?`;
  return new BrokerError("RoleUnknown", `no role ${name} in ${config.path}${question}`, { hint: "brokerctl roles" });
}

/** A colon is in no role's name: what has one is meant as SOURCE:ACCOUNT/ROLE. */
function notAdHoc(config: Config | undefined, name: string): BrokerError {
  const source = name.slice(0, name.indexOf(":"));
  const isSso = isSsoSource(config?.sources.get(source));
  const why = isSso ? "ACCOUNT is 12 digits and ROLE a permission set's name" : `${source} is no source of type sso`;
  const hint = isSso ? `brokerctl sso roles ${source}` : "brokerctl status";
  return new BrokerError("RoleUnknown", `${name} is not SOURCE:ACCOUNT/ROLE: ${why}`, { hint });
}

function isSsoSource(source: Source | undefined): boolean {
  return source?.type === "sso" || source?.type === "aws_sso_cache";
}

/** For what is about Identity Center. */
export function ssoSourceNamed(services: ControlServices, name: string): SsoSource {
  const source = sourceNamed(services, name);
  if (source.type === "sso") return source;
  throw new BrokerError("UsageInvalid", `source ${name} is of type ${source.type}: it is not logged in to`, {
    hint: "brokerctl status",
  });
}

/** For what is about access keys: only `keys` sources have one. */
export function keysSourceNamed(services: ControlServices, name: string): KeysSource {
  const source = sourceNamed(services, name);
  if (source.type === "keys") return source;
  throw new BrokerError("UsageInvalid", `source ${name} is of type ${source.type}: it has no access key`, {
    hint: "brokerctl status",
  });
}

export function sourceNamed(services: ControlServices, name: string): Source {
  const source = runningConfig(services).sources.get(name);
  if (source) return source;
  throw new BrokerError("SourceUnknown", `no source ${name} in ${services.config.path}`, {
    hint: `brokerctl source add ${name} --type keys`,
  });
}
