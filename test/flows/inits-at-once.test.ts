import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { TestBroker } from "../support/broker.js";

const AT_ONCE = 6;
const brokers: TestBroker[] = [];

afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.ctl(["stop"])));
});

it("several homes that are set up at once are all made whole, each with a port of its own", async () => {
  for (let index = 0; index < AT_ONCE; index++) brokers.push(await TestBroker.create({ name: `init-${index}` }));
  const outcomes = await Promise.all(
    brokers.map((broker) => broker.ctl(["init", "--secret-store", "key_file", "--yes"])),
  );
  expect(outcomes.map(({ code }) => code)).toEqual(brokers.map(() => 0));
  const ports = brokers.map(({ configFile }) => /port: (\d+)/.exec(readFileSync(configFile, "utf8"))?.[1]);
  expect(new Set(ports).size).toBe(AT_ONCE);
  for (const broker of brokers) {
    expect((await broker.call("status", {})).daemon).toMatchObject({ state: "ready" });
    expect(existsSync(join(broker.home, "state", "data.key"))).toBe(true);
  }
}, 120_000);
