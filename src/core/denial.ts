/**
 * Which policies of AWS decided: attached to the caller, its permissions boundary, of its session, of the organization for
 * principals (scp) and for resources (rcp), of a VPC endpoint, of the resource, of the role that is to be assumed.
 */
export type PolicyKind = "identity" | "boundary" | "session" | "scp" | "rcp" | "vpc-endpoint" | "resource" | "trust";

/** A refusal of AWS, as far as its words tell; null: they do not. */
export interface Denial {
  /** As policies name it: `dynamodb:PutItem`. */
  readonly action: string | null;
  /** An ARN, mostly. */
  readonly resource: string | null;
  /** Who asked: an ARN, of a role's session `arn:…:sts::ACCOUNT:assumed-role/ROLE/SESSION`. */
  readonly principal: string | null;
  readonly kind: PolicyKind | null;
  /** A statement denies it; false: none allows it. */
  readonly isExplicit: boolean | null;
  readonly policyArn: string | null;
  /** Of GetRequestAuthorizationDetails, for 24 hours. */
  readonly authorizationId: string | null;
  /** EC2's, for DecodeAuthorizationMessage. */
  readonly encoded: string | null;
}

const NOTHING: Denial = {
  action: null,
  resource: null,
  principal: null,
  kind: null,
  isExplicit: null,
  policyArn: null,
  authorizationId: null,
  encoded: null,
};

/** What can be in a message that is a refusal: looked for before anything else is. */
export const DENIAL_MARKS: readonly string[] = [
  "is not authorized to",
  "not authorized to perform",
  "AccessDenied",
  "Access Denied",
  "UnauthorizedOperation",
  "operation: Forbidden",
  "is denied.",
];

/** Longer ones are cut: AWS's are not. */
const MAX_TEXT = 4096;

/**
 * The refusal in a message, log lines or an error document; the last that says the most. undefined: there is none. The forms are
 * those of the IAM user guide ("Troubleshoot access denied error messages") and what services make of them.
 */
export function findDenial(text: string): Denial | undefined {
  const plain = unescaped(text);
  return spelledOut(plain) ?? encodedByEc2(plain) ?? namedBySdk(plain) ?? bare(plain);
}

/** As it was before JSON, a log or a terminal put it into lines. */
function unescaped(text: string): string {
  return text
    .replaceAll(/\\{1,8}"/g, '"')
    .replaceAll(/\\{1,8}[nrt]/g, " ")
    .replaceAll(/\s+/g, " ");
}

const SPELLED = / is not authorized to perform: (?<action>[\w-]{1,64}:\w{1,128}\*?)/g;

/** `User: ARN is not authorized to perform: ACTION on resource: ARN because no … policy allows the ACTION action` */
function spelledOut(text: string): Denial | undefined {
  const found = [...text.matchAll(SPELLED)].at(-1);
  if (!found) return undefined;
  const { action = "" } = found.groups ?? {};
  // The same text stands there twice where a log has the message and then the trace: its last words may be cut off.
  const all = [...text.matchAll(SPELLED)].filter(({ groups }) => groups?.["action"] === action);
  const tails = all.map(({ index, 0: head }, at) =>
    text.slice(index + head.length, all[at + 1]?.index).slice(0, MAX_TEXT),
  );
  const [first = "", ...others] = tails.toReversed();
  const tail = [first, ...others].find((one) => reasonIn(one).kind !== null) ?? first;
  return {
    ...NOTHING,
    ...{ action: inPolicies(action), resource: resourceIn(tail), principal: principalBefore(text, found.index) },
    ...reasonIn(tail),
    ...{ authorizationId: authorizationIdIn(tail), encoded: encodedIn(tail) },
  };
}

/** Services are lower-case in policies; SNS says `SNS:Publish`. */
function inPolicies(action: string): string {
  const [service = "", name = ""] = action.split(":");
  return `${service.toLowerCase()}:${name}`;
}

/** Longer is no ARN. */
const MAX_ARN = 2048;

function principalBefore(text: string, end: number): string | null {
  const word =
    text
      .slice(Math.max(0, end - MAX_ARN), end)
      .split(" ")
      .at(-1) ?? "";
  return /^arn:[\w-]+:/.exec(word) ? word : null;
}

/** S3 has it in quotes: its keys may hold blanks. */
function resourceIn(tail: string): string | null {
  const [, quoted, plain] = /^ on (?:the )?resource: (?:"([^"]+)"|(\S+))/.exec(tail) ?? [];
  return quoted ?? plain?.replace(/[.,;'"`)\]}]+$/, "") ?? null;
}

const KINDS: readonly (readonly [pattern: RegExp, kind: PolicyKind])[] = [
  [/^identity-based polic/i, "identity"],
  [/^permissions boundar/i, "boundary"],
  [/^sessions? polic/i, "session"],
  [/^service control polic/i, "scp"],
  [/^resource control polic/i, "rcp"],
  [/^VPC endpoint polic/i, "vpc-endpoint"],
  [/^resource-based polic/i, "resource"],
  [/^role trust polic/i, "trust"],
];

type Reason = Pick<Denial, "kind" | "isExplicit" | "policyArn">;

function reasonIn(tail: string): Reason {
  const implicit = /because no ([\w -]+?) allows?\b/i.exec(tail)?.[1];
  if (implicit !== undefined) return { kind: kindOf(implicit), isExplicit: false, policyArn: null };
  const explicit = /(?:with|due to) an explicit deny(?: in (?:an?|the) ([\w -]+))?/i.exec(tail);
  if (explicit) return { kind: kindOf(explicit[1] ?? ""), isExplicit: true, policyArn: policyArnIn(tail) };
  // KMS, where it will not say which of them it was.
  const isResource = /no resource-based policies allow access/i.test(tail);
  return { kind: isResource ? "resource" : null, isExplicit: isResource ? false : null, policyArn: null };
}

function kindOf(words: string): PolicyKind | null {
  return KINDS.find(([pattern]) => pattern.test(words))?.[1] ?? null;
}

/** `…policy: arn:…` and `…policy, with policy ARN: arn:…`; a sentence may end behind it. */
function policyArnIn(tail: string): string | null {
  const arn = /explicit deny in [\w -]+(?:, with policy ARN)?: (arn:\S+)/i.exec(tail)?.[1];
  return arn?.replace(/[.,;'"`)\]}]+$/, "") ?? null;
}

function authorizationIdIn(text: string): string | null {
  return /with the following authorization id: ([0-9A-Za-z]+)/i.exec(text)?.[1] ?? null;
}

function encodedIn(text: string): string | null {
  return /Encoded authorization failure message: ([\w-]+)/i.exec(text)?.[1] ?? null;
}

/** `You are not authorized to perform this operation. Encoded authorization failure message: …` */
function encodedByEc2(text: string): Denial | undefined {
  const encoded = encodedIn(text);
  const operation = sdkCallIn(text)?.operation;
  const isEc2 = text.includes("UnauthorizedOperation") && /not authorized to perform this operation/i.test(text);
  if (encoded === null && !isEc2) return undefined;
  return { ...NOTHING, action: operation === undefined ? null : `ec2:${operation}`, encoded };
}

interface SdkCall {
  /** Where the SDK says it. */
  readonly service?: string | undefined;
  readonly operation: string;
  readonly message: string;
}

/** How SDKs put what they asked for before what they were told. */
const SDK_FORMS: readonly RegExp[] = [
  // botocore and the AWS CLI
  /An error occurred \((?<code>\w{1,64})\) when calling the (?<operation>\w{1,128}) operation: (?<message>.{0,400})/g,
  // Go v2
  /operation error (?<service>[\w ]{1,64}): (?<operation>\w{1,128}), .{0,400}?api error (?<code>\w{1,64}): (?<message>.{0,400})/g,
];

const DENIED = /^(?:AccessDenied(?:Exception)?|UnauthorizedOperation|AuthorizationError(?:Exception)?|403|Forbidden)$/;

function sdkCallIn(text: string): SdkCall | undefined {
  const calls = SDK_FORMS.flatMap((form) => [...text.matchAll(form)])
    .map(({ groups = {} }) => groups)
    .filter(({ code = "" }) => DENIED.test(code));
  const { service, operation = "", message = "" } = calls.at(-1) ?? {};
  return calls.length === 0 ? undefined : { service, operation, message };
}

/** Services that say no more than `Access Denied`: the operation is the SDK's word, the service is known by the message. */
function namedBySdk(text: string): Denial | undefined {
  const call = sdkCallIn(text);
  if (!call) return undefined;
  const service = serviceOf(call);
  if (service === undefined) return NOTHING;
  const operation = service === "s3" ? (S3_ACTIONS[call.operation] ?? call.operation) : call.operation;
  return { ...NOTHING, action: `${service}:${operation}` };
}

function serviceOf({ service, message }: SdkCall): string | undefined {
  if (/Access to the resource https:\/\/sqs\.\S+ is denied/.test(message)) return "sqs";
  if (/^(?:Access Denied|Forbidden)\b/.test(message)) return "s3";
  return service?.replaceAll(" ", "").toLowerCase();
}

/** S3's operations whose action has another name (S3 user guide, "Required permissions for Amazon S3 API operations"). */
const S3_ACTIONS: Readonly<Partial<Record<string, string>>> = {
  HeadObject: "GetObject",
  HeadBucket: "ListBucket",
  ListObjects: "ListBucket",
  ListObjectsV2: "ListBucket",
  ListObjectVersions: "ListBucketVersions",
  ListBuckets: "ListAllMyBuckets",
  ListMultipartUploads: "ListBucketMultipartUploads",
  ListParts: "ListMultipartUploadParts",
  CreateMultipartUpload: "PutObject",
  UploadPart: "PutObject",
  CompleteMultipartUpload: "PutObject",
  DeleteObjects: "DeleteObject",
  CopyObject: "PutObject",
};

const BARE = /\bAccessDenied(?:Exception)?\b|\bAccess Denied\b|is not authorized to (?:access|perform)/;

/** It was refused, and no more is told. */
function bare(text: string): Denial | undefined {
  if (!BARE.test(text)) return undefined;
  const principal = /User: (arn:\S{1,2048}) is not authorized to access/.exec(text)?.[1];
  const isExplicit = /with an explicit deny/i.test(text) ? true : null;
  return { ...NOTHING, principal: principal ?? null, isExplicit };
}
