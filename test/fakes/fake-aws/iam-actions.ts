import { AwsRefusal, accessDenied } from "./aws-refusal.js";
import type { Principal } from "./principals.js";
import { roleActions } from "./role-actions.js";
import type { Action, FakeAwsState, Parameters } from "./sts-actions.js";

/** AWS's quota. */
const MAX_KEYS = 2;

export const iamActions: Readonly<Record<string, Action>> = {
  CreateAccessKey: createAccessKey,
  ListAccessKeys: listAccessKeys,
  DeleteAccessKey: deleteAccessKey,
  ...roleActions,
};

function createAccessKey({ principals }: FakeAwsState, caller: Principal): object {
  requireUser(caller, "iam:CreateAccessKey");
  if (principals.keysOf(caller).length >= MAX_KEYS) {
    throw new AwsRefusal("LimitExceeded", `Cannot exceed quota for AccessKeysPerUser: ${MAX_KEYS}`, { status: 409 });
  }
  const key = principals.createUserKey(caller);
  const { userName = "", accessKeyId, secretAccessKey } = key;
  return {
    AccessKey: {
      UserName: userName,
      AccessKeyId: accessKeyId,
      Status: "Active",
      SecretAccessKey: secretAccessKey,
      CreateDate: "2026-01-01T00:00:00Z",
    },
  };
}

function listAccessKeys({ principals }: FakeAwsState, caller: Principal): object {
  requireUser(caller, "iam:ListAccessKeys");
  const keys = principals.keysOf(caller).map(({ userName = "", accessKeyId, isActive }) => ({
    UserName: userName,
    AccessKeyId: accessKeyId,
    Status: isActive ? "Active" : "Inactive",
    CreateDate: "2026-01-01T00:00:00Z",
  }));
  return { AccessKeyMetadata: keys, IsTruncated: "false" };
}

function deleteAccessKey({ principals }: FakeAwsState, caller: Principal, { AccessKeyId = "" }: Parameters): object {
  requireUser(caller, "iam:DeleteAccessKey");
  const isOwn = principals.keysOf(caller).some(({ accessKeyId }) => accessKeyId === AccessKeyId);
  if (!isOwn) {
    throw new AwsRefusal("NoSuchEntity", `The Access Key with id ${AccessKeyId} cannot be found.`, { status: 404 });
  }
  principals.remove(AccessKeyId);
  return {};
}

/** GetSessionToken credentials may call IAM only when they were opened with MFA. */
function requireUser(caller: Principal, action: string): void {
  if (caller.kind === "role" || (caller.kind === "session" && !caller.mfa)) {
    throw accessDenied(`User: ${caller.arn} is not authorized to perform: ${action}`);
  }
}
