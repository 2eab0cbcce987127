import { expect, it } from "vitest";
import { Secret } from "../../src/core/secret.js";
import { PacedPortal } from "../../src/sso/paced-portal.js";
import { MemorySso } from "../fakes/memory-sso.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock, settle } from "../support/fake-clock.js";

const token = new Secret(CANARY);
const REGION = "eu-west-1";

/** Asks for a page of accounts `count` times at once; when each answer or refusal came, in ms. */
function asker(clock: FakeClock, portal: PacedPortal) {
  const start = clock.now();
  const answeredAt: number[] = [];
  const ask = (count: number): void => {
    for (let turn = 0; turn < count; turn++) {
      const asked = portal.listAccounts(token, {}, REGION).catch(() => undefined);
      void asked.then(() => answeredAt.push(clock.now() - start));
    }
  };
  return { ask, answeredAt };
}

it("four calls go out at once, then one every 70 ms", async () => {
  const clock = new FakeClock();
  const { ask, answeredAt } = asker(clock, new PacedPortal({ portal: new MemorySso(clock), clock }));

  ask(7);
  await clock.advance(1000);

  expect(answeredAt).toEqual([0, 0, 0, 0, 70, 140, 210]);
});

it("what is not used for a while is four calls, and no more", async () => {
  const clock = new FakeClock();
  const { ask, answeredAt } = asker(clock, new PacedPortal({ portal: new MemorySso(clock), clock }));

  ask(4);
  await clock.advance(60_000);
  ask(6);
  await clock.advance(1000);

  expect(answeredAt.slice(4)).toEqual([60_000, 60_000, 60_000, 60_000, 60_070, 60_140]);
});

it("calls of every kind share the pace; a logout does not wait for it", async () => {
  const clock = new FakeClock();
  const center = new MemorySso(clock);
  const portal = new PacedPortal({ portal: center, clock });
  const role = { accountId: "111111111111", roleName: "Developer" };
  const done: string[] = [];
  const note = (name: string, asked: Promise<unknown>): void =>
    void asked.then(
      () => done.push(name),
      () => done.push(name),
    );

  note("role", portal.getRoleCredentials(token, role, REGION));
  note("cli", portal.getRoleCredentialsOfCli("key", role, REGION));
  note("accounts", portal.listAccounts(token, {}, REGION));
  note("roles", portal.listAccountRoles(token, { accountId: "111111111111" }, REGION));
  note("fifth", portal.getRoleCredentials(token, role, REGION));
  note("logout", portal.logout(token, REGION));
  await settle();

  expect(new Set(done)).toEqual(new Set(["role", "cli", "accounts", "roles", "logout"]));
  await clock.advance(70);
  expect(done.at(-1)).toBe("fifth");
});

it("a clock that was set back holds up no call", async () => {
  const clock = new FakeClock();
  const { ask, answeredAt } = asker(clock, new PacedPortal({ portal: new MemorySso(clock), clock }));
  ask(1);
  await settle();

  clock.jump(-3_600_000);
  ask(1);
  await settle();

  expect(answeredAt).toHaveLength(2);
});
