/** Whether a role's trust policy lets a principal in, which moto does not ask itself. */
export interface TrustQuestion {
  /** URL of moto. */
  readonly moto: string;
  readonly roleArn: string;
  /** undefined: a user of the role's account. */
  readonly callerRoleArn: string | undefined;
}

interface TrustPolicy {
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Principal: { readonly AWS?: string | readonly string[] };
  }[];
}

/** As much of AWS's rules as the tests use: an Allow for the caller's ARN or for its account's root, and no conditions. */
export async function mayAssume({ moto, roleArn, callerRoleArn }: TrustQuestion): Promise<boolean> {
  const trust = await trustPolicyOf(moto, roleArn);
  const account = (callerRoleArn ?? roleArn).split(":")[4] ?? "";
  const names = [`arn:aws:iam::${account}:root`, ...(callerRoleArn === undefined ? [] : [callerRoleArn])];
  const allowed = (trust?.Statement ?? []).filter(({ Effect }) => Effect === "Allow");
  return allowed.flatMap(({ Principal }) => Principal.AWS ?? []).some((name) => names.includes(name));
}

/** undefined: there is no such role. */
async function trustPolicyOf(moto: string, roleArn: string): Promise<TrustPolicy | undefined> {
  const body = new URLSearchParams({
    Action: "GetRole",
    Version: "2010-05-08",
    RoleName: roleArn.split("/").at(-1) ?? "",
  });
  // moto finds service and account by this header and checks no signature.
  const authorization = "AWS4-HMAC-SHA256 Credential=AKIABED/20261121/us-east-1/iam/aws4_request, Signature=0";
  const answer = await fetch(moto, { method: "POST", headers: { authorization }, body });
  const encoded = /<AssumeRolePolicyDocument>([^<]+)</.exec(await answer.text())?.[1];
  return encoded === undefined ? undefined : (JSON.parse(decodeURIComponent(encoded)) as TrustPolicy);
}
