import { z } from "zod";
import type { ControlOperation, ControlRequest } from "../control-api/contract.js";
import { LONGEST_DURATION_SECONDS } from "../core/duration.js";
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
const functionRequest = { function: z.string().min(1).max(512), via: roleOrNull, confirmation };
const requestId = z.string().regex(/^[a-z2-7]{6}$/, "must be the id of a request: six letters and digits");
const target = z.discriminatedUnion("by", [
  ...lease.options,
  z.strictObject({ by: z.literal("new") }),
  z.strictObject({ by: z.literal("shell") }),
  z.strictObject({ by: z.literal("request"), id: requestId }),
]);
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
const importRequest = z.strictObject({
  text,
  path: z.string().max(4096),
  aws: z.strictObject({ config: file.exactOptional(), credentials: file.exactOptional() }),
  profiles: z.array(z.string().min(1).max(1024)).nullable(),
  withDefault: z.boolean(),
});

/** What each operation takes; anything else is refused by name. */
export const REQUEST_SCHEMAS: { readonly [O in ControlOperation]: z.ZodType<ControlRequest<O>> } = {
  status: empty,
  stop: empty,
  "store-create": z.strictObject({ passphrase: passphrase.exactOptional() }),
  lock: empty,
  unlock: z.strictObject({
    passphrase: passphrase.exactOptional(),
    display: z.record(z.string().max(64), z.string().max(1024)).exactOptional(),
  }),
  "config-check": z.strictObject({ text, path: z.string().max(4096) }),
  "config-reload": empty,
  "config-schema": empty,
  projects: empty,
  "source-add": edit,
  "role-add": edit,
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
  "lambda-role": z.strictObject({ ...functionRequest, mode: z.enum(["assume", "session-policy"]) }),
  "lambda-trust": z.strictObject({ ...functionRequest, action: z.enum(["show", "apply", "undo"]) }),
  use: z.strictObject({ lease, role, forSeconds, confirmation }),
  "lease-set": z.strictObject({ lease, role, forSeconds, confirmation }),
  "guard-confirm": z.strictObject({
    ...{ role: roleOrNull, target, forSeconds, reason: reason.exactOptional() },
    quiet: z.boolean().exactOptional(),
    confirmed: z.boolean().exactOptional(),
    passphrase: passphrase.exactOptional(),
  }),
  "request-create": z.strictObject({ role, reason, forSeconds }),
  "request-list": empty,
  "request-wait": z.strictObject({ id: requestId }),
  "request-approve": z.strictObject({ id: requestId, forSeconds, confirmation }),
  "request-deny": z.strictObject({ id: requestId }),
  warm: z.strictObject({ role }),
  refresh: z.strictObject({ role: role.exactOptional() }),
  whoami: z.union([z.strictObject({ role }), z.strictObject({ lease })]),
  "lease-access": z.union([
    z.strictObject({ lease, confirmation }),
    z.strictObject({ pinnedRole: role, forSeconds, confirmation }),
  ]),
  "lease-create": z.strictObject({
    ...{ name, role: roleOrNull, forSeconds, confirmation },
    movable: z.boolean().exactOptional(),
  }),
  "lease-child": z.strictObject({
    ...{ role: roleOrNull, pid, forSeconds, confirmation },
    movable: z.boolean().exactOptional(),
    like: name.exactOptional(),
  }),
  "lease-hand-over": z.strictObject({ id: name, pid }),
  "lease-list": empty,
  "lease-show": z.strictObject({ lease }),
  "lease-rotate": z.strictObject({ lease, confirmation }),
  "lease-revoke": z.strictObject({ lease }),
  "audit-verify": empty,
  who: z.strictObject({ role }),
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
