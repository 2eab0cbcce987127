import type { ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import type { KeysSource, SsoSource } from "../../core/role.js";
import type { ControlServices } from "../control-services.js";
import { configInForce, sourceNamed, ssoSourceNamed } from "../named-entries.js";
import type { Handlers } from "./handler.js";

type Choice = ControlResponse<"login-choices">["sources"][number];

/** Logins and their end. Codes enter here; no token ever leaves. */
export function loginHandlers(
  services: ControlServices,
): Handlers<"login-choices" | "login-start" | "login-wait" | "logout"> {
  const { sso } = services;
  return {
    "login-choices": async () => ({ sources: await loginChoices(services) }),
    "login-start": async ({ source, flow }) => {
      const { loginId, joined, running } = await sso.logins.start(ssoSourceNamed(services, source), flow);
      const { flow: under, url, userCode, expiresAt, isDone } = running;
      return { loginId, joined, flow: under, url, userCode, expiresAt, isDone };
    },
    "login-wait": async ({ loginId }, { signal }) => {
      const { source, expiresAt } = await sso.logins.wait(loginId, signal);
      return { source, expiresAt };
    },
    logout: async ({ source: name }) => {
      const source = sourceNamed(services, name);
      if (source.type === "sso") return logoutOfSso(services, source);
      if (source.type === "keys" && source.mfaSerial !== undefined) return logoutOfKeys(services, source);
      throw new BrokerError("UsageInvalid", `source ${name} takes no login, so there is none to end`, {
        hint: "brokerctl lock",
      });
    },
  };
}

async function loginChoices(services: ControlServices): Promise<Choice[]> {
  const choices: Choice[] = [];
  for (const source of configInForce(services).sources.values()) {
    if (source.type === "sso") choices.push(await ssoChoice(services, source));
    if (source.type === "keys" && source.mfaSerial !== undefined) choices.push(mfaChoice(services, source));
  }
  return choices;
}

async function ssoChoice({ sources }: ControlServices, source: SsoSource): Promise<Choice> {
  const { needs, expiresAt } = await sources.sso.readiness(source);
  const isNeeded = needs !== undefined;
  return {
    name: source.name,
    type: source.type,
    state: isNeeded ? "login_required" : "ready",
    expiresAt: expiresAt ?? null,
    needs: isNeeded ? "sso" : null,
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

async function logoutOfKeys(services: ControlServices, { name }: KeysSource): Promise<ControlResponse<"logout">> {
  const wasLoggedIn = services.sessions.peek(name) !== undefined;
  services.sessions.drop(name);
  services.credentials.dropSource(name);
  return Promise.resolve({ wasLoggedIn, sources: [name], problem: null });
}
