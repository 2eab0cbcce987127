import { type AuthorizationCodes, BadAuthorizationRequest } from "./authorization-codes.js";
import type { DeviceAuthorizations } from "./device-authorizations.js";
import { codeEntryPage, messagePage, questionPage } from "./pages.js";
import { optionalText, type Parameters } from "./parameters.js";
import { type Answer, htmlAnswer, redirectAnswer } from "./sso-refusal.js";

export type BrowserAction = "Authorize" | "DecideAuthorization" | "VerifyDevice" | "DecideDevice";

export interface BrowserPagesOptions {
  readonly users: readonly string[];
  readonly deviceAuthorizations: DeviceAuthorizations;
  readonly authorizationCodes: AuthorizationCodes;
}

/** What a browser sees: consent after `/authorize`, and the verification page of the device flow. */
export class BrowserPages {
  readonly #options: BrowserPagesOptions;

  constructor(options: BrowserPagesOptions) {
    this.#options = options;
  }

  perform(action: BrowserAction, parameters: Parameters): Answer {
    switch (action) {
      case "Authorize":
        return this.#authorize(parameters);
      case "DecideAuthorization":
        return this.#decideAuthorization(parameters);
      case "VerifyDevice":
        return this.#verifyDevice(parameters);
      case "DecideDevice":
        return this.#decideDevice(parameters);
    }
  }

  #authorize(query: Parameters): Answer {
    try {
      const request = this.#options.authorizationCodes.request(query);
      if ("location" in request) return redirectAnswer(request.location);
      const { registration, scopes, id } = request;
      const { users } = this.#options;
      const { clientName } = registration;
      return htmlAnswer(questionPage({ clientName, scopes, users, action: "/authorize", hidden: { request: id } }));
    } catch (error) {
      if (!(error instanceof BadAuthorizationRequest)) throw error;
      return htmlAnswer(messagePage("Request refused", error.message), 400);
    }
  }

  #decideAuthorization(form: Parameters): Answer {
    const { decision, user } = this.#decisionIn(form);
    const location = this.#options.authorizationCodes.decide(optionalText(form, "request") ?? "", decision, user);
    if (location !== undefined) return redirectAnswer(location);
    return htmlAnswer(messagePage("Request refused", "It was decided already, or never made."), 400);
  }

  #verifyDevice(query: Parameters): Answer {
    const typed = optionalText(query, "user_code");
    if (typed === undefined) return htmlAnswer(codeEntryPage());
    const authorization = this.#options.deviceAuthorizations.find(typed);
    if (!authorization) return htmlAnswer(codeEntryPage("This code is not valid."), 400);
    const { userCode, registration } = authorization;
    const { clientName, scopes } = registration;
    const hidden = { user_code: userCode };
    const { users } = this.#options;
    return htmlAnswer(questionPage({ clientName, scopes, users, action: "/device", hidden, userCode }));
  }

  #decideDevice(form: Parameters): Answer {
    const { decision, user } = this.#decisionIn(form);
    const authorization = this.#options.deviceAuthorizations.find(optionalText(form, "user_code") ?? "");
    if (!authorization) return htmlAnswer(codeEntryPage("This code is not valid."), 400);
    this.#options.deviceAuthorizations.decide(authorization, decision, user);
    const said = decision === "approve" ? "Request approved" : "Request denied";
    return htmlAnswer(messagePage(said, "You can close this window and go back to your program."));
  }

  /** Whatever is not an approval is none. */
  #decisionIn(form: Parameters): { readonly decision: "approve" | "deny"; readonly user: string } {
    const { users } = this.#options;
    const chosen = optionalText(form, "user") ?? "";
    const user = users.includes(chosen) ? chosen : (users[0] ?? "");
    return { decision: form["decision"] === "approve" ? "approve" : "deny", user };
  }
}
