import { stripVTControlCharacters } from "node:util";
import type { LeaseForm } from "../../src/cli/access/lease-variables.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import { PROD } from "../clients/bench.js";
import type { Outcome } from "../support/broker.js";
import { type MatrixBench, NEEDS_LOGIN } from "./bench.js";
import type { MatrixClient } from "./client.js";
import type { Shells } from "./shells.js";

/** What a person reads where the endpoint refuses, and who signed all the same. */
export interface Message {
  readonly text: string;
  readonly signed: string;
}

export interface Messages {
  readonly loginRequired: Message;
  readonly revoked: Message;
}

const MAX_CHARACTERS = 220;
const REVOKED_LEASE = "gone";
/** Some try again for so long. */
const PATIENCE_SECONDS = 90;

/** Runs clients with leases that give nothing. */
export class Refusals {
  readonly #bench: MatrixBench;
  readonly #shells: Shells;
  readonly #leases: Readonly<Record<keyof Messages, LeaseAccess>>;

  private constructor(bench: MatrixBench, shells: Shells, leases: Readonly<Record<keyof Messages, LeaseAccess>>) {
    this.#bench = bench;
    this.#shells = shells;
    this.#leases = leases;
  }

  static async prepare(bench: MatrixBench, shells: Shells): Promise<Refusals> {
    const { broker } = bench;
    const loginRequired = await broker.call("lease-access", { pinnedRole: NEEDS_LOGIN });
    const revoked = await broker.call("lease-create", { name: REVOKED_LEASE, role: PROD.name });
    await broker.call("lease-revoke", { lease: { by: "name", name: REVOKED_LEASE } });
    return new Refusals(bench, shells, { loginRequired, revoked });
  }

  async read(client: MatrixClient): Promise<Messages> {
    const [loginRequired, revoked] = await Promise.all([
      this.#message(client, "loginRequired"),
      this.#message(client, "revoked"),
    ]);
    return { loginRequired, revoked };
  }

  async #message(client: MatrixClient, why: keyof Messages): Promise<Message> {
    const form: LeaseForm = client.as ?? "header"; // what `exec` gives
    const env = await this.#shells.withLease(this.#leases[why], form);
    const label = `${client.name}/${why}`;
    const command = client.identity();
    const outcome = await this.#bench.run(client, { label, env, command, seconds: PATIENCE_SECONDS });
    const keys = this.#bench.callsOf(label).map(({ accessKeyId }) => (accessKeyId === null ? "uns" : "U"));
    return { text: textOf(outcome), signed: keys.length === 0 ? "–" : [...new Set(keys)].join("+") };
  }
}

/** Without what is this machine's alone: tokens, and where the programs lie. */
export function published(line: string): string {
  return line.replaceAll(/brk_[\w-]{43}/g, "brk_…").replaceAll(`${process.cwd()}/`, "");
}

/** The line that says most: one of ours, else the first that is an error, or speaks of one, else the first. */
function textOf({ stdout, stderr, signal }: Outcome): string {
  const lines = stripVTControlCharacters(`${stderr}\n${stdout}`)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(?:Traceback|File "|at |[\^~]+$|node:|throw )/.test(line));
  const line =
    lines.find((each) => /LoginRequired|LeaseEnded|brokerctl/.test(each)) ??
    lines.find((each) => /^[\w.]*(?:Error|Exception)\b/.test(each)) ??
    lines.find((each) => /error|exception|could ?n[o']t|unable|fail|denied|credentials/i.test(each)) ??
    lines[0];
  if (line === undefined) return signal === null ? "nothing" : "nothing, it still tries";
  const hidden = published(line);
  return hidden.length > MAX_CHARACTERS ? `${hidden.slice(0, MAX_CHARACTERS)}…` : hidden;
}
