import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { TestBroker } from "../support/broker.js";

it("the log of brokerd as it is built shows an error's way through the source files", async () => {
  const broker = await TestBroker.create({ name: "source-names", config: "sources: {}\nroles: {}\n" });
  mkdirSync(join(broker.home, "state", "requests.json"), { recursive: true, mode: 0o700 });
  await broker.start();
  const line = broker
    .log()
    .split("\n")
    .find((text) => text.includes("requests not loaded"));
  await broker.stop();
  const { err } = JSON.parse(line ?? "{}") as { readonly err?: { readonly stack: string } };
  expect(err?.stack).toMatch(/ \(src\/requests\/request-registry\.ts, \/.*\/dist\/chunks\/[\w-]+\.js:\d+:\d+\)$/m);
});
