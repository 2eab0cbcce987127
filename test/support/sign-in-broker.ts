import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeSignIn, startFakeSignIn } from "../fakes/fake-sign-in/fake-sign-in.js";
import { hostsOf } from "../fakes/fake-sign-in/hosts.js";
import { RecordingProxy } from "../fakes/proxy.js";
import { InProcessBroker, ROLES_YAML, roleArn, USER_KEY } from "./in-process-broker.js";
import { tempDir } from "./temp-dir.js";
import { certificateAuthority } from "./tls.js";

export const GOV_KEY = { ...USER_KEY, accessKeyId: "AKIA00000000000000GV" };
const GOV_ACCOUNT = "222222222222";
export const GOV_ROLE = `arn:aws-us-gov:iam::${GOV_ACCOUNT}:role/ops`;
const GUARDED_YAML = `
  guarded: { source: ops-keys, role_arn: "${roleArn("prod")}", guard: { max_lease: 30m } }
  gov: { source: gov-keys, role_arn: "${GOV_ROLE}", region: us-gov-west-1 }
`;
const DOMAINS = {
  "eu-west-1": "aws.amazon.com",
  "us-east-1": "aws.amazon.com",
  "us-gov-west-1": "amazonaws-us-gov.com",
};

/** The daemon in the test; AWS Sign-In behind it has AWS's own host names, to which a proxy leads. */
export interface SignInBroker {
  readonly broker: InProcessBroker;
  readonly signIn: FakeSignIn;
  /** Leads every host to the fake Sign-In. */
  readonly proxy: RecordingProxy;
  close(): Promise<void>;
}

/** Roles of two partitions: `dev`, `prod`, `chained`, `guarded`, and `gov` in us-gov-west-1. */
export async function startSignInBroker(options: { readonly config?: string } = {}): Promise<SignInBroker> {
  const sources = ROLES_YAML.replace("sources:", "sources:\n  gov-keys: { type: keys, region: us-gov-west-1 }");
  const broker = await InProcessBroker.create({
    config: options.config ?? sources + GUARDED_YAML,
    aws: {
      users: [
        { ...USER_KEY, account: "111111111111", userName: "me" },
        { ...GOV_KEY, account: GOV_ACCOUNT, userName: "me", partition: "aws-us-gov" },
      ],
      roles: ["dev", "prod"]
        .map((name) => ({ arn: roleArn(name) }))
        .concat([{ arn: roleArn("chained") }, { arn: GOV_ROLE }]),
    },
  });
  const authority = certificateAuthority();
  const hosts = Object.entries(DOMAINS).flatMap(([region, domain]) => hostsOf(region, domain));
  const signIn = await startFakeSignIn({ aws: broker.aws, clock: broker.clock, tls: authority.issue(hosts) });
  const proxy = await RecordingProxy.start({
    destination: { host: "127.0.0.1", port: Number(new URL(signIn.secureUrl).port) },
  });
  const bundle = join(tempDir("sign-in-ca"), "ca.pem");
  writeFileSync(bundle, authority.cert);
  const { url } = broker.aws;
  broker.environment = {
    ...{ AWS_ENDPOINT_URL: "", AWS_ENDPOINT_URL_STS: url, AWS_ENDPOINT_URL_IAM: url },
    ...{ HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: bundle },
  };
  await broker.start();
  await broker.call("store-create", {});
  return {
    ...{ broker, signIn, proxy },
    async close() {
      await broker.close();
      await proxy.close();
      await signIn.close();
    },
  };
}
