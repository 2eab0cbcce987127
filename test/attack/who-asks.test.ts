import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { awsOptions, ROLES_YAML } from "../support/in-process-broker.js";
import { Table } from "./table.js";
import { ask, missing, type RawAnswer, type RawRequest, startAs, USERS, type User, Victim } from "./victim.js";

const table = new Table();
let aws: FakeAws;
let victim: Victim;

beforeAll(async () => {
  expect(missing()).toEqual([]);
  aws = await startFakeAws(awsOptions());
  victim = await Victim.start({ config: ROLES_YAML, awsUrl: aws.url });
  await victim.broker.call("warm", { role: "dev" });
});

afterAll(async () => {
  table.print();
  await victim.stop();
  await aws.close();
});

type Form = "lease" | "creds";

function request(form: Form, { token = victim.token, close = true } = {}): string {
  const target = form === "lease" ? `/lease/${token}` : "/creds";
  const header = form === "creds" ? `Authorization: ${token}\r\n` : "";
  return `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${victim.port}\r\n${header}${close ? "Connection: close\r\n" : ""}\r\n`;
}

async function one(user: User, raw: Partial<RawRequest> & { readonly form?: Form }): Promise<RawAnswer> {
  const { form = "lease", ...options } = raw;
  const [answer] = await ask(user, [{ port: victim.port, bytes: request(form), ...options }]);
  return answer!;
}

/** Status, code, and the hint where there is one. */
function told({ status, body }: RawAnswer): string {
  if (status === 0) return "no answer";
  if (status === 200) return body.includes("SecretAccessKey") ? "200 credentials" : "200 without credentials";
  if (status === 204) return "204";
  const { code, message } = JSON.parse(body) as { code: string; message: string };
  return `${status} ${code}: ${message}`;
}

/** Whom the audit log and the log of refusals name for a lease. */
function usersOnRecord(lease: string): string {
  const files = ["audit.jsonl", "refusals.jsonl"].map((name) => join(victim.broker.home, "state", name));
  const lines = files.flatMap((file) => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []));
  const records = lines.map((line) => JSON.parse(line) as { lease?: string; event: string; uid?: number | null });
  const uids = records
    .filter((record) => record.lease === lease && ["fetch", "refused"].includes(record.event))
    .flatMap(({ uid }) => (typeof uid === "number" ? [uid] : []));
  return [...new Set(uids)].join(", ") || "none";
}

describe("C5: a good token", () => {
  it.each(["lease", "creds"] as const)("in the hands of another user is refused, form %s", async (form) => {
    expect(victim.uid()).toBe(USERS.own);
    table.check(`own user, ${form}`, "200 credentials", told(await one("own", { form })));
    const refused = /^403 RequestRefused: .*another user \(uid 61236\).*whatever the token.*without sudo$/;
    table.check(`another user, ${form}`, refused, told(await one("other", { form })));
    table.check(
      `root, ${form}`,
      /^403 RequestRefused: .*root \(uid 0\).*without sudo/,
      told(await one("root", { form })),
    );
  });

  it.each([
    ["::1", "::1"],
    ["v4-mapped", "::ffff:127.0.0.1"],
  ])("is refused on %s too", async (name, address) => {
    table.check(`own user, ${name}`, "200 credentials", told(await one("own", { address })));
    table.check(`another user, ${name}`, /^403 RequestRefused: .*uid 61236/, told(await one("other", { address })));
    table.check(`root, ${name}`, /^403 RequestRefused: .*uid 0/, told(await one("root", { address })));
  });

  it("is refused on each request of a connection that is used again, and served on each of the own user's", async () => {
    const bytes = request("lease", { close: false });
    const again = request("creds", { close: false });
    const { answers } = await one("own", { bytes, again });
    table.check("own user, connection used again", "200, 200", answers.join(", "));
    table.check(
      "another user, connection used again",
      "403",
      (await one("other", { bytes, again })).answers.join(", "),
    );
  });

  it("is never served to another user who half closes, resets or closes the connection, nor is root on record for it", async () => {
    const { token, lease } = await victim.broker.call("lease-create", { name: "closing", role: "dev" });
    for (const then of ["half-close", "reset", "close"] as const) {
      const requests = Array.from({ length: 50 }, () => ({
        port: victim.port,
        bytes: request("lease", { token }),
        then,
      }));
      const answers = new Set((await ask("other", requests)).map(({ status }) => status));
      table.check(`50 × another user, then ${then}`, /^(?:0|403|0, 403)$/, [...answers].sort().join(", "));
    }
    table.check("… users on record for that lease", /^(?:none|61236)$/, usersOnRecord(lease.id));
  });

  it("is not served to a user whose connection another one had before, from the same port", async () => {
    const [own, other] = [await one("own", {}), await one("other", {})];
    table.check("another user right after the own one", "200 then 403", `${own.status} then ${other.status}`);
  });

  it("needs no check where there is no token: /healthz stays free", async () => {
    const bytes = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    table.check("another user, /healthz", "204", told(await one("other", { bytes })));
  });
});

describe("C5: with 10,000 connections of another user open", () => {
  it("the own user is served within a second, and another one refused", async () => {
    // Two, for the sake of the limit on a process's open files.
    const halves = [1, 2].map(() => startAs<{ open: number }>("other", "many-connections.mjs", [5_000]));
    await Promise.all(halves.map(({ ready }) => ready));
    const requests = Array.from({ length: 40 }, () => ({ port: victim.port, bytes: request("lease") }));

    const own = await ask("own", requests);
    const other = await ask("other", requests.slice(0, 5));

    const rows = readFileSync("/proc/net/tcp", "latin1").split("\n").length;
    for (const { child } of halves) child.stdin.end();
    expect(await Promise.all(halves.map(({ printed }) => printed))).toEqual([{ open: 5_000 }, { open: 5_000 }]);
    const statuses = [...new Set(own.map(({ status }) => status))].join(", ");
    const times = own.map(({ closedAfterMs }) => closedAfterMs).sort((a, b) => a - b);
    table.check("40 × own user, one after the other", "200", statuses);
    table.check("… rows in the table", /^[2-9]\d{4}$/, String(rows));
    table.check("… median and longest, ms", /^\d+, \d{1,3}$/, `${times[20]}, ${times.at(-1)}`);
    table.check("5 × another user", "403", [...new Set(other.map(({ status }) => status))].join(", "));
  });
});

describe("C7: the port while brokerd is down", () => {
  /** Takes the port, waits until a client of brokerd's user has sent its token there, and leaves. */
  async function harvest(): Promise<string> {
    const squatter = startAs<{ head: string }>("other", "squat.mjs", [victim.port]);
    await squatter.ready;
    await ask("own", [{ port: victim.port, bytes: request("lease"), waitMs: 2_000 }]);
    const { head } = await squatter.printed;
    return /brk_[\w-]{43}/.exec(head)?.[0] ?? "nothing";
  }

  it("another user who harvests a token there and leaves has nothing in it, and the URL stays", async () => {
    await victim.kill();
    const token = await harvest();
    table.check("kill, squat: the token is harvested", "yes", token === victim.token ? "yes" : "no");
    await victim.restart();

    const bytes = request("lease", { token });
    table.check("brokerd is back: as the squatter", /^403 RequestRefused/, told(await one("other", { bytes })));
    table.check("… the same URL as its own user", "200 credentials", told(await one("own", { bytes })));
  });

  it("a squatter who is found there makes every token new", async () => {
    const old = victim.token;
    await victim.kill();
    const squatter = startAs("other", "squat.mjs", [victim.port]);
    await squatter.ready;
    const started = await victim.restart().then(
      () => "started",
      (error: unknown) => String(error),
    );
    table.check(
      "the port is taken at the start",
      /taken by pid \d+ \(.*uid 61236\)|taken by a process of uid 61236/,
      started,
    );
    squatter.child.kill("SIGKILL");
    await squatter.printed.catch(() => undefined);
    await victim.broker.stop("SIGKILL");
    await victim.restart();

    const bytes = request("lease", { token: old });
    table.check(
      "… then free: the old token, as its own user",
      /^403 Lease(?:Unknown|Ended)/,
      told(await one("own", { bytes })),
    );
  });
});
