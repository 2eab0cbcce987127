import * as z from "zod";
import type { ControlOperation, ControlRequest } from "../control-api/contract.js";
import { VAULTS } from "../core/aws-import.js";
import { LONGEST_DURATION_SECONDS } from "../core/duration.js";
import { REGION_PATTERN } from "../core/region.js";
import { explainRequest } from "./explain-request.js";

const name = z
  .string()
  .min(1, "must not be empty")
  .max(256, "has more than 256 characters, which no role, source or lease has");
/** As long as leases take it: `lambda:FUNCTION@VIA` holds an ARN and a role's name. */
const role = z.string().min(1).max(1024, "has more than 1,024 characters, which no role has");
const empty = z.strictObject({});
const passphrase = z.string().min(1).max(1024);
const pid = z.int().positive();
/** More than a year is a typing error. */
const seconds = z.int().positive().max(LONGEST_DURATION_SECONDS);
const roleOrNull = role.nullable();
const lease = z.discriminatedUnion("by", [
  z.strictObject({ by: z.literal("default") }),
  z.strictObject({ by: z.literal("name"), name }),
  z.strictObject({ by: z.literal("token"), token: name }),
  z.strictObject({ by: z.literal("id"), id: name }),
]);
const confirmation = z.string().min(1).max(128).exactOptional();
const forSeconds = seconds.exactOptional();
const reason = z.string().min(1, "must not be empty").max(2000, "has more than 2,000 characters");
const region = z.string().regex(REGION_PATTERN, "must be an AWS region like eu-west-1").exactOptional();
const stack = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, "must be the name of a CloudFormation stack")
  .exactOptional();
const functionsRequest = { via: roleOrNull, region, stack, confirmation };
const functionRequest = { function: z.string().min(1).max(512), ...functionsRequest };
const taskRequest = { task: z.string().min(1).max(512), via: roleOrNull, region, confirmation };
const trustTerms = { seconds: seconds.exactOptional(), ownSession: z.boolean().exactOptional() };
const consoleRequest = {
  service: z.string().min(1).max(64).exactOptional(),
  region,
  federate: z.boolean().exactOptional(),
  ...{ forSeconds, confirmation },
};
/** A policy as a file has it, with its white space; what it comes to is checked by what takes the scope (core/checked-scope). */
const scope = z
  .strictObject({
    readOnly: z.literal(true).exactOptional(),
    services: z.array(z.string().min(1).max(80)).min(1).max(200).exactOptional(),
    policy: z.string().min(1, "must not be empty").max(65_536, "has more than 65,536 characters").exactOptional(),
    policyArns: z.array(z.string().min(1).max(600)).min(1).max(100).exactOptional(),
    sessionSeconds: seconds.exactOptional(),
    description: reason.exactOptional(),
  })
  .exactOptional();
/** As `core/denial` reads it out of what AWS said. */
const said = z.string().max(8192).nullable();
const denial = z.strictObject({
  action: z
    .string()
    .regex(/^[a-z0-9-]{1,64}:[A-Za-z0-9*]{1,128}$/, "must be an action as policies name it: dynamodb:PutItem")
    .nullable(),
  ...{ resource: said, principal: said, policyArn: said, authorizationId: said, encoded: said },
  kind: z.enum(["identity", "boundary", "session", "scp", "rcp", "vpc-endpoint", "resource", "trust"]).nullable(),
  isExplicit: z.boolean().nullable(),
});
const requestId = z.string().regex(/^[a-z2-7]{6}$/, "must be the id of a request: six letters and digits");
const target = z.discriminatedUnion("by", [
  ...lease.options,
  z.strictObject({ by: z.literal("new") }),
  z.strictObject({ by: z.literal("shell") }),
  z.strictObject({ by: z.literal("request"), id: requestId }),
]);
/** Who waits longer asks again: clients of MCP give up after a minute. */
const MAX_WAIT_SECONDS = 55;
/** More is a whole list, which is what leaving it out asks for. */
const MAX_ROWS = 1000;
const accountId = z.string().regex(/^\d{12}$/, "an account id is 12 digits");
/** Organizations of thousands of accounts exist; a config of that many roles does not load. */
const MAX_SSO_ROLES = 20_000;
const text = z.string().max(1_100_000);
const edit = z.strictObject({
  text,
  path: z.string().max(4096),
  name,
  fields: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});

const file = z.strictObject({ text, path: z.string().max(4096) });
const entryName = { kind: z.enum(["source", "role"]), name };
/** More than `doctor` ever finds. */
const MAX_FINDINGS = 200;
const finding = z.strictObject({
  level: z.enum(["error", "warning", "note"]),
  title: z.string().max(4000),
  fix: z.string().max(4000).nullable(),
});
const importRequest = z.strictObject({
  text,
  path: z.string().max(4096),
  aws: z.strictObject({ config: file.exactOptional(), credentials: file.exactOptional() }),
  profiles: z.array(z.string().min(1).max(1024)).nullable(),
  withDefault: z.boolean(),
  from: z.strictObject({ vault: z.enum(VAULTS), settings: file.nullable() }).exactOptional(),
});

/** What each operation takes; anything else is refused by name. */
export const REQUEST_SCHEMAS: { readonly [O in ControlOperation]: z.ZodType<ControlRequest<O>> } = {
  status: z.strictObject({
    rows: z.int().nonnegative().max(MAX_ROWS).exactOptional(),
    role: role.exactOptional(),
  }),
  stop: empty,
  "store-create": z.strictObject({ passphrase: passphrase.exactOptional() }),
  lock: empty,
  unlock: z.strictObject({
    passphrase: passphrase.exactOptional(),
    display: z.record(z.string().max(64), z.string().max(1024)).exactOptional(),
  }),
  "config-check": file,
  "config-reload": empty,
  "config-schema": empty,
  projects: empty,
  "source-add": edit,
  "role-add": edit,
  "entry-show": file.extend(entryName),
  "entry-rename": file.extend({ ...entryName, to: name }),
  "entry-renamed": z.strictObject({ ...entryName, to: name }),
  "entry-remove": file.extend(entryName),
  "keys-add": z.strictObject({
    source: name,
    accessKeyId: z.string().regex(/^[A-Z0-9]{16,128}$/, "must be AKIA and 16 capitals or digits"),
    secretAccessKey: z.string().regex(/^[!-~]{16,256}$/, "must be 40 printable characters"),
    replace: z.boolean(),
  }),
  "import-plan": importRequest,
  "import-keys": importRequest,
  "keys-list": empty,
  "keys-rotate": z.strictObject({ source: name }),
  "keys-remove": z.strictObject({ source: name }),
  "login-choices": empty,
  "login-mfa": z.strictObject({
    source: name,
    code: z
      .string()
      .regex(/^\d{6}$/, "an MFA code is 6 digits")
      .exactOptional(),
  }),
  "login-start": z.strictObject({ source: name, flow: z.enum(["browser", "device"]) }),
  "login-wait": z.strictObject({ loginId: name }),
  "login-code": z.strictObject({
    loginId: name,
    code: z.string().min(1).max(8192, "has more than 8,192 characters, which no code has"),
  }),
  logout: z.strictObject({ source: name }),
  "sso-accounts": z.strictObject({ source: name, maxAgeSeconds: seconds.exactOptional() }),
  "sso-account-roles": z.strictObject({ source: name, accountId, maxAgeSeconds: seconds.exactOptional() }),
  "sso-known-roles": empty,
  "sso-roles-plan": z.strictObject({
    text,
    path: z.string().max(4096),
    source: name,
    nameTemplate: z.string().min(1).max(256),
    found: z.array(z.strictObject({ accountId, accountName: z.string().max(1024), roleName: name })).max(MAX_SSO_ROLES),
    existing: z
      .array(z.strictObject({ accountId, roleName: name }))
      .max(MAX_SSO_ROLES)
      .exactOptional(),
  }),
  "lambda-list": z.strictObject(functionsRequest),
  "lambda-role": z.strictObject({ ...functionRequest, mode: z.enum(["assume", "session-policy"]) }),
  "lambda-code": z.strictObject(functionRequest),
  "lambda-code-part": z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/), offset: z.int().nonnegative() }),
  "lambda-trust": z.strictObject({ ...functionRequest, ...trustTerms, action: z.enum(["show", "apply", "undo"]) }),
  "lambda-why": z.strictObject({
    ...functionRequest,
    denial: denial.exactOptional(),
    mode: z.enum(["assume", "session-policy"]).exactOptional(),
    scope,
  }),
  "task-role": z.strictObject({ ...taskRequest, container: z.string().min(1).max(255).nullable() }),
  "task-trust": z.strictObject({ ...taskRequest, ...trustTerms, action: z.enum(["show", "apply", "undo"]) }),
  "deploy-role": z.strictObject({
    ...{ via: roleOrNull, confirmation, action: z.enum(["show", "apply"]) },
    roleName: z
      .string()
      .regex(/^[\w+=,.@-]{1,64}$/, "must be the name of a role: 1 to 64 letters, digits and + = , . @ _ -"),
    policyArns: z
      .array(
        z
          .string()
          .regex(/^arn:[\w-]+:iam::(?:aws|\d{12}):policy\/[\w+=,.@/-]{1,512}$/, "must be the ARN of a managed policy"),
      )
      .max(10),
    managedRoles: z
      .array(z.string().regex(/^(?=.*[\w])[\w+=,.@*-]{1,64}$/, "must be names of roles, with stars: not a star alone"))
      .max(10),
  }),
  use: z.strictObject({ lease, role, forSeconds, confirmation }),
  "lease-set": z.strictObject({ lease, role, forSeconds, confirmation }),
  "lease-narrow": z.strictObject({ lease, scope, forSeconds }),
  "guard-confirm": z.strictObject({
    ...{ role: roleOrNull, target, scope, forSeconds, reason: reason.exactOptional() },
    quiet: z.boolean().exactOptional(),
    confirmed: z.boolean().exactOptional(),
    passphrase: passphrase.exactOptional(),
  }),
  "request-create": z.strictObject({ role, reason, forSeconds, scope }),
  "request-list": empty,
  "request-wait": z.strictObject({ id: requestId }),
  "request-approve": z.strictObject({ id: requestId, forSeconds, confirmation }),
  "request-deny": z.strictObject({ id: requestId }),
  "lease-own": empty,
  "request-roles": z.strictObject({ byRules: z.boolean().exactOptional() }),
  "request-preview": z.strictObject({ role, forSeconds, scope, byRules: z.boolean().exactOptional() }),
  "request-status": z.strictObject({
    id: requestId,
    waitSeconds: z.int().nonnegative().max(MAX_WAIT_SECONDS).exactOptional(),
  }),
  "request-release": z.strictObject({ id: requestId.exactOptional() }),
  warm: z.strictObject({ role, scope }),
  refresh: z.strictObject({ role: role.exactOptional() }),
  whoami: z.union([z.strictObject({ role }), z.strictObject({ lease })]),
  console: z.union([
    z.strictObject({ role, ...consoleRequest }),
    z.strictObject({ lease: z.union([lease.options[0], lease.options[2]]), ...consoleRequest }),
  ]),
  "lease-access": z.union([
    z.strictObject({ lease, confirmation }),
    z.strictObject({ pinnedRole: role, forSeconds, confirmation, scope }),
  ]),
  "lease-create": z.strictObject({
    ...{ name, role: roleOrNull, forSeconds, confirmation, scope },
    movable: z.boolean().exactOptional(),
    socket: z.string().min(1).max(4096).exactOptional(),
  }),
  "lease-child": z.strictObject({
    ...{ role: roleOrNull, pid, forSeconds, confirmation, scope },
    movable: z.boolean().exactOptional(),
    like: name.exactOptional(),
    socket: z.literal(true).exactOptional(),
  }),
  "lease-hand-over": z.strictObject({ id: name, pid }),
  "lease-list": empty,
  "lease-show": z.strictObject({ lease }),
  "lease-rotate": z.strictObject({ lease, confirmation }),
  "lease-revoke": z.strictObject({ lease }),
  "audit-verify": empty,
  who: z.strictObject({ role }),
  why: z.strictObject({ lease: lease.exactOptional(), pid: pid.exactOptional() }),
  "ui-open": z.strictObject({ findings: z.array(finding).max(MAX_FINDINGS) }),
};

export function isOperation(name: unknown): name is ControlOperation {
  return typeof name === "string" && Object.hasOwn(REQUEST_SCHEMAS, name);
}

/** Throws `UsageInvalid` with what is wrong in words. */
export function parseRequest<O extends ControlOperation>(operation: O, body: unknown): ControlRequest<O> {
  const schema = REQUEST_SCHEMAS[operation];
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw explainRequest(operation, schema, body);
}
