import { LEASE_TOKEN_PATTERN } from "../core/lease.js";
import { visibleText } from "../core/visible-text.js";
import type { WantedScope } from "./lease-contract.js";

/**
 * The control plane in one round trip, for what starts programs: `exec`, `credential-process`, `env ROLE`. It needs no JSON
 * and no HTTP library: one write, one read, a fixed buffer. On the control socket, as an upgrade of HTTP/1.1:
 *
 *     POST /v1/launch HTTP/1.1          each line of the head ends with CR LF
 *     Host: credbroker
 *     Connection: Upgrade
 *     Upgrade: credbroker-launch
 *     credbroker-version: 0.9.0         and credbroker-pid, credbroker-lease, as for the rest of control
 *
 *     launch 1                          from here on lines end with LF; the first is the version of this form
 *     kind exec
 *     role dev
 *     pid 4711
 *                                       an empty line ends the request
 *
 * No Content-Length: what follows the head is not HTTP. The head may be sent with the lines, in one write. The answer:
 *
 *     HTTP/1.1 101 Switching Protocols  and Connection, Upgrade; CR LF
 *
 *     launch 1
 *     version 0.9.0                     of brokerd
 *     lease 3kTq…                       its id
 *     token brk_…
 *     lease-url http://127.0.0.1:9171/lease/brk_…
 *     credentials-url http://127.0.0.1:9171/creds
 *     role dev
 *     region eu-west-1                  where the role names one
 *                                       an empty line ends the answer
 *
 * or, after `version`, `handoff WHY` (the Node program has to do it), or `error CODE`, `message TEXT`, `hint TEXT`. Any
 * status but 101, or a connection that is closed without an answer: no lease was made that outlives it, the Node program has to do it.
 *
 * After `error`, `handoff` and of `env` brokerd closes the connection; else it stays open, in both directions. The client
 * sends `child PID` as soon as its command runs: the lease ends with that process from then on, `held PID` confirms it.
 * brokerd sends `notice TEXT`, for the terminal. The client's end of the connection ends the lease, unless the command still
 * runs; brokerd's end means nothing: the lease goes on. A client that wants notices after a restart of brokerd connects again with
 * `kind attach`, `token brk_…` and sends `child PID` again.
 *
 * Lines are `name value`: a name of lower-case letters, digits and hyphens, one space, a value of at least one byte of UTF-8
 * without control characters. A request has at most 8,192 bytes of lines, an answer at most 8,192 with its head, a line after
 * them at most 1,024. In a request each name stands once, and a name that is unknown is refused (`NotSupported`): what it asks for would
 * not be done. In an answer unknown names, and lines in another order, are to be passed over.
 */
export const LAUNCH_PATH = "/v1/launch";
export const LAUNCH_PROTOCOL = "credbroker-launch";
/** Of the form: the value of each first line. */
export const LAUNCH_VERSION = "1";

/** Bytes of a request's lines, and of an answer's. */
export const MAX_LAUNCH_BYTES = 8192;
/** Bytes of a line that follows request or answer. */
export const MAX_LATER_LINE = 1024;

/**
 * What a launch is for. exec: a lease that ends with the command. credential-process: one of 60 s that ends with the
 * connection, for a GET. env: the pinned lease of a role. attach: a connection for a lease that was made by another one.
 */
export const LAUNCH_KINDS = ["exec", "credential-process", "env", "attach"] as const;
export type LaunchKind = (typeof LAUNCH_KINDS)[number];

/** Lines of a request. */
export interface LaunchRequest {
  readonly kind: LaunchKind;
  /** Of all but `attach`; an `exec` without it: the role of `like`, else of the default lease. */
  readonly role?: string;
  /** Of `exec` without role: the token of the lease that this shell's variables hold; the lease is made like that one. */
  readonly like?: string;
  /** Of `exec` and `credential-process`: the live process that holds the lease at first. */
  readonly pid?: number;
  /** `for`: seconds until the lease ends. */
  readonly forSeconds?: number;
  /** `movable yes`: `use` moves the lease. */
  readonly movable?: boolean;
  /** Of `guard-confirm`: a person's yes. */
  readonly confirmation?: string;
  /** Why, for a guard that asks it but no yes. */
  readonly reason?: string;
  /** Of `exec` and `env`: what narrows it, as base64url of the JSON that `lease-child` takes (control-api/lease-contract). */
  readonly scope?: string;
  /** Of `attach`. */
  readonly token?: string;
  /** brokerd of another version does nothing and answers `handoff version`. */
  readonly onlyVersion?: string;
}

/**
 * Why the Node program has to do it: guard: a person is to be asked for a yes. no-role: the lease has none, the project's is to be
 * looked for. version: brokerd is not of the version that was asked for.
 */
export const HANDOFFS = ["guard", "no-role", "version"] as const;
export type Handoff = (typeof HANDOFFS)[number];

/** A name and its value. */
export type LaunchLine = readonly [name: string, value: string];

const LINE = /^([a-z][a-z0-9-]{0,31}) (\P{Cc}+)$/u;

/** undefined: it is not `name value`. */
export function parseLaunchLine(line: string): LaunchLine | undefined {
  const [, name, value] = LINE.exec(line) ?? [];
  return name === undefined || value === undefined || value.includes("\uFFFD") ? undefined : [name, value];
}

/** Longer values of others' making (messages) are cut, so that an answer keeps its bounds; of a scope nothing is. */
const MAX_VALUE = 900;

/** Lines with their ends. What a terminal obeys, or what would begin a line, is a `?` or a space. */
export function renderLaunchLines(lines: readonly LaunchLine[]): string {
  return lines.map(([name, value]) => `${name} ${name === "scope" ? value : oneLine(value)}\n`).join("");
}

/** A scope that was checked: about 5,000 bytes at most, so that it fits into a request whole. */
export function scopeLine(scope: WantedScope): string {
  return Buffer.from(JSON.stringify(scope)).toString("base64url");
}

/** Of a `scope` line: what the operation takes, or refuses; undefined: it is no JSON. */
export function scopeInLine(line: string): unknown {
  try {
    return JSON.parse(Buffer.from(line, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

function oneLine(value: string): string {
  const plain = visibleText(value.replaceAll(/\s+/g, " ")).trim();
  if (plain === "") return "-";
  let cut = plain;
  while (Buffer.byteLength(cut) > MAX_VALUE) cut = `${cut.slice(0, Math.floor(cut.length * 0.9))}…`;
  return cut;
}

/** Of a request; the empty line at its end included. */
export function renderLaunchRequest(request: LaunchRequest): string {
  const { kind, role, like, pid, forSeconds, movable, scope, confirmation, reason, token, onlyVersion } = request;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ["launch", LAUNCH_VERSION],
    ["kind", kind],
    ["role", role],
    ["like", like],
    ["pid", pid?.toString()],
    ["for", forSeconds?.toString()],
    ["movable", movable === true ? "yes" : undefined],
    ["confirmation", confirmation],
    ["scope", scope],
    ["reason", reason],
    ["token", token],
    ["only-version", onlyVersion],
  ];
  return `${renderLaunchLines(lines.filter((line): line is LaunchLine => line[1] !== undefined))}\n`;
}

/** What of a request's lines is wrong, in words; else the request. */
export function parseLaunchRequest(lines: readonly string[]): LaunchRequest | { readonly problem: string } {
  const values = new Map<string, string>();
  for (const line of lines) {
    const [name, value] = parseLaunchLine(line) ?? [];
    if (name === undefined || value === undefined) return { problem: "a line is not `name value`" };
    if (!REQUEST_NAMES.includes(name)) return { problem: `there is no line ${name}` };
    if (values.has(name)) return { problem: `${name} stands there twice` };
    values.set(name, value);
  }
  if (values.get("launch") !== LAUNCH_VERSION) return { problem: `only launch ${LAUNCH_VERSION} is understood` };
  return requestOf(values);
}

const REQUEST_NAMES: readonly string[] = [
  ...["launch", "kind", "role", "like", "pid", "for", "movable", "confirmation", "scope", "reason"],
  ...["token", "only-version"],
];

/** Which lines each kind has; `launch`, `kind` and `only-version` are everyone's. */
const NEEDED: Readonly<Record<LaunchKind, readonly string[]>> = {
  exec: ["pid"],
  "credential-process": ["role", "pid"],
  env: ["role"],
  attach: ["token"],
};
const ALLOWED: Readonly<Record<LaunchKind, readonly string[]>> = {
  exec: ["role", "like", "pid", "for", "movable", "scope", "confirmation"],
  "credential-process": ["role", "pid", "for", "reason"],
  env: ["role", "for", "scope", "confirmation"],
  attach: ["token"],
};

function requestOf(values: ReadonlyMap<string, string>): LaunchRequest | { readonly problem: string } {
  const kind = LAUNCH_KINDS.find((one) => one === values.get("kind"));
  if (kind === undefined) return { problem: `kind is none of ${LAUNCH_KINDS.join(", ")}` };
  const missing = NEEDED[kind].find((name) => !values.has(name));
  if (missing !== undefined) return { problem: `${kind} needs the line ${missing}` };
  const given = [...values.keys()].filter((name) => !["launch", "kind", "only-version"].includes(name));
  const foreign = given.find((name) => !ALLOWED[kind].includes(name));
  if (foreign !== undefined) return { problem: `${kind} has no line ${foreign}` };
  const apart = ["like", "movable", "confirmation"].find(
    (name) => values.has(name) && values.has("role") === (name === "like"),
  );
  if (apart !== undefined) return { problem: `${apart} is for an exec ${apart === "like" ? "without" : "with"} role` };
  const wrong = [...values].find(([name, value]) => !(FORMS[name]?.test(value) ?? true));
  if (wrong !== undefined) return { problem: `the value of ${wrong[0]} is not valid` };
  const number = (name: string): number | undefined => (values.has(name) ? Number(values.get(name)) : undefined);
  return withoutUndefined({
    kind,
    role: values.get("role"),
    like: values.get("like"),
    pid: number("pid"),
    forSeconds: number("for"),
    movable: values.has("movable") ? true : undefined,
    confirmation: values.get("confirmation"),
    scope: values.get("scope"),
    reason: values.get("reason"),
    token: values.get("token"),
    onlyVersion: values.get("only-version"),
  });
}

const PID = /^[1-9]\d{0,6}$/;

/** Of values that are not names or texts of the user's, which the operations check. */
const FORMS: Readonly<Record<string, RegExp>> = {
  pid: PID,
  for: /^[1-9]\d{0,9}$/,
  movable: /^yes$/,
  scope: /^[A-Za-z0-9_-]+$/,
  like: LEASE_TOKEN_PATTERN,
  token: LEASE_TOKEN_PATTERN,
};

/** The pid of a `child` or `held` line; undefined: it is another line. */
export function pidInLine(line: string, name: "child" | "held"): number | undefined {
  const [found, value] = parseLaunchLine(line) ?? [];
  return found === name && value !== undefined && PID.test(value) ? Number(value) : undefined;
}

type Given<T> = { readonly [K in keyof T]: T[K] | undefined };

function withoutUndefined(request: Given<Required<LaunchRequest>>): LaunchRequest {
  return Object.fromEntries(
    Object.entries(request).filter(([, value]) => value !== undefined),
  ) as unknown as LaunchRequest;
}

/** Takes bytes as they come and gives whole lines without their ends; bounded, and strict about UTF-8. */
export class LaunchLines {
  #rest: Buffer = Buffer.alloc(0);

  /** undefined: a line is longer than `longest` bytes. */
  push(bytes: Buffer, longest: number): readonly string[] | undefined {
    const all = Buffer.concat([this.#rest, bytes]);
    const end = all.lastIndexOf(0x0a);
    this.#rest = all.subarray(end + 1);
    const lines = end === -1 ? [] : all.subarray(0, end).toString("utf8").split("\n");
    const isTooLong = this.#rest.length > longest || lines.some((line) => Buffer.byteLength(line) > longest);
    return isTooLong ? undefined : lines;
  }
}
