import type { ControlRequest, ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { grantDigests } from "../../core/guard.js";
import { grantFor } from "../../core/lease.js";
import type { LeaseScope } from "../../core/lease-scope.js";
import type { Role } from "../../core/role.js";
import { canonicalStartUrl } from "../../core/start-url.js";
import { consoleSessionSeconds, refuseShortGuard } from "../console-session.js";
import type { ControlServices } from "../control-services.js";
import { admit, guarded } from "../guard.js";
import { adoptRoleNamed } from "../named-entries.js";
import { scopeFor } from "../scope.js";
import { knownOf } from "../views.js";
import type { ControlCall, Handlers } from "./handler.js";

type Request = ControlRequest<"console">;
type Answer = ControlResponse<"console">;

/** Where a browser finds the console of a role. The only handler that gives out what signs in to AWS. */
export function consoleHandler(services: ControlServices): Handlers<"console"> {
  return {
    console: async (request, call) => {
      const { role, scope, until } = await admitted(services, request, call);
      const { service, region = role.region ?? role.stsRegion } = request;
      const page = { homeRegion: role.stsRegion, region, service };
      const accountId = knownOf(role, services.credentials.peek(role.name)?.held).accountId;
      const answer = { role: role.name, accountId, region };
      const linked = await linkTo(services, { role, scope }, page);
      if (linked && request.federate !== true) {
        refuseDuration(role, request);
        return { ...answer, ...linked, until: null };
      }
      return { ...answer, ...(await federated(services, { role, scope, page, request, until }, call)) };
    },
  };
}

interface Admitted {
  readonly role: Role;
  /** Of the lease, or of who asks. */
  readonly scope: LeaseScope | undefined;
  /** Epoch milliseconds; null: no guard limits the time. */
  readonly until: number | null;
}

async function admitted(
  services: ControlServices,
  request: Request,
  { signal, caller }: ControlCall,
): Promise<Admitted> {
  const { leases, clock } = services;
  if ("role" in request) {
    const role = await adoptRoleNamed(services, request.role, signal);
    const { forSeconds, confirmation } = request;
    const scope = scopeFor(caller, undefined);
    const { until } = admit(services, role, { target: "new", caller, forSeconds, confirmation, scope });
    return { role, scope, until: role.guard ? until : null };
  }
  const lease = leases.select(request.lease);
  const name = leases.roleOf(lease);
  if (name === null) throw new BrokerError("NoRole", "no role is chosen yet", { hint: "brokerctl console ROLE" });
  const role = await adoptRoleNamed(services, name, signal);
  const { scope } = lease;
  if (!role.guard) return { role, scope, until: null };
  const grant = grantFor(lease, { role: role.name, digests: grantDigests(role, scope) }, clock.now());
  if (!grant) throw guarded(role, caller);
  return { role, scope, until: grant.until };
}

type Page = Parameters<ControlServices["signIn"]["consoleUrl"]>[0];

/** Where no credentials need travel. Not for a guarded role: nothing would end its session. */
async function linkTo(
  { signIn }: ControlServices,
  { role: { origin, sso, guard, assume }, scope }: Pick<Admitted, "role" | "scope">,
  page: Page,
): Promise<Pick<Answer, "way" | "url"> | undefined> {
  // In any case: what is wrong with the page is told before AWS is asked.
  const destination = await signIn.consoleUrl(page);
  // The portal opens all of the role.
  if (scope || guard || assume || origin.kind !== "source") return undefined;
  const { source } = origin;
  // Whose session the browser has already.
  if (source.type === "console_login") return { way: "signed-in", url: destination };
  if (source.type !== "sso" || !sso) return undefined;
  const query = new URLSearchParams({ account_id: sso.accountId, role_name: sso.roleName, destination });
  return { way: "portal", url: `${canonicalStartUrl(source.startUrl)}/#/console?${query.toString()}` };
}

function refuseDuration({ name }: Role, { forSeconds }: Request): void {
  if (forSeconds === undefined) return;
  throw new BrokerError(
    "UsageInvalid",
    `the browser's own session decides how long the console of role ${name} is open`,
    {
      hint: `brokerctl console ${name} --federate --for 1h`,
    },
  );
}

interface Federated extends Admitted {
  readonly page: Page;
  readonly request: Request;
}

async function federated(
  services: ControlServices,
  { role, scope, page, request, until }: Federated,
  { signal }: ControlCall,
): Promise<Pick<Answer, "way" | "url" | "until" | "accountId">> {
  const { credentials, signIn, clock } = services;
  refuseShortGuard(role);
  refuseKeySession(role);
  const held = await credentials.warm(role.name, { signal, scope });
  const signs = scope ? { ...credentials.narrow(role.name, scope), name: role.name } : role;
  const { forSeconds } = request;
  const { expiration } = held.credentials;
  const sessionSeconds = consoleSessionSeconds(signs, { expiration, until, forSeconds, now: clock.now() });
  const url = await signIn.federate(held.credentials, { ...page, sessionSeconds });
  return {
    way: "federated",
    url: url.reveal(),
    accountId: knownOf(role, held).accountId,
    until: sessionSeconds === undefined ? expiration : clock.now() + sessionSeconds * 1000,
  };
}

/** AWS signs no browser in with what GetSessionToken gives. */
function refuseKeySession({ name, origin, assume }: Role): void {
  if (assume || origin.kind !== "source" || origin.source.type !== "keys") return;
  const message = `role ${name} is the session of a user's key, and AWS signs browsers in as assumed roles only`;
  throw new BrokerError("UsageInvalid", message, { hint: "give the role a role_arn: brokerctl config edit" });
}
