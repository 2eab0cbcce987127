import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { EndpointPort } from "../../src/daemon/endpoint-port.js";
import { NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { tempDir } from "../support/temp-dir.js";

/** A state directory whose disk is full until told otherwise. */
function fullDisk(): { readonly port: EndpointPort; readonly stateDir: string; readonly free: () => void } {
  const stateDir = tempDir("endpoint-port");
  let isFull = true;
  const port = new EndpointPort(stateDir, async (path, data) => {
    if (isFull) throw new BrokerError("InternalError", `cannot write ${path}: no space left on device`);
    await writeFileAtomic(new NodeFileSystem(), path, data);
  });
  return { port, stateDir, free: () => (isFull = false) };
}

describe("the port of the endpoint on a full disk", () => {
  it("is served, told as not remembered, and remembered once there is space", async () => {
    const { port, stateDir, free } = fullDisk();
    await port.remember(4711);
    await port.retry();
    expect(port.problem).toContain("no space left on device");

    free();
    await port.retry();

    expect(port.problem).toBeUndefined();
    expect(readFileSync(join(stateDir, "endpoint-port"), "utf8")).toBe("4711\n");
  });

  it("is known to have been another program's although the marker could not be written", async () => {
    const { port } = fullDisk();
    await brokerErrorOf(() => port.markTaken());
    expect(await port.wasTaken()).toBe(true);

    await port.clearTaken();

    expect(await port.wasTaken()).toBe(false);
  });
});

it("a port that is remembered already is not written again", async () => {
  const { port, stateDir } = fullDisk();
  await new EndpointPort(stateDir, (path, data) => writeFileAtomic(new NodeFileSystem(), path, data)).remember(4711);
  await port.remember(4711);
  expect([port.problem, existsSync(join(stateDir, "endpoint-port"))]).toEqual([undefined, true]);
});
