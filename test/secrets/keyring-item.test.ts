import type { AsyncEntry, EntryOptions } from "@napi-rs/keyring";
import { describe, expect, it } from "vitest";
import { encodeDataKey, newDataKey } from "../../src/secrets/data-key.js";
import { answerKeychainRequest, type Keyring } from "../../src/secrets/keyring-item.js";

const key = encodeDataKey(newDataKey());
const load = { operation: "load", account: "data-key:v1:/state", interactive: false } as const;
const save = { operation: "save", account: "data-key:v1:/state", interactive: true, key } as const;

interface Item {
  getSecret(): Promise<number[] | null>;
  setSecret(secret: Uint8Array): Promise<void>;
  deleteCredential(): Promise<boolean>;
}

/** The library as it was measured: errors by text only, a prompt when something of a locked keyring is read. */
class FakeKeyring {
  readonly items = new Map<string, number[]>();
  locked = false;
  /** What the constructor throws: no bus, no service. */
  broken: string | undefined;
  prompts = 0;
  readonly stores: (EntryOptions | undefined)[] = [];

  get library(): Keyring {
    const open = (service: string, account: string, options?: EntryOptions): Item =>
      this.#entry(service, account, options);
    class Entry implements Item {
      readonly #item: Item;
      constructor(service: string, account: string, options?: EntryOptions) {
        this.#item = open(service, account, options);
      }
      getSecret(): Promise<number[] | null> {
        return this.#item.getSecret();
      }
      setSecret(secret: Uint8Array): Promise<void> {
        return this.#item.setSecret(secret);
      }
      deleteCredential(): Promise<boolean> {
        return this.#item.deleteCredential();
      }
    }
    return {
      AsyncEntry: Entry as unknown as new () => AsyncEntry,
      findCredentialsAsync: () =>
        this.locked && this.items.size > 0
          ? Promise.reject(
              new Error("zbus error: org.freedesktop.Secret.Error.IsLocked: Cannot get secret of a locked object"),
            )
          : Promise.resolve([]),
    };
  }

  #entry(service: string, account: string, options?: EntryOptions): Item {
    this.stores.push(options);
    if (this.broken !== undefined) throw new Error(this.broken);
    const name = `${service}\0${account}`;
    return {
      getSecret: async () => {
        if (this.items.has(name)) this.#prompt();
        return this.items.get(name) ?? null;
      },
      setSecret: async (secret: Uint8Array) => {
        this.#prompt();
        this.items.set(name, [...secret]);
      },
      deleteCredential: () => Promise.resolve(this.items.delete(name)),
    };
  }

  #prompt(): void {
    if (!this.locked) return;
    this.prompts++;
    throw new Error("Couldn't access platform storage: Secret Service: unlock prompt was dismissed");
  }
}

describe("one keychain request", () => {
  it("finds what was saved, and absent before", async () => {
    const keyring = new FakeKeyring();
    const library = (): Promise<Keyring> => Promise.resolve(keyring.library);
    expect(await answerKeychainRequest(load, library)).toEqual({ outcome: "absent" });
    expect(await answerKeychainRequest(save, library)).toEqual({ outcome: "saved" });
    expect(await answerKeychainRequest(load, library)).toEqual({ outcome: "found", key });
  });

  it("never falls back to the kernel keyring", async () => {
    const keyring = new FakeKeyring();
    await answerKeychainRequest(load, () => Promise.resolve(keyring.library));
    expect(keyring.stores).toEqual([{ linux: { store: "secret-service" } }]);
  });

  it("leaves an item that is there alone", async () => {
    const keyring = new FakeKeyring();
    const library = (): Promise<Keyring> => Promise.resolve(keyring.library);
    await answerKeychainRequest(save, library);
    const again = { ...save, key: encodeDataKey(newDataKey()) };
    expect(await answerKeychainRequest(again, library)).toEqual({ outcome: "exists" });
    expect(await answerKeychainRequest(load, library)).toEqual({ outcome: "found", key });
  });

  it("finds an item without reading it out, and removes it once", async () => {
    const keyring = new FakeKeyring();
    const library = (): Promise<Keyring> => Promise.resolve(keyring.library);
    const ask = (operation: "find" | "remove"): Promise<unknown> =>
      answerKeychainRequest({ ...load, operation }, library);
    expect(await ask("find")).toEqual({ outcome: "absent" });
    await answerKeychainRequest(save, library);
    expect(await ask("find")).toEqual({ outcome: "exists" });
    expect(await ask("remove")).toEqual({ outcome: "removed" });
    expect(await ask("remove")).toEqual({ outcome: "absent" });
    expect(keyring.items.size).toBe(0);
  });

  it("keeps installations apart", async () => {
    const keyring = new FakeKeyring();
    const library = (): Promise<Keyring> => Promise.resolve(keyring.library);
    await answerKeychainRequest(save, library);
    expect(await answerKeychainRequest({ ...load, account: "data-key:v1:/other" }, library)).toEqual({
      outcome: "absent",
    });
  });

  it.runIf(process.platform === "linux")("says locked without raising a prompt, unless it is interactive", async () => {
    const keyring = new FakeKeyring();
    const library = (): Promise<Keyring> => Promise.resolve(keyring.library);
    await answerKeychainRequest(save, library);
    keyring.locked = true;
    expect(await answerKeychainRequest(load, library)).toMatchObject({ outcome: "locked" });
    expect(keyring.prompts).toBe(0);
    expect(await answerKeychainRequest({ ...load, interactive: true }, library)).toMatchObject({ outcome: "locked" });
    expect(keyring.prompts).toBe(1);
  });

  it.each([
    "Platform failure: DBus error: Using X11 for dbus-daemon autolaunch was disabled at compile time",
    "zbus error: org.freedesktop.DBus.Error.ServiceUnknown: The name is not activatable",
  ])("is unavailable, not absent, for %s", async (broken) => {
    const keyring = new FakeKeyring();
    keyring.broken = broken;
    expect(await answerKeychainRequest(load, () => Promise.resolve(keyring.library))).toEqual({
      outcome: "unavailable",
      detail: expect.any(String) as unknown,
    });
  });

  it.each(["User interaction is not allowed.", "The user canceled the operation."])(
    "is locked for %s",
    async (broken) => {
      const keyring = new FakeKeyring();
      keyring.broken = broken;
      expect(await answerKeychainRequest(load, () => Promise.resolve(keyring.library))).toMatchObject({
        outcome: "locked",
      });
    },
  );

  it("is unavailable where the library cannot be loaded on this platform", async () => {
    const answer = await answerKeychainRequest(load, () => Promise.reject(new Error("Cannot find native binding")));
    expect(answer).toMatchObject({ outcome: "unavailable" });
  });
});

describe("a keychain that cannot be reached", () => {
  const NO_BUS = "there is no session bus (D-Bus) to reach it by";
  it.each([
    [
      "Platform failure: DBus error: Using X11 for dbus-daemon autolaunch was disabled at compile time, set your DBUS_SESSION_BUS_ADDRESS instead",
      NO_BUS,
    ],
    ["Platform failure: DBus error: Failed to connect to socket /run/user/1/bus: No such file or directory", NO_BUS],
    [
      "Platform failure: DBus error: The name org.freedesktop.secrets was not provided by any .service files",
      "no keychain program runs in this session",
    ],
    ["Platform failure: DBus error: something else", "something else"],
  ])("is told in plain words, not: %s", async (said, detail) => {
    const keyring = new FakeKeyring();
    keyring.broken = said;
    expect(await answerKeychainRequest(load, () => Promise.resolve(keyring.library))).toEqual({
      outcome: "unavailable",
      detail,
    });
  });
});
