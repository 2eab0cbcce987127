import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { auditLines } from "../support/audit-lines.js";
import { awsOptions, ROLES_YAML } from "../support/in-process-broker.js";
import { partsOf } from "../support/page-client.js";
import { Table } from "./table.js";
import { ask, missing, USERS, type User, Victim } from "./victim.js";

const table = new Table();
let aws: FakeAws;
let victim: Victim;

beforeAll(async () => {
  expect(missing()).toEqual([]);
  aws = await startFakeAws(awsOptions());
  victim = await Victim.start({ config: ROLES_YAML, awsUrl: aws.url });
});

afterAll(async () => {
  table.print();
  await victim.stop();
  await aws.close();
});

interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function pageAsked(user: User, port: number, { method, path, fields = {}, body = "" }: Asked): Promise<number> {
  const headers = { Host: `127.0.0.1:${port}`, ...fields, "Content-Length": String(body.length), Connection: "close" };
  const head = [`${method} ${path} HTTP/1.1`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  const [answer] = await ask(user, [{ port, bytes: `${head.join("\r\n")}\r\n\r\n${body}` }]);
  return answer!.status;
}

describe("another user at the port of a page", () => {
  it("is served nothing, with a good link and a good secret", async () => {
    const link = async () => partsOf((await victim.broker.call("ui-open", { findings: [] })).url);
    const { port, link: first } = await link();
    const origin = `http://127.0.0.1:${port}`;
    const head = `POST /session HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${origin}\r\ncredbroker-link: ${first}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    const [taken] = await ask("own", [{ port, bytes: head }]);
    table.check("own user, the link", "200", String(taken!.status));
    const { secret } = JSON.parse(taken!.body) as { readonly secret: string };
    const { link: second } = await link();

    const json = { Origin: origin, "Content-Type": "application/json", "credbroker-page": secret };
    const asked: readonly Asked[] = [
      { method: "GET", path: "/" },
      { method: "POST", path: "/session", fields: { Origin: origin, "credbroker-link": second } },
      { method: "POST", path: "/api/status", fields: json, body: "{}" },
      { method: "GET", path: "/events", fields: json },
    ];
    for (const user of ["other", "root"] as const) {
      for (const one of asked) table.check(`${user}: ${one.path}`, "403", String(await pageAsked(user, port, one)));
    }

    // Neither was spent.
    for (const one of asked.slice(0, 3))
      table.check(`own: ${one.path}`, "200", String(await pageAsked("own", port, one)));
    const stateDir = `${victim.broker.home}/state`;
    await expect
      .poll(() => auditLines(stateDir, "refusals").map(({ uid }) => uid))
      .toEqual(expect.arrayContaining([USERS.other, USERS.root]));
    expect(auditLines(stateDir).find(({ event, via }) => event === "page-opened" && via === "page")?.uid).toBe(
      USERS.own,
    );
  });
});
