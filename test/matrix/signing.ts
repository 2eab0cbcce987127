import type { Form } from "../../src/cli/access/lease-variables.js";
import type { VerdictJson } from "../../src/cli/doctor/print.js";
import type { TestRole } from "../clients/bench.js";
import { signerForetold, signerSeen } from "../clients/signer-of.js";
import type { UpstreamCall } from "../support/upstream-request.js";
import { type MatrixBench, ROLE_OF } from "./bench.js";
import type { MatrixClient } from "./client.js";
import { type BareColumn, FORM_COLUMNS, HOME_NAMES, type HomeName, type SigningColumn, WAYS } from "./columns.js";
import type { Shells, Verdicts } from "./shells.js";

interface CellShell {
  readonly env: Readonly<Record<string, string>>;
  /** null: doctor is not asked. */
  readonly verdicts: Verdicts | null;
  readonly role: TestRole;
  readonly label: string;
}

/** What was seen of a client in one shell. */
export interface SeenCell {
  /** By whom its calls were signed (`signedBy`). */
  readonly signed: string;
  /** Doctor's verdict was held against it. */
  readonly isCompared: boolean;
  /** What doctor foretold where it was another. */
  readonly difference: string | null;
}

export type SeeCell = (attempt: number) => Promise<SeenCell>;

/** Runs a client in one shell after the other, and asks AWS who signed. */
export class Signing {
  readonly #bench: MatrixBench;
  readonly #shells: Shells;
  readonly #bareVerdicts = new Map<string, Promise<Verdicts>>();

  constructor(bench: MatrixBench, shells: Shells) {
    this.#bench = bench;
    this.#shells = shells;
  }

  cellsOf(client: MatrixClient): ReadonlyMap<SigningColumn | BareColumn, SeeCell> {
    const cells = new Map<SigningColumn | BareColumn, SeeCell>();
    for (const home of HOME_NAMES) {
      for (const way of WAYS) {
        const column = `${way}: ${home}` as const;
        cells.set(column, async (attempt) => {
          const shell = await this.#shells.get(way, home, client.as);
          return this.#see(client, { ...shell, role: ROLE_OF[way], label: `${client.name}/${column}/${attempt}` });
        });
      }
      if (!client.slow) cells.set(`bare: ${home}`, (attempt) => this.#seeBare(client, home, attempt));
    }
    for (const column of FORM_COLUMNS) {
      cells.set(column, async (attempt) => {
        const { env } = await this.#shells.get("exec", "empty", column.slice("as ".length) as Form);
        const label = `${client.name}/${column}/${attempt}`;
        return this.#see(client, { env, verdicts: null, role: ROLE_OF.exec, label });
      });
    }
    return cells;
  }

  /** The home is new for each client; doctor looks at the first. */
  async #seeBare(client: MatrixClient, home: HomeName, attempt: number): Promise<SeenCell> {
    const form = client.as ?? "url";
    const { env, directory } = await this.#shells.bare(home, form);
    const label = `${client.name}/bare: ${home}/${attempt}`;
    if (client.notForetold?.some(({ homes }) => homes.includes(home))) {
      return this.#see(client, { env, verdicts: null, role: ROLE_OF.bare, label });
    }
    const id = `${home}/${form}`;
    const verdicts = this.#bareVerdicts.get(id) ?? this.#shells.verdictsIn(env, directory);
    this.#bareVerdicts.set(id, verdicts);
    return this.#see(client, { env, verdicts: await verdicts, role: ROLE_OF.bare, label });
  }

  async #see(client: MatrixClient, { env, verdicts, role, label }: CellShell): Promise<SeenCell> {
    await this.#bench.run(client, { label, env, command: client.identity() });
    const calls = this.#bench.callsOf(label);
    const verdict = client.family === null ? null : seenHere(client, verdictOn(client.family, verdicts));
    const difference = verdict && this.#difference(verdict, calls);
    return { signed: signedBy(this.#bench, calls, role), isCompared: verdict !== null, difference };
  }

  #difference(verdict: VerdictJson, calls: readonly UpstreamCall[]): string | null {
    const foretold = signerForetold(verdict);
    const seen = signerSeen(calls, (key) => this.#ownRole(key));
    // A client without credentials that asks without them has none all the same.
    const isSame = foretold === seen || (foretold === "no call" && seen === "unsigned");
    return isSame ? null : `foretold: ${foretold}; seen: ${seen}`;
  }

  #ownRole(key: string): string | undefined {
    const role = this.#bench.proxy.roleOf(key);
    return this.#bench.isRole(role) ? role : undefined;
  }
}

function verdictOn(family: string, verdicts: Verdicts | null): VerdictJson | null {
  if (verdicts === null) return null;
  const verdict = verdicts.get(family);
  if (!verdict) throw new Error(`doctor says nothing of the family ${family}`);
  return verdict;
}

/** Of a role that is assumed elsewhere what follows where that fails. */
function seenHere({ assumesAtAws }: MatrixClient, verdict: VerdictJson | null): VerdictJson | null {
  const isElsewhere = assumesAtAws && (verdict?.source === "role" || verdict?.source === "web_identity");
  return isElsewhere ? (verdict.unless ?? verdict) : verdict;
}

/** `SignedBy`, joined with `+` where not all calls were signed by one; `another role` of the broker's. */
export function signedBy(bench: MatrixBench, calls: readonly UpstreamCall[], role: TestRole): string {
  if (calls.length === 0) return "–";
  const signers = calls.map(({ accessKeyId }) => {
    if (accessKeyId === null) return "uns";
    const owner = bench.proxy.roleOf(accessKeyId);
    if (owner === role.roleArn) return "D";
    return bench.isRole(owner) ? "another role" : "U";
  });
  return [...new Set(signers)].join("+");
}
