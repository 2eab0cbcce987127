import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PeerVerdict } from "../../src/system/peer-identity.js";
import { FakePeers } from "../fakes/fake-peers.js";
import { RuntimeApiFixture } from "../support/runtime-api-fixture.js";

describe("who may ask for the event", () => {
  const peers = new FakePeers();
  let fixture: RuntimeApiFixture;
  beforeEach(async () => void (fixture = await new RuntimeApiFixture({}, peers).open()));
  afterEach(() => fixture.close());

  it.each<[string, PeerVerdict]>([
    ["our own program", { kind: "own", peer: { uid: 1000, inode: 1 } }],
    ["root, as in a container", { kind: "other", peer: { uid: 0, inode: 1 } }],
    ["every program where the system does not tell", { kind: "not-checked" }],
  ])("%s", async (_name, verdict) => {
    peers.verdict = verdict;
    expect((await fixture.next()).status).toBe(200);
  });

  it.each<[string, PeerVerdict]>([
    ["another user's program", { kind: "other", peer: { uid: 1001, inode: 1 } }],
    ["one that has half closed its connection", { kind: "half-closed" }],
    ["one that is gone", { kind: "gone" }],
  ])("not %s", async (_name, verdict) => {
    peers.verdict = verdict;
    expect((await fixture.next()).status).toBe(403);
    expect((await fixture.failInit("{}")).status).toBe(403);
    expect(fixture.invocation.phase).toBe("starting");
  });

  it("one who is not known yet waits", async () => {
    peers.verdict = { kind: "late" };
    const asked = fixture.next();
    await expect.poll(() => peers.asked).toBeGreaterThan(0);
    peers.verdict = { kind: "own", peer: { uid: 1000, inode: 1 } };
    expect((await asked).status).toBe(200);
  });
});

const OTHER_UID = 65_534;

describe.runIf(process.platform === "linux" && process.getuid?.() === 0)("as another user of this machine", () => {
  let fixture: RuntimeApiFixture;
  beforeEach(async () => void (fixture = await new RuntimeApiFixture().open()));
  afterEach(() => fixture.close());

  async function asOtherUser(...args: readonly string[]): Promise<string> {
    const child = spawn("curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", ...args], {
      uid: OTHER_UID,
      cwd: "/",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [printed] = await Promise.all([text(child.stdout), once(child, "exit")]);
    return printed;
  }

  it("no other user gets the event or says that the runtime failed, and the runtime still gets it", async () => {
    const root = `http://${fixture.api.address}/2018-06-01/runtime`;
    expect(await asOtherUser(`${root}/invocation/next`)).toBe("403");
    expect(await asOtherUser("-d", "{}", `${root}/init/error`)).toBe("403");
    expect(fixture.invocation.phase).toBe("starting");
    expect((await fixture.next()).status).toBe(200);
  });
});
