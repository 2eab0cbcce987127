import { randomBytes } from "node:crypto";
import { CANARY } from "../../support/canaries.js";
import type { Restriction } from "./session-policies.js";

/** An IAM user with a long-term key. */
export interface FakeUser {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** 12 digits. */
  readonly account: string;
  readonly userName: string;
  /** aws, aws-cn or aws-us-gov; aws by default. */
  readonly partition?: string;
  /** ARN of the MFA device, if the user has one. */
  readonly mfaSerial?: string;
}

export interface FakeRole {
  /** arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME */
  readonly arn: string;
  /** ARNs of users, roles, assumed roles or account roots (`arn:aws:iam::ACCOUNT:root`); absent: every principal. */
  readonly trusts?: readonly string[] | ((caller: Principal) => boolean);
  /** JSON text; decides in place of `trusts`. */
  readonly trustPolicy?: string;
  /** ARNs of managed policies. */
  readonly attached?: readonly string[];
  /** Documents by name, JSON text. */
  readonly inline?: Readonly<Record<string, string>>;
  readonly permissionsBoundaryArn?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Its policies decide what its sessions may do; else they may do all. */
  readonly isEnforced?: boolean;
  readonly externalId?: string;
  /** Seconds; as at AWS 3600 by default. */
  readonly maxSessionDuration?: number;
  readonly requireMfa?: boolean;
  /** Subject of the web identity tokens that may assume it. */
  readonly webIdentity?: string;
}

/** Who signed a request. */
export interface Principal {
  /** user: a long-term key. session: from GetSessionToken. role: from AssumeRole. */
  readonly kind: "user" | "session" | "role";
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly arn: string;
  /** Of the role behind an assumed role. */
  readonly roleArn?: string;
  readonly userId: string;
  readonly account: string;
  readonly userName?: string;
  readonly mfa: boolean;
  /** Of a role: what assumed it was itself a session. AWS signs browsers in otherwise then. */
  readonly isChained?: boolean;
  /** Epoch milliseconds. */
  readonly expiration?: number;
  /** Of its session policies, and of each GetScopedCredentials: all of them must allow an action. */
  readonly restrictions?: readonly Restriction[];
  /** Policies of GetScopedCredentials. */
  readonly layers?: number;
  /** A key that was deleted or made inactive is told apart from none only by AWS. */
  readonly isActive: boolean;
}

interface RoleSession {
  readonly isChained?: boolean;
  /** Of AssumeRole's session policies. */
  readonly restriction?: Restriction | undefined;
}

/** Every key that can sign: users' long-term keys, and the temporary ones that were handed out. */
export class Principals {
  readonly #byKey = new Map<string, Principal>();

  constructor(users: readonly FakeUser[]) {
    for (const user of users) this.addUserKey(user);
  }

  find(accessKeyId: string): Principal | undefined {
    return this.#byKey.get(accessKeyId);
  }

  addUserKey({ accessKeyId, secretAccessKey, account, userName, partition = "aws" }: FakeUser): Principal {
    const arn = `arn:${partition}:iam::${account}:user/${userName}`;
    const userId = `AIDA${userName.toUpperCase().padEnd(16, "X").slice(0, 16)}`;
    const user = { accessKeyId, secretAccessKey, account, userName, arn, userId, mfa: false, isActive: true };
    return this.#keep({ kind: "user", ...user });
  }

  /** A further key of the same user, as IAM makes it. */
  createUserKey(user: Principal): Principal {
    return this.#keep({ ...user, kind: "user", mfa: false, accessKeyId: id("AKIA"), secretAccessKey: secret() });
  }

  keysOf(user: Principal): readonly Principal[] {
    return [...this.#byKey.values()].filter(({ kind, arn }) => kind === "user" && arn === user.arn);
  }

  setActive(accessKeyId: string, isActive: boolean): void {
    const principal = this.#byKey.get(accessKeyId);
    if (principal) this.#keep({ ...principal, isActive });
  }

  remove(accessKeyId: string): boolean {
    return this.#byKey.delete(accessKeyId);
  }

  openSession(user: Principal, { mfa, expiration }: { mfa: boolean; expiration: number }): Principal {
    return this.#keep({ ...user, kind: "session", ...temporary(), mfa, expiration });
  }

  openRole(
    roleArn: string,
    sessionName: string,
    expiration: number,
    { isChained = false, restriction }: RoleSession = {},
  ): Principal {
    const [, partition = "aws", , , account = ""] = roleArn.split(":");
    const name = roleArn.split("/").at(-1) ?? "";
    const userId = `AROA${name.toUpperCase().replace(/\W/g, "").padEnd(16, "X").slice(0, 16)}:${sessionName}`;
    const arn = `arn:${partition}:sts::${account}:assumed-role/${name}/${sessionName}`;
    return this.#keep({
      kind: "role",
      isChained,
      ...temporary(),
      arn,
      roleArn,
      userId,
      account,
      mfa: false,
      expiration,
      isActive: true,
      ...(restriction && { restrictions: [restriction] }),
    });
  }

  /** The same session with other keys: narrower, shorter, or both. */
  openScoped(
    before: Principal,
    { policy, expiration }: { readonly policy?: string | undefined; readonly expiration: number },
  ): Principal {
    const { restrictions = [], layers = 0 } = before;
    const narrowed =
      policy === undefined
        ? { restrictions, layers }
        : { restrictions: [...restrictions, [policy]], layers: layers + 1 };
    return this.#keep({ ...before, ...temporary(), ...narrowed, expiration });
  }

  #keep(principal: Principal): Principal {
    this.#byKey.set(principal.accessKeyId, principal);
    return principal;
  }
}

function temporary(): { accessKeyId: string; secretAccessKey: string; sessionToken: string } {
  const sessionToken = `FwoGZXIvYXdzE${randomBytes(60).toString("base64")}${CANARY}${randomBytes(120).toString("base64")}`;
  return { accessKeyId: id("ASIA"), secretAccessKey: secret(), sessionToken };
}

function id(prefix: "AKIA" | "ASIA"): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  return prefix + Array.from(randomBytes(16), (byte) => alphabet[byte % alphabet.length]).join("");
}

/** 40 characters as at AWS, the canary among them. */
function secret(): string {
  return `${CANARY}${randomBytes(21).toString("base64")}`;
}
