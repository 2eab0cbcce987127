import { chmodSync, cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { seededRandom } from "../support/random.js";
import { type Access, type Bed, codeOf, type Ended, HANGS_MS, IS_FULL, SEED, withBed } from "./bed.js";
import { DAMAGES } from "./damage.js";
import { Verdict } from "./verdict.js";

const VARIANTS = IS_FULL ? 1000 : 50;
/** Two roles, so that a wrong one can be told from the right one. */
const ROLE = "dev";

/** What a start with a damaged file may come to. */
interface Seen {
  /** undefined: it serves. */
  readonly ended: Ended | undefined;
  /** Of the lease that was made before the damage; undefined where brokerd ended. */
  readonly code: string | undefined;
  /** What `status` says is wrong. */
  readonly warnings: string;
  /** The file as it is now; undefined: it is not there any more. */
  readonly now: Buffer | undefined;
  /** Whether secrets.sealed is what it was before. */
  readonly sealedIsSame: boolean;
  readonly log: string;
  /** How many findings and notes `audit verify` has. */
  readonly told: number;
}

interface Rule {
  readonly file: string;
  /** As what the home is when the damage comes; `ready`: with a key, leases and cached credentials. */
  readonly home?: "ready" | "locked" | "passphrase";
  readonly expected: string;
  /** undefined: as it should be; else what is wrong. */
  readonly judge: (damaged: Buffer, seen: Seen, bed: Bed) => string | undefined;
}

/** `exits 1 or 2`: it says which file, with a hint, and leaves it as it was. */
function refusedAtStart({ file }: Pick<Rule, "file">, damaged: Buffer, { ended, now }: Seen): string | undefined {
  if (!ended) return "it started";
  if (ended.code !== 1 && ended.code !== 2) return `it ended with ${ended.code ?? ended.signal}`;
  if (!new RegExp(`^brokerd: error: .*${file}`, "m").test(ended.stderr))
    return `it did not name the file: ${ended.stderr}`;
  if (!/^brokerd: hint: /m.test(ended.stderr)) return "it gave no hint";
  return now?.equals(damaged) ? undefined : "the file was changed";
}

/** Served as if nothing had been, since what the file holds can be made again. */
function served({ ended, code }: Seen): string | undefined {
  if (ended) return `it ended with ${ended.code ?? ended.signal}: ${ended.stderr}`;
  return code === "200" ? undefined : `the lease answers ${code}`;
}

/** Without its key the store stays closed; white space around the key is no damage. */
function keptClosed(damaged: Buffer, { ended, code, warnings, now, sealedIsSame }: Seen): string | undefined {
  if (ended) return `it ended with ${ended.code ?? ended.signal}: ${ended.stderr}`;
  if (!now?.equals(damaged)) return "the file was changed";
  if (!sealedIsSame) return "secrets.sealed was changed";
  if (code === "200") return damaged.toString().includes("\r\n") ? undefined : "the lease was served";
  return warnings === "" ? "status says nothing" : undefined;
}

const RULES: readonly Rule[] = [
  {
    file: "leases.json",
    expected: "refused by name and untouched; what is valid JSON all the same is served as it says",
    judge(damaged, seen) {
      if (seen.ended) return refusedAtStart(this, damaged, seen);
      // Not sealed: a change that leaves a valid file cannot be told from a write of ours. Wrong roles are counted as leaks.
      return isJson(damaged) ? undefined : "it started with a file that is no JSON";
    },
  },
  {
    file: "secrets.sealed",
    expected: "set aside as it was, or untouched, and said in status; nothing served by it",
    judge(damaged, { ended, code, warnings, now }, bed) {
      if (ended) return `it ended with ${ended.code ?? ended.signal}: ${ended.stderr}`;
      const aside = readdirSync(bed.stateDir).filter((name) => name.startsWith("secrets.sealed.broken-"));
      const isKept = now?.equals(damaged) === true || aside.some((name) => bed.bytes(name).equals(damaged));
      if (!isKept) return "the damaged file is not there any more";
      if (!warnings.includes("secrets.sealed")) return `status does not name it: ${warnings}`;
      return code === "200" ? "the lease was served without its secrets" : undefined;
    },
  },
  {
    file: "cache.sealed",
    expected: "served: what is lost is fetched again",
    judge: (_, seen) => served(seen),
  },
  {
    file: "lambda-roles.json",
    expected: "served; a damaged file is untouched and logged",
    judge(damaged, seen) {
      const problem = served(seen);
      if (problem !== undefined) return problem;
      if (isJson(damaged) || seen.log.includes("lambda-roles.json")) return undefined;
      return "the log does not name it";
    },
  },
  {
    file: "endpoint-port",
    expected: "served on the config's port, and the file is right again",
    judge: (_, seen, bed) =>
      served(seen) ?? (portOf(seen.now) === bed.port ? undefined : "the file is not right again"),
  },
  {
    file: "locked",
    home: "locked",
    expected: "still locked",
    judge(_, { ended, code }) {
      if (ended) return `it ended with ${ended.code ?? ended.signal}: ${ended.stderr}`;
      return code === "400 StoreLocked" ? undefined : `the lease answers ${code}`;
    },
  },
  {
    file: "data.key",
    expected: "refused and untouched, and so is what it opens",
    judge: keptClosed,
  },
  {
    file: "data-key.wrapped",
    home: "passphrase",
    expected: "refused and untouched, and so is what it opens",
    judge: keptClosed,
  },
  onRecord("audit.jsonl"),
  onRecord("refusals.jsonl"),
];

/** A log is added to and never cut: what was there, damaged or not, is there or set aside; and verify tells of it. */
function onRecord(file: string): Rule {
  return {
    file,
    expected: "served; every line is kept, set aside where it must be, and audit verify tells of the damage",
    judge(damaged, seen, bed) {
      const problem = served(seen);
      if (problem !== undefined) return problem;
      const names = bed.files().filter((name) => name.startsWith(file));
      const isKept = names.some((name) => bed.bytes(name).subarray(0, damaged.length).equals(damaged));
      if (!isKept) return "what was there is not there any more";
      return seen.told > 0 ? undefined : "audit verify finds nothing";
    },
  };
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

function portOf(bytes: Buffer | undefined): number {
  return Number(bytes?.toString().trim());
}

/** A home with everything in it, and brokerd ended in order; its state directory is copied, to begin anew from. */
async function prepared(bed: Bed, home: Rule["home"]): Promise<Access> {
  await bed.mustStart({ env: passphraseOf(bed, home) });
  await bed.makeStore();
  await bed.broker.call("use", { lease: { by: "default" }, role: "prod" });
  await bed.broker.call("lease-create", { name: "ide", role: "prod" });
  await bed.broker.call("lease-child", { role: "prod", pid: process.pid });
  const access = await bed.access(ROLE);
  await bed.askUntil(access, ({ status }) => status === 200);
  await bed.get(`http://127.0.0.1:${bed.port}/lease/none`); // a refusal, on record
  if (home === "locked") await bed.broker.call("lock", {});
  await bed.end();
  bed.write(bed.state("lambda-roles.json"), LAMBDA_ROLES);
  return access;
}

const LAMBDA_ROLES = `${JSON.stringify(
  {
    version: 2,
    roles: [
      {
        name: "lambda:orders@dev",
        workload: {
          kind: "function",
          name: "orders",
          arn: "arn:aws:lambda:eu-west-1:111111111111:function:orders",
        },
        roleArn: "arn:aws:iam::111111111111:role/orders",
        via: "dev",
        mode: "assume",
        region: "eu-west-1",
        madeAt: 1_790_000_000_000,
      },
    ],
  },
  null,
  2,
)}\n`;

function passphraseFile(bed: Bed): string {
  return join(bed.broker.home, "passphrase");
}

function passphraseOf(bed: Bed, home: Rule["home"]): Readonly<Record<string, string>> {
  return home === "passphrase" ? { CREDBROKER_PASSPHRASE_FILE: passphraseFile(bed) } : {};
}

async function look(bed: Bed, access: Access, { file, home }: Rule): Promise<Seen> {
  const sealed = bed.bytes("secrets.sealed");
  const ended = await bed.start({ env: passphraseOf(bed, home) });
  const code = ended ? undefined : codeOf(await bed.askUntil(access, ({ status }) => status !== 503));
  const { problem, warnings } = ended ? { problem: null, warnings: [] } : (await bed.broker.call("status", {})).daemon;
  const said = [...warnings, ...(problem ? [problem.message] : [])].join("\n");
  const log = bed.broker.log();
  const told = file.endsWith(".jsonl") && !ended ? await toldByVerify(bed) : 0;
  if (!ended) await bed.end("SIGKILL");
  // A damaged one may have been moved.
  const now = bed.files().includes(file) ? bed.bytes(file) : undefined;
  return {
    ended,
    code,
    warnings: said,
    now,
    log,
    told,
    sealedIsSame: sealed.equals(bed.files().includes("secrets.sealed") ? bed.bytes("secrets.sealed") : Buffer.alloc(0)),
  };
}

async function toldByVerify(bed: Bed): Promise<number> {
  const { logs } = await bed.broker.call("audit-verify", {});
  return Object.values(logs).reduce((sum, { findings, notes }) => sum + findings.length + notes.length, 0);
}

describe("a state file that was damaged", () => {
  it.concurrent.each(RULES)("$file: $expected", { timeout: HANGS_MS }, async (rule) => {
    const verdict = new Verdict();
    const { file, home = "ready", expected } = rule;
    await withBed({ verdict, name: "damaged" }, async (bed) => {
      if (home === "passphrase") usePassphrase(bed);
      const access = await prepared(bed, home);
      const before = join(bed.broker.home, "before");
      cpSync(bed.stateDir, before, { recursive: true });
      const whole = bed.bytes(file);

      const random = seededRandom(SEED);
      const wrong: string[] = [];
      let [refused, tried] = [0, 0];
      for (let variant = 0; tried < VARIANTS; variant++) {
        const damage = DAMAGES[variant % DAMAGES.length]!;
        const damaged = damage.of(whole, random);
        if (damaged === undefined || damaged.equals(whole)) {
          if (variant > 20 * VARIANTS) throw new Error("nothing damages this file");
          continue;
        }
        tried++;
        rmSync(bed.stateDir, { recursive: true });
        cpSync(before, bed.stateDir, { recursive: true });
        chmodSync(bed.stateDir, 0o700);
        bed.write(bed.state(file), damaged);
        const seen = await look(bed, access, rule);
        if (seen.ended) refused++;
        const problem = rule.judge(damaged, seen, bed);
        if (problem !== undefined) wrong.push(`${damage.name}: ${problem}`);
        verdict.look("lost", problem);
      }
      verdict.conclude({
        case: `${tried} damaged variants of ${file}`,
        expected,
        got: `${tried - refused} started, ${refused} refused to; ${wrong.length} wrong${wrong.length ? `: ${wrong.slice(0, 3).join("; ")}` : ""}; ${bed.waited}`,
        holds: wrong.length === 0 && bed.quick,
        proves: ["C10", "C12"],
      });
    });
  });
});

/** Given in a file, as for a service: so that a start opens the store. */
function usePassphrase(bed: Bed): void {
  bed.write(passphraseFile(bed), "correct horse battery staple\n");
  const config = readFileSync(bed.broker.configFile, "utf8");
  bed.write(bed.broker.configFile, config.replace("secret_store: key_file", "secret_store: passphrase"));
}
