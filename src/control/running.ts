import type { Config } from "../config/config.js";
import { BrokerError } from "../core/errors.js";
import type { KeysSource, Source, SsoSource } from "../core/role.js";
import type { ControlServices } from "./services.js";

/** The config in force, or why there is none. */
export function runningConfig({ config }: ControlServices): Config {
  const current = config.current();
  if (current) return current;
  throw config.problem() ?? new BrokerError("ConfigInvalid", "no config is loaded", { hint: "brokerctl init" });
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
  throw (
    services.config.whyLeftOut("source", name) ??
    new BrokerError("SourceUnknown", `no source ${name} in ${services.config.path}`, {
      hint: `brokerctl source add ${name} --type keys`,
    })
  );
}
