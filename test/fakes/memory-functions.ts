import { createHash } from "node:crypto";
import type { DenialReport } from "../../src/core/denial-report.js";
import type { DeployRole, DeployRoleWish } from "../../src/core/deploy-role.js";
import type { FunctionList, FunctionPackage, LambdaMode, TrustReport } from "../../src/core/deployed-function.js";
import { BrokerError } from "../../src/core/errors.js";
import type { FunctionContext } from "../../src/core/function-context.js";
import { LastDenials } from "../../src/lambda/denial/last-denials.js";
import type { DenialQuestion, DeployedFunctions, MadeRole } from "../../src/lambda/deployed-functions.js";
import { lambdaRole, lambdaRoleName } from "../../src/lambda/lambda-role.js";
import type { WantedTrust } from "../../src/lambda/trust.js";
import type { Via } from "../../src/lambda/via.js";

const ACCOUNT = "111111111111";

/** Functions that exist, by name; every one has a role of its own name. */
export class MemoryFunctions implements DeployedFunctions {
  readonly functions = new Map<string, FunctionContext>();
  readonly trusted = new Set<string>();
  /** The code of those that have some, by name. */
  readonly archives = new Map<string, Buffer>();
  /** Of each stack: logical ids and the functions' names. */
  readonly stacks = new Map<string, ReadonlyMap<string, string>>();
  readonly lastDenials = new LastDenials();

  add(functionName: string, extra: Partial<FunctionContext> = {}): FunctionContext {
    const context: FunctionContext = {
      functionName,
      functionArn: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${functionName}`,
      version: "$LATEST",
      region: "eu-west-1",
      memorySize: 128,
      timeout: 3,
      handler: "app.handler",
      runtime: "nodejs20.x",
      logGroup: null,
      logFormat: null,
      logLevel: null,
      variables: {},
      ...extra,
    };
    this.functions.set(functionName, context);
    return context;
  }

  async makeRole(via: Via, functionText: string, mode: LambdaMode): Promise<MadeRole> {
    const { context, roleArn } = this.#read(functionText);
    const { functionName, functionArn, region } = context;
    const name = lambdaRoleName({ kind: "function", text: functionText, via: via.role.name, mode });
    const workload = { kind: "function", name: functionName, arn: functionArn } as const;
    const definition = { name, workload, roleArn, via: via.role.name, mode, region };
    return Promise.resolve({ context, roleArn, isImage: false, role: lambdaRole(definition, via.role), notes: [] });
  }

  async list(_via: Via, stack?: string): Promise<FunctionList> {
    const idOf = new Map([...(stack === undefined ? [] : this.#stack(stack))].map(([id, name]) => [name, id]));
    const named = [...this.functions.values()].filter(({ functionName }) => !stack || idOf.has(functionName));
    const functions = named.map(({ functionName, functionArn, handler, runtime, memorySize, timeout }) => ({
      ...{ functionName, functionArn, handler, runtime, memorySize, timeout },
      ...{ roleArn: `arn:aws:iam::${ACCOUNT}:role/${functionName}`, isImage: false, lastModified: null },
      ...(stack && { logicalId: idOf.get(functionName) ?? "" }),
    }));
    return Promise.resolve({ region: "eu-west-1", functions });
  }

  async nameInStack(_via: Via, stack: string, logicalId: string): Promise<string> {
    const found = this.#stack(stack).get(logicalId);
    if (found !== undefined) return Promise.resolve(found);
    throw new BrokerError("NotFound", `stack ${stack} has no function with the logical id ${logicalId}`);
  }

  async trust(via: Via, functionText: string, { action }: WantedTrust): Promise<TrustReport> {
    return Promise.resolve(trustIn(this.trusted, this.#read(functionText).roleArn, { via, action }));
  }

  async openCode(_: Via, functionText: string): Promise<FunctionPackage> {
    const { functionName, version } = this.#read(functionText).context;
    const archive = this.archives.get(functionName) ?? Buffer.of();
    const sha256 = createHash("sha256").update(archive).digest("base64");
    return Promise.resolve({
      functionName,
      version,
      code: { id: idOf(functionName), bytes: archive.length, sha256 },
      layers: [],
    });
  }

  async readCode(id: string, offset: number): Promise<Uint8Array> {
    const found = [...this.archives].find(([name]) => idOf(name) === id)?.[1];
    if (!found) throw new BrokerError("NotFound", "the code is no longer held for download");
    return Promise.resolve(found.subarray(offset));
  }

  /** No policy of any role allows anything. */
  async why(_: Via, functionText: string, { denial, scope }: DenialQuestion): Promise<DenialReport> {
    const { context, roleArn } = this.#read(functionText);
    return Promise.resolve({
      ...{ denial, functionName: context.functionName, functionRoleArn: roleArn, statement: null, findings: [] },
      ...{ summary: "no policy allows it", isOurs: scope !== undefined, hint: null, unseen: [] },
    });
  }

  async deployRole(via: Via, wish: DeployRoleWish, action: "show" | "apply"): Promise<DeployRole> {
    const roleArn = `arn:aws:iam::${ACCOUNT}:role/${wish.roleName}`;
    const outcome = action === "show" ? "planned" : this.trusted.has(roleArn) ? "present" : "made";
    if (action === "apply") this.trusted.add(roleArn);
    const principal = via.role.assume?.roleArn ?? via.role.name;
    return Promise.resolve({
      ...{
        roleArn,
        principal,
        letsIn: [principal],
        externalId: "x",
        policyArns: wish.policyArns,
        template: "Resources: {}",
        outcome,
      },
      ...{ signer: { sourceRole: via.role.name }, notes: [] },
    });
  }

  #stack(name: string): ReadonlyMap<string, string> {
    const found = this.stacks.get(name);
    if (found) return found;
    throw new BrokerError("NotFound", `there is no stack ${name} in eu-west-1`);
  }

  #read(name: string): { readonly context: FunctionContext; readonly roleArn: string } {
    const context = this.functions.get(name);
    if (context) return { context, roleArn: `arn:aws:iam::${ACCOUNT}:role/${name}` };
    throw new BrokerError("NotFound", `there is no Lambda function ${name} in eu-west-1`);
  }
}

function idOf(name: string): string {
  return createHash("md5").update(name).digest("hex");
}

/** The trust policies of a fake's roles are a set of those that let `via` in: what `action` does to one. */
export function trustIn(
  trusted: Set<string>,
  roleArn: string,
  { via, action }: { readonly via: Via; readonly action: WantedTrust["action"] },
): TrustReport {
  const wasPresent = trusted.has(roleArn);
  if (action === "apply") trusted.add(roleArn);
  if (action === "undo") trusted.delete(roleArn);
  const isPresent = trusted.has(roleArn);
  const principal = via.role.assume?.roleArn ?? via.role.name;
  return {
    ...{ roleArn, principal, isPresent, changed: isPresent !== wasPresent, notes: [] },
    statement: JSON.stringify({ Effect: "Allow", Principal: { AWS: principal }, Action: "sts:AssumeRole" }),
  };
}
