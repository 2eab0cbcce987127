import type { LambdaMode, TrustAction, TrustReport } from "../../src/core/deployed-function.js";
import { BrokerError } from "../../src/core/errors.js";
import type { FunctionContext } from "../../src/core/function-context.js";
import type { DeployedFunctions, MadeRole } from "../../src/lambda/deployed-functions.js";
import { lambdaRole, lambdaRoleName } from "../../src/lambda/lambda-role.js";
import type { Via } from "../../src/lambda/via.js";

const ACCOUNT = "111111111111";

/** Functions that exist, by name; every one has a role of its own name. */
export class MemoryFunctions implements DeployedFunctions {
  readonly functions = new Map<string, FunctionContext>();
  readonly trusted = new Set<string>();

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
    const name = lambdaRoleName({ functionText, via: via.role.name, mode });
    const definition = { name, functionName, functionArn, functionRoleArn: roleArn, via: via.role.name, mode, region };
    return Promise.resolve({ context, roleArn, isImage: false, role: lambdaRole(definition, via.role), notes: [] });
  }

  async trust(via: Via, functionText: string, action: TrustAction): Promise<TrustReport> {
    const { roleArn } = this.#read(functionText);
    const wasPresent = this.trusted.has(roleArn);
    if (action === "apply") this.trusted.add(roleArn);
    if (action === "undo") this.trusted.delete(roleArn);
    const isPresent = this.trusted.has(roleArn);
    const principal = via.role.assume?.roleArn ?? via.role.name;
    return Promise.resolve({
      ...{ roleArn, principal, isPresent, changed: isPresent !== wasPresent, notes: [] },
      statement: JSON.stringify({ Effect: "Allow", Principal: { AWS: principal }, Action: "sts:AssumeRole" }),
    });
  }

  #read(name: string): { readonly context: FunctionContext; readonly roleArn: string } {
    const context = this.functions.get(name);
    if (context) return { context, roleArn: `arn:aws:iam::${ACCOUNT}:role/${name}` };
    throw new BrokerError("NotFound", `there is no Lambda function ${name} in eu-west-1`);
  }
}
