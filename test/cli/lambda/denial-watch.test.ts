import { expect, it } from "vitest";
import { DenialWatch } from "../../../src/cli/lambda/denial-watch.js";
import { Collected } from "../../support/invoke-locally.js";

const MESSAGE =
  "User: arn:aws:sts::123456789012:assumed-role/r/orders is not authorized to perform: sqs:SendMessage because no permissions boundary allows the sqs:SendMessage action";

async function watched(chunks: readonly string[]): Promise<{ readonly watch: DenialWatch; readonly passed: string }> {
  const to = new Collected();
  const watch = new DenialWatch(to);
  for (const chunk of chunks) watch.write(chunk);
  await watch.passedOn();
  return { watch, passed: to.text };
}

it("passes everything on, and finds a refusal wherever a write ends", async () => {
  for (let at = 1; at < MESSAGE.length; at += 7) {
    const chunks = ["INFO before\n", MESSAGE.slice(0, at), MESSAGE.slice(at), "\nINFO after\n"];
    const { watch, passed } = await watched(chunks);
    expect(passed).toBe(chunks.join(""));
    expect(watch.take()).toMatchObject({ action: "sqs:SendMessage", kind: "boundary" });
    expect(watch.take()).toBeUndefined();
  }
});

it("finds it before and behind megabytes of other lines", async () => {
  const lines = "INFO nothing of note\n".repeat(100_000);
  const { watch, passed } = await watched([lines, MESSAGE, lines]);
  expect(passed).toHaveLength(2 * lines.length + MESSAGE.length);
  expect(watch.take()).toMatchObject({ action: "sqs:SendMessage" });
});
