#!/usr/bin/env node
// A browser whose user allows what is asked: loads the page, presses the button, follows the way back.
// The page is written to the file named by APPROVING_BROWSER_LOG, as is the URL it was opened with.
import { appendFileSync } from "node:fs";

const url = process.argv[2];
const log = process.env.APPROVING_BROWSER_LOG;
appendFileSync(log, `opened ${url}\n`);
const html = await (await fetch(url)).text();
const form = new URLSearchParams({ decision: "approve" });
for (const [, name, value] of html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) {
  form.set(name, value.replaceAll("&quot;", '"').replaceAll("&amp;", "&"));
}
const action = /<form method="post" action="([^"]*)"/.exec(html)[1];
const answer = await fetch(new URL(action, url), { method: "POST", body: form });
appendFileSync(log, `${answer.status} ${await answer.text()}\n`);
