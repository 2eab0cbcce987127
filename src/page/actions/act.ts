import { now } from "../now.js";
import { asPageError } from "../parts/dialog.js";
import type { Outcome, PageParts } from "../parts/page-context.js";
import { until } from "../words/when.js";

/** What is done at once, without a question: the outcome, or why not, is said. */
async function act(page: PageParts, attempt: () => Promise<Outcome>): Promise<void> {
  try {
    page.say(await attempt());
  } catch (thrown) {
    const { message, hint } = asPageError(thrown);
    page.say({ tone: "bad", text: message, hint });
  }
  await page.store.reload().catch(() => undefined);
}

/** Of one role, or of all that are held. */
export function refresh(page: PageParts, role?: string): Promise<void> {
  return act(page, async () => {
    const { refreshed, failed } = await page.client.call("refresh", role === undefined ? {} : { role });
    const at = now();
    const done = refreshed.map(({ role: name, expiration }) => `${name ?? "-"}: until ${until(expiration, at)}`);
    const [first] = failed;
    if (first) return { tone: "bad", text: `${first.role}: ${first.message}`, hint: first.hint, lines: done };
    const text = done.length === 0 ? "no credentials are held: nothing to renew" : `renewed ${done.join("; ")}`;
    return { tone: "good", text };
  });
}

/** Where the store has a passphrase, or the keychain asks, brokerd does so in a window of its own. */
export function unlock(page: PageParts): Promise<void> {
  page.say({
    tone: "good",
    text: "Unlocking. Where that takes a passphrase, brokerd asks for it in a window of its own.",
  });
  return act(page, async () => {
    const { warnings } = await page.client.call("unlock", {});
    return { tone: "good", text: "unlocked", lines: warnings };
  });
}
