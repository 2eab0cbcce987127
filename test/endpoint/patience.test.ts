import request, { type Response } from "supertest";
import { describe, expect, it } from "vitest";
import { CLIENT_PATIENCE_MS } from "../../src/core/client-patience.js";
import type { HeldCredentials } from "../../src/core/credentials.js";
import { BrokerError } from "../../src/core/errors.js";
import { CredentialsRegistry } from "../../src/credentials/credentials-registry.js";
import { endpointFixture, hourOfCredentials } from "../support/endpoint-fixture.js";
import type { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { keysSource, roleOn } from "../support/roles.js";

const never = <T>(): Promise<T> => new Promise(() => undefined);

interface Waits {
  /** How long it takes to know whose program asks. */
  readonly peerMs?: number;
  /** What the first fetch comes to, and when; undefined: the role is not in the config yet. */
  readonly refusedAfterMs?: number;
  /** How long an edit of the config is being taken up that brings the role. */
  readonly editMs: number;
  /** How long AWS takes then. */
  readonly fetchMs: number;
}

/** An endpoint with the real registry of credentials, on a clock that moves only while the request waits for it. */
function slowEndpoint({ peerMs = 0, refusedAfterMs, editMs, fetchMs }: Waits) {
  const fixture = endpointFixture();
  const { clock, credentials, peers, config, leases } = fixture;
  const role = roleOn(keysSource("ops-keys"), "new");
  let fetches = 0;
  const fetch = async (): Promise<HeldCredentials> => {
    if (fetches++ === 0 && refusedAfterMs !== undefined) {
      await clock.sleep(refusedAfterMs);
      throw new BrokerError("ConfigInvalid", "the config has no such source");
    }
    await clock.sleep(fetchMs);
    return hourOfCredentials();
  };
  const registry = new CredentialsRegistry({
    ...{ retrieveUpstream: fetch, clock, logger: memoryLogger() },
    ...{ random: () => 0, onChange: () => undefined },
  });
  if (refusedAfterMs !== undefined) registry.configure([role], 3_600_000);
  credentials.answers.set(role.name, (waitedMs) =>
    registry.retrieve(role.name, waitedMs === undefined ? {} : { waitedMs }),
  );
  peers.verdict = () => clock.sleep(peerMs).then(() => ({ kind: "own", peer: { uid: 1000, inode: 1 } }));
  config.takeUpEdit = async () => {
    await clock.sleep(editMs);
    registry.configure([{ ...role, digest: "as the edit says" }], 3_600_000);
    return true;
  };
  const url = `/lease/${leases.add(role.name)}`;
  return { ...fixture, registry, url, fetches: () => fetches };
}

/** The answer, and how long its client waited for it by the clock, which is moved only while something waits for it. */
async function waitedFor(
  { app, clock }: { readonly app: Parameters<typeof request>[0]; readonly clock: FakeClock },
  url: string,
): Promise<{ readonly status: number; readonly code: string; readonly waitedMs: number }> {
  const startedAt = clock.now();
  let answer: Response | undefined;
  const answered = request(app)
    .get(url)
    .then((response) => (answer = response));
  while (answer === undefined) {
    if (clock.pending > 0) await clock.advance(1);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  const response = await answered;
  const { code = "" } = response.body as { code?: string };
  return { status: response.status, code, waitedMs: clock.now() - startedAt };
}

const PENDING = { status: 503, code: "CredentialsPending", waitedMs: CLIENT_PATIENCE_MS };

describe("the patience of one client", () => {
  it.each<[string, Waits]>([
    ["its user is looked up, then AWS answers slowly", { peerMs: 800, refusedAfterMs: 10_000, editMs: 0, fetchMs: 0 }],
    ["its user is looked up and an edit taken up, then AWS answers slowly", { peerMs: 400, editMs: 250, fetchMs: 800 }],
    ["an edit is being taken up for long", { peerMs: 850, editMs: 10_000, fetchMs: 0 }],
    ["a fetch was refused late, an edit taken up, then AWS answers slowly", fetchThenEdit(700, 150, 890)],
    ["a fetch was refused at the last moment", fetchThenEdit(899, 10_000, 0)],
  ])("is over after 900 ms in all, and it is asked to come again, when %s", async (_name, waits) => {
    const endpoint = slowEndpoint(waits);

    expect(await waitedFor(endpoint, endpoint.url)).toEqual(PENDING);
  });

  it("is enough for all three waits where they take under 900 ms together", async () => {
    const endpoint = slowEndpoint({ peerMs: 300, editMs: 300, fetchMs: 299 });

    expect(await waitedFor(endpoint, endpoint.url)).toEqual({ status: 200, code: "", waitedMs: 899 });
  });

  it("is not tried by what is held when an edit took all of it", async () => {
    const endpoint = slowEndpoint({ peerMs: 890, editMs: 10, fetchMs: 10_000 });
    const { config, credentials } = endpoint;
    const takeUp = config.takeUpEdit;
    config.takeUpEdit = async () => {
      credentials.hold("new", hourOfCredentials());
      return takeUp();
    };

    expect(await waitedFor(endpoint, endpoint.url)).toEqual({ status: 200, code: "", waitedMs: 900 });
  });

  it("ends no take-up and no fetch: the client that comes again finds the credentials", async () => {
    const endpoint = slowEndpoint({ editMs: 800, fetchMs: 900 });

    expect(await waitedFor(endpoint, endpoint.url)).toEqual(PENDING);
    expect(await waitedFor(endpoint, endpoint.url)).toEqual({ status: 200, code: "", waitedMs: 800 });
    expect(endpoint.fetches()).toBe(1);
  });

  it("is not tried for longer than 900 ms by an edit that is never taken up, which is not told as a missing role", async () => {
    const endpoint = slowEndpoint({ editMs: 0, fetchMs: 0 });
    endpoint.config.takeUpEdit = never;
    endpoint.clock.after(3_600_000, () => undefined); // the clock may be moved

    expect(await waitedFor(endpoint, endpoint.url)).toEqual(PENDING);
  });
});

function fetchThenEdit(refusedAfterMs: number, editMs: number, fetchMs: number): Waits {
  return { refusedAfterMs, editMs, fetchMs };
}
