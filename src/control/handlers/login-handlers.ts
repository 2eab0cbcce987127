import type { ControlResponse } from "../../control-api/contract.js";
import type { LoginFlow } from "../../control-api/login-contract.js";
import { BrokerError } from "../../core/errors.js";
import type { ConsoleLoginSource, KeysSource, SsoSource } from "../../core/role.js";
import { Secret } from "../../core/secret.js";
import type { StartedLogin } from "../../sso/login-registry.js";
import type { ControlServices } from "../control-services.js";
import { configInForce, sourceNamed, ssoSourceNamed } from "../named-entries.js";
import type { Handlers } from "./handler.js";

type Choice = ControlResponse<"login-choices">["sources"][number];

/** Logins and their end. Codes enter here; no token ever leaves. */
export function loginHandlers(
  services: ControlServices,
): Handlers<"login-choices" | "login-start" | "login-wait" | "login-code" | "logout"> {
  const { sso, consoleLogins, sessionNotices } = services;
  return {
    "login-choices": async () => ({ sources: await loginChoices(services) }),
    "login-start": async ({ source, flow }) => {
      const { loginId, joined, running } = await start(services, source, flow);
      const { flow: under, url, userCode, expiresAt, isDone, enterCode } = running;
      const takesCode = enterCode !== undefined && { takesCode: true };
      return { loginId, joined, flow: under, url, userCode, expiresAt, isDone, ...takesCode };
    },
    "login-wait": async ({ loginId }, { signal }) => {
      const { logins } = consoleLogins.logins.has(loginId) ? consoleLogins : sso;
      const { source, expiresAt } = await logins.wait(loginId, signal);
      return { source, expiresAt };
    },
    "login-code": async ({ loginId, code }) => {
      const { logins } = consoleLogins.logins.has(loginId) ? consoleLogins : sso;
      await logins.enterCode(loginId, new Secret(code));
      return {};
    },
    logout: async ({ source: name }) => {
      const source = sourceNamed(services, name);
      if (source.type === "sso") return sessionNotices.byPerson(name, () => logoutOfSso(services, source));
      if (source.type === "console_login") {
        return sessionNotices.byPerson(name, () => logoutOfConsole(services, source));
      }
      if (source.type === "keys" && source.mfaSerial !== undefined) {
        return sessionNotices.byPerson(name, () => logoutOfKeys(services, source));
      }
      throw new BrokerError("UsageInvalid", `source ${name} takes no login, so there is none to end`, {
        hint: "brokerctl lock",
      });
    },
  };
}

function start(services: ControlServices, name: string, flow: LoginFlow): Promise<StartedLogin> {
  const source = sourceNamed(services, name);
  if (source.type === "console_login") return services.consoleLogins.logins.start(source, flow);
  return services.sso.logins.start(ssoSourceNamed(services, name), flow);
}

async function loginChoices(services: ControlServices): Promise<Choice[]> {
  const choices: Choice[] = [];
  for (const source of configInForce(services).sources.values()) {
    if (source.type === "sso") choices.push(await browserChoice(services, source, "sso"));
    if (source.type === "console_login") choices.push(await browserChoice(services, source, "console"));
    if (source.type === "keys" && source.mfaSerial !== undefined) choices.push(mfaChoice(services, source));
  }
  return choices;
}

async function browserChoice(
  { sources }: ControlServices,
  source: SsoSource | ConsoleLoginSource,
  kind: "sso" | "console",
): Promise<Choice> {
  const { needs, expiresAt } =
    source.type === "sso" ? await sources.sso.readiness(source) : await sources.console_login.readiness(source);
  const isNeeded = needs !== undefined;
  return {
    name: source.name,
    type: source.type,
    state: isNeeded ? "login_required" : "ready",
    expiresAt: expiresAt ?? null,
    needs: isNeeded ? kind : null,
    mfaSerial: null,
    mfaProcess: false,
  };
}

function mfaChoice({ sessions }: ControlServices, { name, type, mfaSerial, mfaProcess }: KeysSource): Choice {
  const session = sessions.peek(name);
  return {
    name,
    type,
    state: session ? "ready" : "mfa_required",
    expiresAt: session?.credentials.expiration ?? null,
    needs: session ? null : "mfa_code",
    mfaSerial: mfaSerial ?? null,
    mfaProcess: mfaProcess !== undefined,
  };
}

/** The token first, so that nothing is fetched with it any more; then what came from it. */
async function logoutOfSso(services: ControlServices, source: SsoSource): Promise<ControlResponse<"logout">> {
  const { wasLoggedIn, sources, problem } = await services.sso.logout(source);
  for (const name of sources) services.credentials.dropSource(name);
  return { wasLoggedIn, sources, problem: problem ?? null };
}

async function logoutOfConsole(
  services: ControlServices,
  source: ConsoleLoginSource,
): Promise<ControlResponse<"logout">> {
  const { wasLoggedIn } = await services.consoleLogins.logout(source);
  services.credentials.dropSource(source.name);
  return { wasLoggedIn, sources: [source.name], problem: null };
}

async function logoutOfKeys(services: ControlServices, { name }: KeysSource): Promise<ControlResponse<"logout">> {
  const wasLoggedIn = services.sessions.peek(name) !== undefined;
  services.sessions.drop(name);
  services.credentials.dropSource(name);
  return Promise.resolve({ wasLoggedIn, sources: [name], problem: null });
}
