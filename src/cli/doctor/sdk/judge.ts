/** What credentials can come from. */
export type SourceKind =
  | "lease"
  | "container"
  | "keys"
  | "role"
  | "web_identity"
  | "sso"
  | "login"
  | "process"
  | "instance_metadata";

/** What an error of a provider does to the search of a family of SDKs. */
export type OnError = "stop" | "next";

/** Credentials that a provider has found, or will ask for. */
export interface Source {
  readonly kind: SourceKind;
  /** Whose they are, in words: `the key …AB12 of [default]`. */
  readonly who: string;
  /** The variable or file that says so. */
  readonly at: string;
  /** Last four characters of the access key id that signs first, where a file or variable holds it. */
  readonly keySuffix?: string;
  /** The program is brokerctl: the broker by another way. */
  readonly asksBroker?: true;
  /** The lease signs first: a role is assumed with it. */
  readonly byLease?: true;
  readonly roleArn?: string;
  /** The program that is run for them; its arguments may be secrets. */
  readonly program?: string;
  /** Only AWS, a program or a machine can tell whether it gives any: `unless` of the verdict says what then. */
  readonly maybe?: true;
  readonly onFailure?: OnError;
}

/** What is there cannot give credentials: known before any program runs. */
export interface Failure {
  readonly failure: string;
  readonly at: string;
  /** Where it is not that of the rule. */
  readonly onError?: OnError;
}

export type Answer = Source | Failure | undefined;

/** One provider of a family's chain, in the order in which it asks them. */
export interface Rule<Seen> {
  /** Its name in that SDK's own words. */
  readonly provider: string;
  /** Undefined: it is not configured, and is passed over. */
  readonly find: (seen: Seen) => Answer;
  readonly onError: OnError;
  readonly because: string;
}

export interface Verdict {
  readonly outcome: "lease" | "other" | "error" | "none";
  readonly provider: string | null;
  readonly source: Source | null;
  /** Why: the reason of the rule, or what fails. */
  readonly why: string;
  readonly at: string | null;
  /** What happens where the source gives nothing; null: it is sure to. */
  readonly unless: Verdict | null;
}

const NOTHING: Verdict = {
  ...{ outcome: "none", provider: null, source: null, at: null, unless: null },
  why: "no provider of its chain is configured",
};

/** Follows a family's chain as the SDK would. */
export function judge<Seen>(rules: readonly Rule<Seen>[], seen: Seen): Verdict {
  for (const [index, rule] of rules.entries()) {
    const answer = rule.find(seen);
    if (answer === undefined) continue;
    if ("failure" in answer) {
      if ((answer.onError ?? rule.onError) === "next") continue;
      return failed(rule, answer);
    }
    const { kind, at } = answer;
    const isLease = kind === "lease";
    return {
      ...{ outcome: isLease ? "lease" : "other", provider: rule.provider, source: answer, why: rule.because, at },
      unless: answer.maybe ? whenItFails(answer, rule, () => judge(rules.slice(index + 1), seen)) : null,
    };
  }
  return NOTHING;
}

function failed<Seen>({ provider }: Rule<Seen>, { failure, at }: Failure): Verdict {
  return { outcome: "error", provider, source: null, why: failure, at, unless: null };
}

function whenItFails<Seen>(source: Source, rule: Rule<Seen>, rest: () => Verdict): Verdict {
  if ((source.onFailure ?? rule.onError) === "next") return rest();
  return failed(rule, { failure: `${source.who} gives no credentials, and the search ends there`, at: source.at });
}

export function isFailure(answer: Answer): answer is Failure {
  return answer !== undefined && "failure" in answer;
}
