import { simulateRole } from "./authorize.js";
import { AwsRefusal } from "./aws-refusal.js";
import type { FakeRole, Principal } from "./principals.js";
import type { Action, FakeAwsState, Parameters } from "./sts-actions.js";
import { principalsOf, statementsOf } from "./trust-policies.js";

/** IAM of roles: found by name in the caller's account, whatever their path. */
export const roleActions: Readonly<Record<string, Action>> = {
  GetRole: getRole,
  ListAttachedRolePolicies: listAttachedRolePolicies,
  ListRolePolicies: listRolePolicies,
  GetRolePolicy: getRolePolicy,
  GetPolicy: getPolicy,
  GetPolicyVersion: getPolicyVersion,
  SimulatePrincipalPolicy: simulatePrincipalPolicy,
  UpdateAssumeRolePolicy: updateAssumeRolePolicy,
  CreateRole: createRole,
  AttachRolePolicy: attachRolePolicy,
  PutRolePolicy: putRolePolicy,
};

/** AWS's default quota, white space not counted. */
const MAX_TRUST_POLICY = 2048;

function getRole(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const { arn, trustPolicy = "{}", permissionsBoundaryArn, tags } = roleOf(state, caller, parameters);
  const path = /:role(\/(?:.*\/)?)/.exec(arn)?.[1] ?? "/";
  return {
    Role: {
      Path: path,
      RoleName: arn.split("/").at(-1),
      RoleId: "AROAFAKEROLE00000001",
      Arn: arn,
      CreateDate: "2026-01-01T00:00:00Z",
      AssumeRolePolicyDocument: percentEncoded(trustPolicy),
      ...(tags && { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }),
      ...(permissionsBoundaryArn === undefined
        ? {}
        : {
            PermissionsBoundary: {
              PermissionsBoundaryType: "PermissionsBoundaryPolicy",
              PermissionsBoundaryArn: permissionsBoundaryArn,
            },
          }),
    },
  };
}

function listAttachedRolePolicies(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const { attached = [] } = roleOf(state, caller, parameters);
  const policies = attached.map((arn) => ({ PolicyName: arn.split("/").at(-1), PolicyArn: arn }));
  return pageOf(state, parameters, { AttachedPolicies: policies });
}

function listRolePolicies(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const { inline = {} } = roleOf(state, caller, parameters);
  return pageOf(state, parameters, { PolicyNames: Object.keys(inline) });
}

function getRolePolicy(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const { inline = {} } = roleOf(state, caller, parameters);
  const { RoleName = "", PolicyName = "" } = parameters;
  const document = Object.hasOwn(inline, PolicyName) ? inline[PolicyName] : undefined;
  if (document === undefined) throw noSuchEntity(`The role policy with name ${PolicyName} cannot be found.`);
  return { RoleName, PolicyName, PolicyDocument: percentEncoded(document) };
}

function getPolicy({ managedPolicies }: FakeAwsState, _: Principal, { PolicyArn = "" }: Parameters): object {
  if (!Object.hasOwn(managedPolicies, PolicyArn)) throw noSuchEntity(`Policy ${PolicyArn} was not found.`);
  return { Policy: { Arn: PolicyArn, PolicyName: PolicyArn.split("/").at(-1), DefaultVersionId: "v1" } };
}

function getPolicyVersion({ managedPolicies }: FakeAwsState, _: Principal, { PolicyArn = "" }: Parameters): object {
  const document = Object.hasOwn(managedPolicies, PolicyArn) ? managedPolicies[PolicyArn] : undefined;
  if (document === undefined) throw noSuchEntity(`Policy ${PolicyArn} version v1 does not exist.`);
  return { PolicyVersion: { Document: percentEncoded(document), VersionId: "v1", IsDefaultVersion: "true" } };
}

function simulatePrincipalPolicy(state: FakeAwsState, _: Principal, parameters: Parameters): object {
  const role = state.roles.get(parameters["PolicySourceArn"] ?? "");
  if (!role) throw noSuchEntity(`Entity ${parameters["PolicySourceArn"]} does not exist.`);
  const action = parameters["ActionNames.member.1"] ?? "";
  const resource = parameters["ResourceArns.member.1"] ?? "*";
  const region = resource.split(":")[3] ?? "";
  return { IsTruncated: "false", EvaluationResults: [simulateRole(state, role, { action, resource, region })] };
}

function updateAssumeRolePolicy(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const role = roleOf(state, caller, parameters);
  const { PolicyDocument = "" } = parameters;
  checkTrustPolicy(state, PolicyDocument);
  state.roles.set(role.arn, { ...role, trustPolicy: PolicyDocument });
  return {};
}

function createRole(state: FakeAwsState, { account }: Principal, parameters: Parameters): object {
  const { RoleName = "", AssumeRolePolicyDocument = "" } = parameters;
  const isTaken = [...state.roles.keys()].some((arn) => arn.split(":")[4] === account && arn.endsWith(`/${RoleName}`));
  if (isTaken) {
    const message = `Role with name ${RoleName} already exists.`;
    throw new AwsRefusal("EntityAlreadyExists", message, { status: 409 });
  }
  checkTrustPolicy(state, AssumeRolePolicyDocument);
  const arn = `arn:aws:iam::${account}:role/${RoleName}`;
  state.roles.set(arn, { arn, trustPolicy: AssumeRolePolicyDocument });
  return getRole(state, { account } as Principal, parameters);
}

function attachRolePolicy(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const role = roleOf(state, caller, parameters);
  const { PolicyArn = "" } = parameters;
  state.roles.set(role.arn, { ...role, attached: [...new Set([...(role.attached ?? []), PolicyArn])] });
  return {};
}

function putRolePolicy(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const role = roleOf(state, caller, parameters);
  const { PolicyName = "", PolicyDocument = "" } = parameters;
  state.roles.set(role.arn, { ...role, inline: { ...role.inline, [PolicyName]: PolicyDocument } });
  return {};
}

function checkTrustPolicy(state: FakeAwsState, document: string): void {
  if (document.replace(/\s/g, "").length > MAX_TRUST_POLICY) {
    const message = `Cannot exceed quota for ACLSizePerRole: ${MAX_TRUST_POLICY}`;
    throw new AwsRefusal("LimitExceeded", message, { status: 409 });
  }
  const statements = parsed(document);
  const sids = statements.map(({ Sid }) => Sid).filter((sid) => typeof sid === "string");
  if (new Set(sids).size < sids.length) throw malformed("Statement IDs (SID) in a single policy must be unique.");
  if (sids.some((sid) => !/^[A-Za-z0-9]*$/.test(sid))) {
    throw malformed("Statement IDs (SID) must be alpha-numeric.");
  }
  for (const principal of statements.flatMap(principalsOf)) {
    if (!isKnown(state, principal)) throw malformed(`Invalid principal in policy: "AWS":"${principal}"`);
  }
}

function parsed(document: string): ReturnType<typeof statementsOf> {
  try {
    return statementsOf(document);
  } catch {
    throw malformed("This policy contains invalid Json");
  }
}

function isKnown({ roles, users }: FakeAwsState, principal: string): boolean {
  if (principal === "*" || /^(\d{12}|arn:[\w-]+:iam::\d{12}:root)$/.test(principal)) return true;
  const isUser = users.some(({ account, userName }) => principal.endsWith(`::${account}:user/${userName}`));
  return isUser || roles.has(principal);
}

function roleOf({ roles }: FakeAwsState, { account }: Principal, { RoleName = "" }: Parameters): FakeRole {
  const role = [...roles.values()].find(({ arn }) => arn.split(":")[4] === account && arn.endsWith(`/${RoleName}`));
  if (!role) throw noSuchEntity(`The role with name ${RoleName} cannot be found.`);
  return role;
}

function pageOf(
  { pageSize }: FakeAwsState,
  { Marker = "0" }: Parameters,
  lists: Readonly<Record<string, readonly unknown[]>>,
): object {
  const [[name, items] = ["", []]] = Object.entries(lists);
  const next = Number(Marker) + pageSize;
  const more = next < items.length ? { IsTruncated: "true", Marker: String(next) } : { IsTruncated: "false" };
  return { [name]: items.slice(Number(Marker), next), ...more };
}

/** RFC 3986, as IAM sends documents. */
function percentEncoded(document: string): string {
  return encodeURIComponent(document).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function noSuchEntity(message: string): AwsRefusal {
  return new AwsRefusal("NoSuchEntity", message, { status: 404 });
}

function malformed(message: string): AwsRefusal {
  return new AwsRefusal("MalformedPolicyDocument", message);
}
