/** What came of a decision on a page. */
export interface Decision {
  readonly status: number;
  /** Where the browser is sent next; absent for the device flow, whose end is a page. */
  readonly location: string | undefined;
  readonly text: string;
}

/**
 * A user with a browser, without one: loads a consent or verification page (http), and submits its form as the pressed
 * button would. The redirect is not followed: `fetch(location)` is the browser's next step.
 */
export async function decideInBrowser(url: string, decision: "approve" | "deny", user?: string): Promise<Decision> {
  const page = await fetch(url, { redirect: "manual" });
  const html = await page.text();
  const action = attribute(/<form method="post"[^>]*>/.exec(html)?.[0], "action");
  if (action === undefined) throw new Error(`no form to decide on at ${url}: status ${page.status}\n${html}`);
  const form = new URLSearchParams({ decision, ...(user === undefined ? {} : { user }) });
  for (const [input] of html.matchAll(/<input type="hidden"[^>]*>/g)) {
    form.set(attribute(input, "name") ?? "", attribute(input, "value") ?? "");
  }
  const answer = await fetch(new URL(action, url), { method: "POST", body: form, redirect: "manual" });
  return {
    status: answer.status,
    location: answer.headers.get("location") ?? undefined,
    text: await answer.text(),
  };
}

function attribute(tag: string | undefined, name: string): string | undefined {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(tag ?? "")?.[1];
  return value?.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
