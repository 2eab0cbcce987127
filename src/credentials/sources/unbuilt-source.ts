import { BrokerError } from "../../core/errors.js";
import type { Source } from "../../core/role.js";
import type { SourceProvider } from "./source-provider.js";

/** Stands in for a kind of source that the config knows and this version cannot serve. */
export function unbuiltSource(type: Source["type"]): SourceProvider<Source> {
  const refuse = async (): Promise<never> => {
    await Promise.resolve();
    throw new BrokerError("NotSupported", `sources of type ${type} are not supported by this version yet`);
  };
  return { retrieve: refuse, readiness: refuse };
}
