import type { ControlResponse, StatusView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { mfaCodeIn } from "../../core/mfa-code.js";
import type { CliContext } from "../context.js";
import { statusPart } from "../daemon/status-part.js";
import { until } from "../terminal/when.js";

export type LoginChoice = ControlResponse<"login-choices">["sources"][number];

/** A code may be typed wrong; a third wrong one is not a slip. */
const ATTEMPTS = 3;

export async function loginChoices({ client }: CliContext): Promise<readonly LoginChoice[]> {
  return (await client.call("login-choices", {})).sources;
}

/** Logs in to the source in its own way; the caller has made sure that there is a user to ask. */
export async function logInAtTerminal(context: CliContext, choice: LoginChoice): Promise<void> {
  if (choice.mfaProcess) return logInByProgram(context, choice.name);
  if (!isInBrowser(choice)) return logInWithAskedCode(context, choice);
  const { logInByBrowser } = await import("./sso-login.js");
  return logInByBrowser(context, choice.name, { device: false, noBrowser: false });
}

/** Not with a code of an MFA device. */
export function isInBrowser({ type }: Pick<LoginChoice, "type">): boolean {
  return type === "sso" || type === "console_login";
}

/** The daemon runs the source's mfa_process: the user is not asked here. */
async function logInByProgram(context: CliContext, source: string): Promise<void> {
  const { expiresAt } = await context.client.call("login-mfa", { source });
  sayLoggedIn(context, source, expiresAt);
}

/** `ask`: default, at the terminal; `problem`: of the code before. */
async function logInWithAskedCode(
  context: CliContext,
  choice: LoginChoice,
  ask: (problem?: string) => Promise<string> = () =>
    context.prompts.secret(`MFA code of ${choice.mfaSerial ?? choice.name}`),
): Promise<void> {
  let problem: string | undefined;
  for (let attempt = 1; ; attempt++) {
    const code = await ask(problem);
    try {
      await logInWithCode(context, choice.name, code);
      return;
    } catch (error) {
      const again = error instanceof BrokerError && ["MfaRequired", "UsageInvalid"].includes(error.code);
      if (!again || attempt === ATTEMPTS) throw error;
      problem = `${error.message}; a code works once, so wait for the next one`;
      context.output.say(problem);
    }
  }
}

/**
 * Asks for the code with the `askpass` of the config, for where there is no terminal; false: the config has none, or no code
 * is what the source wants. `role`: what it is for, where that is known.
 */
export async function logInByAskpass(context: CliContext, choice: LoginChoice, role?: string): Promise<boolean> {
  if (isInBrowser(choice) || choice.mfaProcess) return false;
  const { askpassOf } = await import("../terminal/askpass.js");
  const askpass = await askpassOf(context);
  if (!askpass) return false;
  const { name, mfaSerial } = choice;
  const about = [
    `MFA code${mfaSerial === null ? "" : ` of ${mfaSerial}`}`,
    `For source ${name}${role === undefined ? "" : `, role ${role}`}`,
  ];
  const unanswered = { code: "MfaRequired", hint: `brokerctl login ${name}` } as const;
  await logInWithAskedCode(context, choice, (problem) => askpass({ prompt: "MFA code", about, unanswered }, problem));
  return true;
}

/** `typed`: as the user or a program gives it. */
export async function logInWithCode(context: CliContext, source: string, typed: string): Promise<void> {
  // Checked here so that a slip costs no attempt.
  const code = mfaCodeIn(typed);
  if (code === undefined) throw new BrokerError("UsageInvalid", "an MFA code is six digits");
  const { expiresAt } = await context.client.call("login-mfa", { source, code });
  sayLoggedIn(context, source, expiresAt);
}

function sayLoggedIn({ output, clock }: CliContext, source: string, expiresAt: number): void {
  output.say(`logged in to ${source} until ${until(expiresAt, clock.now())}`);
}

/**
 * Runs `attempt`; where a login is missing and a user is there to ask, offers it and tries once more.
 * `role`: whose source it is about, where that is known, or how to find it.
 */
export async function withLogin<T>(
  context: CliContext,
  role: string | undefined | (() => Promise<string | undefined>),
  attempt: () => Promise<T>,
): Promise<T> {
  return offeringLogin(context, chooseFor(context, role), attempt);
}

/**
 * As `withLogin`, for what never asks at a terminal, as that belongs to another program: only the `askpass` of the config is
 * asked, for an MFA code.
 */
export async function withAskedCode<T>(context: CliContext, role: string, attempt: () => Promise<T>): Promise<T> {
  return askingForCode(context, chooseFor(context, role), attempt);
}

function chooseFor(context: CliContext, role: string | undefined | (() => Promise<string | undefined>)): Choose {
  return async () => {
    const name = typeof role === "function" ? await role() : role;
    return { role: name, choice: await choiceFor(context, name) };
  };
}

/** As `withLogin`, for what is about a source. */
export async function withLoginTo<T>(context: CliContext, source: string, attempt: () => Promise<T>): Promise<T> {
  const choose: Choose = async () => ({
    choice: (await loginChoices(context)).find(({ name }) => name === source),
  });
  return offeringLogin(context, choose, attempt);
}

type Choose = () => Promise<{ readonly role?: string | undefined; readonly choice: LoginChoice | undefined }>;

async function offeringLogin<T>(context: CliContext, choose: Choose, attempt: () => Promise<T>): Promise<T> {
  if (!context.interactive) return askingForCode(context, choose, attempt);
  try {
    return await attempt();
  } catch (error) {
    if (!isLoginMissing(error) || context.output.json) throw error;
    const { choice } = await choose();
    if (!choice) throw error;
    context.output.say(error.message);
    if (!(await context.prompts.confirm("Log in now?", true))) throw error;
    await logInAtTerminal(context, choice);
    return attempt();
  }
}

async function askingForCode<T>(context: CliContext, choose: Choose, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!isLoginMissing(error) || error.code !== "MfaRequired" || context.output.json) throw error;
    const { role, choice } = await choose().catch(() => ({ role: undefined, choice: undefined }));
    if (!choice || !(await logInByAskpass(context, choice, role))) throw error;
    return attempt();
  }
}

/** Of one role and its source; of thousands of others nothing. */
function statusFor({ client }: CliContext, role: string | undefined): Promise<StatusView> {
  return statusPart(client, { rows: 1, ...(role !== undefined && { role }) });
}

function isLoginMissing(error: unknown): error is BrokerError {
  return error instanceof BrokerError && (error.code === "MfaRequired" || error.code === "LoginRequired");
}

/** The source of the role; where that is not known, the only one that wants a login. */
async function choiceFor(context: CliContext, role: string | undefined): Promise<LoginChoice | undefined> {
  const [choices, status] = await Promise.all([loginChoices(context), statusFor(context, role)]);
  const source = status.roles.find(({ name }) => name === role)?.source ?? sourceOfAdHoc(role);
  if (source !== undefined) return choices.find(({ name }) => name === source);
  const needing = choices.filter(({ needs }) => needs !== null);
  return needing.length === 1 ? needing[0] : undefined;
}

/** Of `SOURCE:ACCOUNT/ROLE`; undefined where the role is named by the config. */
function sourceOfAdHoc(role: string | undefined): string | undefined {
  return role?.includes(":") ? role.split(":")[0] : undefined;
}

/**
 * For a lease whose role is not fetched now: whether the user must act first, without waiting for AWS. What only AWS can
 * say (denied, unreachable) is left to the endpoint.
 */
export async function ensureLoggedIn(context: CliContext, role: string): Promise<void> {
  await withLogin(context, role, async () => {
    const missing = missingLogin(await statusFor(context, role), role);
    if (missing) throw missing;
  });
}

function missingLogin({ roles, sources }: StatusView, role: string): BrokerError | undefined {
  const state = roles.find(({ name }) => name === role);
  if (typeof state?.expiration === "number") return undefined; // what is valid is served to its end
  const name = state?.source ?? sourceOfAdHoc(role) ?? "";
  const source = sources.find((candidate) => candidate.name === name);
  const states: readonly (string | undefined)[] = [state?.state, source?.state];
  const hint = `brokerctl login ${name}`;
  if (states.includes("mfa_required")) return new BrokerError("MfaRequired", `${name} needs an MFA code`, { hint });
  if (states.includes("login_required")) return new BrokerError("LoginRequired", `${name} needs a login`, { hint });
  return undefined;
}
