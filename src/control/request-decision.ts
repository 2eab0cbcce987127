import type { RequestRule } from "../config/config.js";
import { isReadOnly, type LeaseScope } from "../core/lease-scope.js";
import type { Role } from "../core/role.js";
import type { ControlServices } from "./control-services.js";
import { configInForce } from "./named-entries.js";

/** What the rules of the config make of a request. */
export interface RequestDecision {
  readonly decision: RequestRule["decide"];
  /** One sentence, for who asks. */
  readonly why: string;
  /** The longest grant: by the rule for the role, and by its guard. */
  readonly maxSeconds: number;
}

/** Where no rule says how long. */
const DEFAULT_SECONDS = 3600;

/** The first rule that fits decides; where none does a person has to, and a guard is a person's to answer, whatever the rules say. */
export function decisionFor(services: ControlServices, role: Role, scope?: LeaseScope): RequestDecision {
  const rule = ruleFor(services, role.name, scope);
  const maxSeconds = Math.min(
    rule?.maxSeconds ?? DEFAULT_SECONDS,
    role.guard?.maxLeaseSeconds ?? Number.POSITIVE_INFINITY,
  );
  if (!rule) return { decision: "ask", why: "no rule of the config names it: a person decides", maxSeconds };
  const named = `the rule for ${rule.glob}`;
  if (rule.decide === "allow" && role.guard?.confirm !== undefined) {
    return { decision: "ask", why: `${named} allows it, and its guard asks a person`, maxSeconds };
  }
  const says = { allow: "allows it", ask: "has a person decide", deny: "denies it" }[rule.decide];
  return { decision: rule.decide, why: `${named} ${says}`, maxSeconds };
}

/** `scope`: what is asked for; without one it is all of the role. */
export function ruleFor(services: ControlServices, role: string, scope?: LeaseScope): RequestRule | undefined {
  const reads = scope !== undefined && isReadOnly(scope);
  return configInForce(services).requestRules.find((rule) => rule.fits(role) && (rule.scope !== "read-only" || reads));
}
