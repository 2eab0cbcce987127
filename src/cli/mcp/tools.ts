import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { DURATION_RULE, secondsOfDuration } from "../../core/duration.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { Clock } from "../../system/clock.js";
import { type Answer, leaseAnswer, previewAnswer, problemAnswer, requestAnswer, roleAnswer } from "./answers.js";
import type { OwnLease, Wish } from "./own-lease.js";

/** What a tool answers, as MCP has it. */
interface ToolResult {
  readonly content: { readonly type: "text"; readonly text: string }[];
  readonly structuredContent: Record<string, unknown>;
  readonly isError?: true;
  readonly [other: string]: unknown;
}

interface ToolContext {
  readonly mcpReq: { readonly signal: AbortSignal };
}

/** Many clients give a tool a minute. */
const LONGEST_WAIT_S = 50;
const DEFAULT_WAIT_S = 45;

const role = z.string().min(1).max(1024).describe("the name of a role, as list_roles has it");
const request = z
  .string()
  .regex(/^[a-z2-7]{6}$/, "must be the id of a request: six letters and digits")
  .describe("the id that request_access answered");
const duration = z.string().max(32).describe("for how long, e.g. 15m; default: the longest that is allowed");
const scope = {
  read_only: z.boolean().optional().describe("no more than reading: ask for this wherever it is enough"),
  services: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(30)
    .optional()
    .describe("no more than these services of AWS, or than reading them: s3, dynamodb:read"),
};
const waitSeconds = (fallback: number): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(0).max(LONGEST_WAIT_S).default(fallback).describe("how long to wait for a decision");

const LOOKS = { readOnlyHint: true, openWorldHint: false } as const;
const CHANGES = { readOnlyHint: false, destructiveHint: false, openWorldHint: false } as const;

/** Told to the model before it uses any of them. */
export const INSTRUCTIONS = `AWS tools and SDKs in this session get their credentials by themselves, from a local broker: you never see, need or pass on a key.
Your lease has one role. When AWS refuses a call, call whoami; when another role is needed, list_roles and preview_access, then
request_access with a short, true reason, which a person reads before they decide, and no more than you need (read_only, services). What is granted is there at the next AWS call, with the same
environment, and ends by itself; call release_access as soon as you are done. Do not look for credentials elsewhere.`;

/** Registers them; what they answer is chosen in `answers`, and looked through once more before it is sent. */
export function registerTools(server: McpServer, lease: OwnLease, clock: Clock): void {
  registerLooks(server, lease);
  registerAsking(server, lease, clock);
  registerFollowing(server, lease, clock);
}

/** What changes nothing. */
function registerLooks(server: McpServer, lease: OwnLease): void {
  server.registerTool(
    "whoami",
    {
      title: "Who am I in AWS",
      description:
        "Your lease: its role and account, until when, what it waits for, and what AWS calls would be refused just now, with what helps.",
      annotations: LOOKS,
    },
    ({ mcpReq }: ToolContext) => answered(async () => leaseAnswer(await lease.show(mcpReq.signal))),
  );
  server.registerTool(
    "list_roles",
    {
      title: "Roles that can be requested",
      description:
        "The roles that you may request, each with what would become of it: allow (granted at once), ask (a person decides), deny.",
      annotations: LOOKS,
    },
    ({ mcpReq }: ToolContext) => answered(async () => ({ roles: (await lease.roles(mcpReq.signal)).map(roleAnswer) })),
  );
  server.registerTool(
    "preview_access",
    {
      title: "What a request would come to",
      description:
        "Whether a request for a role would be granted at once, asked of a person, or denied, and the longest grant. Changes nothing and asks no one.",
      inputSchema: z.strictObject({ role, for: duration.optional(), ...scope }),
      annotations: LOOKS,
    },
    (asked, { mcpReq }) =>
      answered(async () => previewAnswer(await lease.preview(wishOf(asked), mcpReq.signal)), asked.role),
  );
}

function registerAsking(server: McpServer, lease: OwnLease, clock: Clock): void {
  server.registerTool(
    "request_access",
    {
      title: "Request a role",
      description: `Asks for a role for your lease, in place, for a time. A rule or a person decides. Waits for the decision, up to wait_seconds; else answers the request's id, for access_status.`,
      inputSchema: z.strictObject({
        role,
        reason: z.string().min(1).max(2000).describe("why, in one sentence: a person reads it before they decide"),
        for: duration.optional(),
        ...scope,
        wait_seconds: waitSeconds(DEFAULT_WAIT_S),
      }),
      annotations: CHANGES,
    },
    (asked, { mcpReq: { signal } }) =>
      answered(async () => {
        const made = await lease.request({ ...wishOf(asked), reason: asked.reason }, signal);
        const isOpen = made.state === "pending" && asked.wait_seconds > 0;
        const known = isOpen ? await lease.status({ id: made.id, waitSeconds: asked.wait_seconds }, signal) : made;
        return requestAnswer(known, clock.now());
      }, asked.role),
  );
}

function registerFollowing(server: McpServer, lease: OwnLease, clock: Clock): void {
  server.registerTool(
    "access_status",
    {
      title: "What became of a request",
      description:
        "Whether a request of yours was granted, and until when; waits for the decision, up to wait_seconds.",
      inputSchema: z.strictObject({ request, wait_seconds: waitSeconds(0) }),
      annotations: LOOKS,
    },
    (asked, { mcpReq }) =>
      answered(async () => {
        const status = await lease.status({ id: asked.request, waitSeconds: asked.wait_seconds }, mcpReq.signal);
        return requestAnswer(status, clock.now());
      }),
  );
  server.registerTool(
    "release_access",
    {
      title: "Give a grant back",
      description:
        "Gives back what a request gave your lease, or withdraws one that waits. Without a request: the last one.",
      inputSchema: z.strictObject({ request: request.optional() }),
      annotations: { ...CHANGES, idempotentHint: true },
    },
    (asked, { mcpReq }) =>
      answered(async () => requestAnswer(await lease.release(asked.request, mcpReq.signal), clock.now())),
  );
}

interface Asked {
  readonly role: string;
  readonly for?: string | undefined;
  readonly read_only?: boolean | undefined;
  readonly services?: string[] | undefined;
}

/** Throws UsageInvalid. */
function wishOf({ role: name, for: time, read_only: readOnly, services }: Asked): Omit<Wish, "reason"> {
  const forSeconds = time === undefined ? undefined : secondsOfDuration(time);
  if (time !== undefined && forSeconds === undefined) throw new BrokerError("UsageInvalid", `for ${DURATION_RULE}`);
  const narrowed = { ...(readOnly === true && { readOnly }), ...(services && { services }) };
  return {
    role: name,
    ...(forSeconds !== undefined && { forSeconds }),
    ...(Object.keys(narrowed).length > 0 && { scope: narrowed }),
  };
}

/** `about`: the role that it is about. */
async function answered(act: () => Promise<Answer>, about: string | null = null): Promise<ToolResult> {
  try {
    return resultOf(await act());
  } catch (error) {
    const { code, message, hint } = toBrokerError(error);
    const told = { code, message, ...(hint !== undefined && { hint }) };
    return { ...resultOf({ error: problemAnswer(told, { role: about }) }), isError: true };
  }
}

/** As text, too: not every client gives its model the structure. */
function resultOf(answer: Answer): ToolResult {
  return { content: [{ type: "text", text: JSON.stringify(answer, null, 2) }], structuredContent: { ...answer } };
}
