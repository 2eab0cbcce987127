import type { IamRoles } from "../../aws/iam-roles.js";
import { toBrokerError } from "../../core/errors.js";
import { describeScope } from "../../core/lease-scope.js";
import type { Role } from "../../core/role.js";
import { roleInOwnAccount, roleNameOf, type Via } from "../via.js";
import { type NamedPolicy, type Statement, statementsOf } from "./statements.js";

/** Policies that add up; what one layer does not allow is not allowed, whatever the others do. */
export interface Layer {
  readonly kind: "identity" | "boundary" | "session";
  /** As in `no statement of … allows it`. */
  readonly title: string;
  readonly statements: readonly Statement[];
  /** All of its policies could be read. */
  readonly isWhole: boolean;
  /** Of a session: whose wish it is that narrows it. */
  readonly by?: "mode" | "scope";
  /** Of a boundary. */
  readonly arn?: string;
}

export interface ReadLayers {
  readonly layers: readonly Layer[];
  /** What could not be read, one line each. */
  readonly unseen: readonly string[];
}

export interface LayersWanted {
  readonly iamRoles: IamRoles;
  readonly via: Via;
  /** Whose policies count: the function's role, or in mode `session-policy` that of `via`. */
  readonly roleArn: string;
  /** The function's role as it is here. */
  readonly role: Role;
  /** What its leases have: the same, or narrowed, step by step. */
  readonly narrowed: readonly Role[];
}

/** All the policies that `via` may read, of those that decide what a function's code may do here. */
export async function readLayers(wanted: LayersWanted): Promise<ReadLayers> {
  const reader = new PolicyReader(wanted);
  const [own, session] = await Promise.all([roleLayers(reader, wanted), sessionLayers(reader, wanted)]);
  return { layers: [...own, ...session], unseen: reader.unseen };
}

async function roleLayers(reader: PolicyReader, { iamRoles, via, roleArn }: LayersWanted): Promise<readonly Layer[]> {
  const { signer, role: viaRole } = via;
  const region = viaRole.stsRegion;
  const name = roleNameOf(roleArn);
  const title = `role ${name}`;
  const role = await reader.attempt(`role ${name}`, () => roleInOwnAccount({ iamRoles, via, roleArn }));
  if (!role) return [{ kind: "identity", title, statements: [], isWhole: false }];
  const [attached, inline, boundary] = await Promise.all([
    reader.attempt(`the managed policies of role ${name}`, () => iamRoles.attachedPolicies(signer, name, region)),
    reader.attempt(`the inline policies of role ${name}`, () => iamRoles.inlinePolicies(signer, name, region)),
    role.permissionsBoundaryArn === undefined
      ? []
      : reader.managed([role.permissionsBoundaryArn], "permissions boundary"),
  ]);
  const managed = await reader.managed(attached?.map(({ policyArn }) => policyArn) ?? [], "managed policy");
  const written = (inline ?? []).map(({ policyName, document }) => ({ name: `inline policy ${policyName}`, document }));
  const lists = [managed, reader.parsed(written)];
  const isWhole = attached !== undefined && inline !== undefined && lists.every((list) => !list.includes(undefined));
  const identity: Layer = {
    kind: "identity",
    title,
    isWhole,
    statements: lists.flat(2).filter((one) => one !== undefined),
  };
  if (role.permissionsBoundaryArn === undefined) return [identity];
  return [
    identity,
    layerOf(boundary, {
      kind: "boundary",
      title: `permissions boundary ${role.permissionsBoundaryArn}`,
      arn: role.permissionsBoundaryArn,
    }),
  ];
}

/** Those of the mode, and of what narrows the lease: each call narrows by itself. */
async function sessionLayers(reader: PolicyReader, { role, narrowed }: LayersWanted): Promise<readonly Layer[]> {
  const mode = { by: "mode", title: "the policies of the function's role", policies: role.assume } as const;
  const steps = narrowed.map(({ scoped, assume, narrowed: by }) => {
    const title = `what narrows this lease (${by ? describeScope(by.scope) : ""})`;
    const policies: SessionPolicies | undefined = scoped ?? assume;
    return { by: "scope", title, policies } as const;
  });
  const layers = [mode, ...steps].map(async ({ by, title, policies }) => {
    if (policies?.policy === undefined && policies?.policyArns === undefined) return [];
    return [layerOf(await reader.session(policies), { kind: "session", by, title })];
  });
  return (await Promise.all(layers)).flat();
}

interface SessionPolicies {
  readonly policy?: string;
  readonly policyArns?: readonly string[];
}

type Parsed = readonly (readonly Statement[] | undefined)[];

function layerOf(parsed: Parsed, layer: Omit<Layer, "statements" | "isWhole">): Layer {
  return { ...layer, statements: parsed.flatMap((one) => one ?? []), isWhole: !parsed.includes(undefined) };
}

/** Reads on where something may not be read, and keeps what that was. */
class PolicyReader {
  readonly unseen: string[] = [];
  readonly #wanted: Pick<LayersWanted, "iamRoles" | "via">;

  constructor(wanted: Pick<LayersWanted, "iamRoles" | "via">) {
    this.#wanted = wanted;
  }

  async attempt<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (thrown) {
      const error = toBrokerError(thrown);
      if (!["AccessDenied", "NotFound", "Conflict"].includes(error.code)) throw error;
      this.unseen.push(`${what}: ${error.message}`);
      return undefined;
    }
  }

  /** undefined, each: it could not be read. */
  async managed(arns: readonly string[], kind: string): Promise<Parsed> {
    const { iamRoles, via } = this.#wanted;
    const read = arns.map(async (arn) => {
      const name = `${kind} ${arn}`;
      const document = await this.attempt(name, () => iamRoles.managedPolicy(via.signer, arn, via.role.stsRegion));
      return document === undefined ? undefined : this.parsed([{ name, arn, document }])[0];
    });
    return Promise.all(read);
  }

  async session({ policy, policyArns = [] }: SessionPolicies): Promise<Parsed> {
    const written = policy === undefined ? [] : [{ name: "the session policy", document: policy }];
    return [...this.parsed(written), ...(await this.managed(policyArns, "managed policy"))];
  }

  parsed(policies: readonly NamedPolicy[]): Parsed {
    return policies.map((policy) => {
      const statements = statementsOf(policy);
      if (!statements) this.unseen.push(`${policy.name}: its document is not one that can be read here`);
      return statements;
    });
  }
}
