import { afterEach, describe, expect, it } from "vitest";
import { KeychainSession, missingPrograms } from "../keychain/keychain-session.js";
import { type Access, type Bed, codeOf, HANGS_MS, pause, withBed } from "./bed.js";
import { Verdict } from "./verdict.js";

const SHORT = { sessionSeconds: 12 };

const sessions: KeychainSession[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.stop();
});

/** brokerd in a login session of the user who runs the tests, with its data key in a real gnome-keyring. */
async function withKeyring(
  verdict: Verdict,
  use: (parts: { readonly bed: Bed; readonly session: KeychainSession; readonly access: Access }) => Promise<void>,
): Promise<void> {
  const session = await KeychainSession.start();
  sessions.push(session);
  await session.startKeyring();
  const env = session.environment;
  await withBed({ verdict, name: "keyring", aws: SHORT, env, unprivileged: false }, async (bed) => {
    bed.changeConfig((text) => text.replace("secret_store: key_file", "secret_store: keychain"));
    await bed.mustStart();
    await bed.makeStore();
    const access = await bed.access("dev");
    await bed.askUntil(access, ({ status }) => status === 200);
    await use({ bed, session, access });
  });
}

async function servedFor(bed: Bed, access: Access, milliseconds: number): Promise<void> {
  const from = Date.now();
  while (Date.now() < from + milliseconds) {
    await bed.ask(access, { served: true });
    await pause(100);
  }
}

describe("the keychain", () => {
  it("is there: in CI skipped counts as failed", () => expect(missingPrograms()).toEqual([]));

  it("is locked in mid-run: what is served goes on and is renewed; the next start is locked, raises no prompt, and opens", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withKeyring(verdict, async ({ bed, session, access }) => {
      const calls = bed.aws.countOf("AssumeRole");
      await session.lockKeyring();
      await servedFor(bed, access, 14_000);
      const { token } = await bed.broker.call("lease-create", { name: "ide", role: "dev" });
      const renewed = bed.aws.countOf("AssumeRole") - calls;
      const prompter = await session.leavePromptsOpen();
      await bed.end("SIGKILL");
      const sealed = bed.bytes("secrets.sealed");
      await bed.mustStart();
      const locked = await bed.ask(access);
      const prompts = prompter.prompts;
      const isSame = bed.bytes("secrets.sealed").equals(sealed);
      await session.signalKeyring("SIGKILL");
      await session.startKeyring();
      await bed.broker.call("unlock", {});
      const ide = await bed.broker.call("lease-access", { lease: { by: "name", name: "ide" } });
      verdict.look("lost", ide.token === token && isSame ? undefined : "the lease has another token");
      const back = await bed.askUntil(access, ({ status }) => status === 200);
      verdict.conclude({
        case: "gnome-keyring is locked in mid-run",
        expected:
          "served and renewed; after a restart 400 StoreLocked, 0 prompts; then opened, with all that was there",
        got: `${renewed} renewals; ${codeOf(locked)}, ${prompts} prompts; ${back.status}, ${bed.waited}`,
        holds: renewed > 0 && codeOf(locked) === "400 StoreLocked" && prompts === 0 && bed.quick,
        proves: ["C10", "C16"],
      });
    });
  });

  it("is killed in mid-run: what is served goes on and is renewed, and the next start finds the key", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withKeyring(verdict, async ({ bed, session, access }) => {
      const calls = bed.aws.countOf("AssumeRole");
      await session.signalKeyring("SIGKILL");
      await servedFor(bed, access, 14_000);
      const renewed = bed.aws.countOf("AssumeRole") - calls;
      await bed.end();
      await session.signalKeyring("SIGKILL").catch(() => undefined); // the bus may have started another
      await session.startKeyring();
      await bed.mustStart();
      const back = await bed.askUntil(access, ({ status }) => status === 200);
      verdict.conclude({
        case: "gnome-keyring is killed in mid-run",
        expected: "served and renewed; after a restart of both 200",
        got: `${renewed} renewals; ${back.status}, ${bed.waited}`,
        holds: renewed > 0 && bed.quick,
        proves: ["C10"],
      });
    });
  });

  it("asks and is not answered: the endpoint serves meanwhile, and the wait has an end", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withKeyring(verdict, async ({ bed, session, access }) => {
      await session.lockKeyring();
      const prompter = await session.leavePromptsOpen();
      await bed.end();
      await bed.mustStart();
      const unlocking = bed.broker.call("unlock", {}).then(
        ({ state }) => state,
        (error: unknown) => (error as { code?: string }).code ?? "",
      );
      while (prompter.prompts === 0) await pause(50);
      let answered = 0;
      const over = new AbortController();
      void unlocking.finally(() => over.abort());
      while (!over.signal.aborted) {
        const { status } = await bed.ask(access);
        if (status === 400) answered++;
        await pause(200);
      }
      const came = await unlocking;
      const sealed = bed.files().includes("secrets.sealed");
      verdict.conclude({
        case: "a prompt of gnome-keyring that is never answered",
        expected: "400 StoreLocked within a second all the time, unlock gives up: still locked",
        got: `${answered} answers, ${came}, ${bed.waited}`,
        holds: answered > 10 && /locked|StoreLocked/.test(came) && sealed && bed.quick,
        proves: ["C15"],
      });
    });
  });
});
