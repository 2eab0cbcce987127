/** AWS's host names for sign-in and console, by what stands behind the region: partition and region in which a request came in. */
const PARTITIONS: Readonly<Record<string, string>> = {
  "aws.amazon.com": "aws",
  "amazonaws.cn": "aws-cn",
  "amazonaws-us-gov.com": "aws-us-gov",
  "amazonaws-eusc.eu": "aws-eusc",
};

export interface SignInHost {
  readonly kind: "signin" | "console";
  readonly region: string;
  readonly partition: string;
  /** What sign-in and console have in common: a cookie's domain. */
  readonly domain: string;
}

/** Absent where the fake was reached by its own address. */
export function signInHost(host: string | undefined): SignInHost | undefined {
  const [, region = "", kind, domain = ""] =
    /^([a-z0-9-]+)\.(signin|console)\.([a-z.-]+?)(?::443)?$/.exec(host ?? "") ?? [];
  const partition = PARTITIONS[domain];
  if (partition === undefined || (kind !== "signin" && kind !== "console")) return undefined;
  return { kind, region, partition, domain };
}

/** A certificate for these is one for both kinds of host. */
export function hostsOf(region: string, domain: string): readonly string[] {
  return [`${region}.signin.${domain}`, `${region}.console.${domain}`];
}
