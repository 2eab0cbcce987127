import type { PeerIdentity } from "../../src/system/peer-identity.js";
import { decideInBrowser } from "../fakes/fake-identity-center/decide-in-browser.js";
import {
  type FakeIdentityCenter,
  type FakeIdentityCenterOptions,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { InProcessBroker } from "./in-process-broker.js";

const CORP_YAML = `
defaults: { region: eu-west-1 }
sources:
  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
roles:
  dev: { source: corp, sso_account_id: "100000000001", sso_role_name: AdministratorAccess }
  power: { source: corp, sso_account_id: "100000000002", sso_role_name: PowerUserAccess }
  foreign: { source: corp, sso_account_id: "100000000001", sso_role_name: NotMine }
`;

/** The daemon in the test, with an Identity Center behind it whose roles sign at the fake AWS. */
export interface SsoBroker {
  readonly broker: InProcessBroker;
  readonly center: FakeIdentityCenter;
  /** As a user in a browser. */
  logIn(): Promise<void>;
  sourceState(): Promise<string | undefined>;
  close(): Promise<void>;
}

export async function startSsoBroker(
  options: Omit<FakeIdentityCenterOptions, "aws" | "clock"> & {
    readonly config?: string;
    readonly clockStart?: number;
    readonly peers?: PeerIdentity;
  } = {},
): Promise<SsoBroker> {
  const { config = CORP_YAML, clockStart, peers, ...centerOptions } = options;
  const broker = await InProcessBroker.create({ config, ...(clockStart !== undefined && { clockStart }) });
  if (peers) broker.peers = peers;
  const center = await startFakeIdentityCenter({ ...centerOptions, aws: broker.aws, clock: broker.clock });
  broker.environment = { AWS_ENDPOINT_URL_SSO: center.url, AWS_ENDPOINT_URL_SSO_OIDC: center.url };
  await broker.start();
  await broker.call("store-create", {});
  return {
    broker,
    center,
    async logIn() {
      const { loginId, url } = await broker.call("login-start", { source: "corp", flow: "browser" });
      const waiting = broker.call("login-wait", { loginId });
      const { location } = await decideInBrowser(url, "approve");
      await fetch(location ?? "");
      await waiting;
    },
    sourceState: async () => (await broker.call("status", {})).sources[0]?.state,
    async close() {
      await broker.close();
      await center.close();
    },
  };
}
