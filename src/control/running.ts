import type { Config } from "../config/config.js";
import { BrokerError } from "../core/errors.js";
import type { KeysSource, Role, Source } from "../core/role.js";
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
  throw new BrokerError("RoleUnknown", `no role ${name} in ${services.config.path}`, { hint: "brokerctl roles" });
}

/** For what is about access keys: only `keys` sources have one. */
export function keysSourceNamed(services: ControlServices, name: string): KeysSource {
  const source = sourceNamed(services, name);
  if (source.type === "keys") return source;
  throw new BrokerError("UsageInvalid", `source ${name} is of type ${source.type}: it has no access key`, {
    hint: "brokerctl status",
  });
}

/** The `keys` sources of the config, in its order. */
export function keysSources(services: ControlServices): readonly KeysSource[] {
  const sources = [...runningConfig(services).sources.values()];
  return sources.filter((source): source is KeysSource => source.type === "keys");
}

export function sourceNamed(services: ControlServices, name: string): Source {
  const source = runningConfig(services).sources.get(name);
  if (source) return source;
  throw new BrokerError("SourceUnknown", `no source ${name} in ${services.config.path}`, {
    hint: `brokerctl source add ${name} --type keys`,
  });
}
