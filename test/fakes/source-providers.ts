import { BrokerError } from "../../src/core/errors.js";
import type { Source } from "../../src/core/role.js";
import type { SourceProvider, SourceProviders } from "../../src/credentials/sources/source-provider.js";

/** The providers of a test that needs some kinds of source only; the others refuse by name. */
export function sourceProviders(some: Partial<SourceProviders>): SourceProviders {
  return {
    keys: absent("keys"),
    sso: absent("sso"),
    console_login: absent("console_login"),
    web_identity: absent("web_identity"),
    process: absent("process"),
    aws_sso_cache: absent("aws_sso_cache"),
    profile: absent("profile"),
    instance_metadata: absent("instance_metadata"),
    container: absent("container"),
    ...some,
  };
}

function absent(type: Source["type"]): SourceProvider<Source> {
  const refuse = async (): Promise<never> => {
    await Promise.resolve();
    throw new BrokerError("NotSupported", `this test has no sources of type ${type}`);
  };
  return { retrieve: refuse, readiness: refuse };
}
