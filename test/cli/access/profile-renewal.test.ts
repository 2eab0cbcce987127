import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EndpointCredentials } from "../../../src/cli/access/fetch-credentials.js";
import type { KeysOfProfiles } from "../../../src/cli/access/profile-files.js";
import { ProfileRenewal } from "../../../src/cli/access/profile-renewal.js";
import type { LeaseAccess } from "../../../src/control-api/lease-contract.js";
import { BrokerError } from "../../../src/core/errors.js";
import { Secret } from "../../../src/core/secret.js";
import { FakeClock, settle } from "../../support/fake-clock.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let clock: FakeClock;
let renewal: ProfileRenewal | undefined;
/** What the endpoint has; an error is what it answers. */
let endpoint: EndpointCredentials | BrokerError;
let fetches: number;
let written: (readonly KeysOfProfiles[])[];
let warnings: string[];
let diskFails: boolean;

beforeEach(() => {
  clock = new FakeClock();
  [fetches, written, warnings, diskFails] = [0, [], [], false];
});
afterEach(async () => renewal?.stop());

function keys(accessKeyId: string, lifeMs: number): EndpointCredentials {
  const expiration = new Date(clock.now() + lifeMs).toISOString();
  return {
    accessKeyId,
    secretAccessKey: new Secret("s"),
    sessionToken: new Secret("t"),
    expiration,
    accountId: undefined,
  };
}

function start(first: EndpointCredentials): void {
  endpoint = first;
  renewal = new ProfileRenewal({
    profiles: [{ names: ["default", "dev"], region: null, access: {} as LeaseAccess, keys: first }],
    fetch: async () => {
      fetches++;
      if (endpoint instanceof BrokerError) throw endpoint;
      return Promise.resolve(endpoint);
    },
    write: async (profiles) => {
      if (diskFails) throw new Error("no space left on device");
      written.push(profiles);
      return Promise.resolve();
    },
    warn: (message) => warnings.push(message),
    clock,
  });
  renewal.start();
}

const lastKey = (): string | undefined => written.at(-1)?.[0]?.keys?.accessKeyId;

describe("the keys in a file for a command", () => {
  it("are replaced as soon as the broker has new ones, long before they end, and asked for a few times an hour only", async () => {
    start(keys("ONE", HOUR));
    await clock.advance(20 * MINUTE);
    expect([fetches, written.length]).toEqual([0, 0]);
    endpoint = keys("TWO", HOUR);
    await clock.advance(20 * MINUTE);
    expect([lastKey(), fetches, written.length]).toEqual(["TWO", 1, 1]);
  });

  it("stay while the broker has no newer ones, and are replaced when it has", async () => {
    start(keys("ONE", 12_000));
    await clock.advance(8000);
    expect([fetches > 0, written.length]).toEqual([true, 0]);
    endpoint = keys("TWO", 12_000);
    await clock.advance(3000);
    expect(lastKey()).toBe("TWO");
  });

  it("stay until their end while they cannot be renewed, which is said once, and are there again after that", async () => {
    start(keys("ONE", HOUR));
    endpoint = new BrokerError("LoginRequired", "corp needs a login: brokerctl login corp");
    await clock.advance(59 * MINUTE);
    expect([written, warnings]).toEqual([[], [expect.stringContaining("brokerctl login corp")]]);
    await clock.advance(2 * MINUTE);
    expect([written.length, lastKey()]).toEqual([1, undefined]);
    endpoint = keys("TWO", HOUR);
    await clock.advance(16_000);
    expect([lastKey(), warnings.length]).toEqual(["TWO", 1]);
  });

  it("are taken out at once when their lease is over, and not asked for again", async () => {
    start(keys("ONE", HOUR));
    endpoint = new BrokerError("LeaseEnded", "the lease has ended");
    await clock.advance(40 * MINUTE);
    const asked = fetches;
    await clock.advance(HOUR);
    expect([written.length, lastKey(), asked, fetches]).toEqual([1, undefined, 1, 1]);
    expect(warnings).toEqual(["profile default, dev has no keys any more: the lease has ended"]);
  });

  it("are renewed within 15 s after the machine slept through the time for it", async () => {
    start(keys("ONE", HOUR));
    await clock.advance(MINUTE);
    clock.jump(2 * HOUR);
    endpoint = keys("TWO", HOUR);
    await clock.advance(15_000);
    expect(lastKey()).toBe("TWO");
  });

  it("stand as they were on a full disk, which is said once, and are replaced when it has space", async () => {
    start(keys("ONE", HOUR));
    endpoint = keys("TWO", 2 * HOUR);
    diskFails = true;
    await clock.advance(40 * MINUTE);
    expect([written.length, warnings]).toEqual([
      0,
      ["the keys of the profiles are not renewed: no space left on device"],
    ]);
    diskFails = false;
    await clock.advance(15_000);
    expect([lastKey(), warnings.length]).toEqual(["TWO", 1]);
  });

  it("are written no more once the command has ended", async () => {
    start(keys("ONE", HOUR));
    await renewal!.stop();
    endpoint = keys("TWO", 2 * HOUR);
    await clock.advance(2 * HOUR);
    await settle();
    expect([fetches, written, clock.pending]).toEqual([0, [], 0]);
  });
});
