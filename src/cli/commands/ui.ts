import { platform } from "node:os";
import type { PageFinding } from "../../control-api/ui-contract.js";
import { BrokerError } from "../../core/errors.js";
import { type BrowserCommand, isOnPath, openUrl, ownBrowsers } from "../browser/open-url.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { isoInstant, until } from "../terminal/when.js";

export const uiCommand = defineCommand({
  name: "ui",
  summary: "Open a page in the browser: what is live, who holds it, what ends when, what is asked for",
  details: `brokerd serves the page on a port of its own, on 127.0.0.1, which is open only while a page is, and for 15 minutes after. The
link is good once, within 3 minutes. No key, token or URL of a lease is ever on the page. What a guard asks is asked by brokerd itself,
in a window; a guard with \`confirm: terminal\` is answered at a terminal, and the page shows the command.
Refused in a shell whose own variables hold a pinned or narrowed lease, as that of an agent does.`,
  options: {
    print: { type: "boolean", help: "print the link: for another browser, or another profile of it" },
    json: JSON_OPTION,
  },
  examples: ["brokerctl ui", "brokerctl ui --print"],
  async run({ options }, context) {
    const { client, output, clock } = context;
    const browsers = options.print || options.json ? [] : browsersOf(context);
    // Starts brokerd, of which doctor tells then.
    await client.call("status", { rows: 0 });
    const { url, expiresAt } = await client.call("ui-open", { findings: await findingsOf(context) });
    if (output.json) {
      output.printJson({ url, expires_at: isoInstant(expiresAt) });
      return;
    }
    if (options.print) {
      output.print(url);
      output.say(`good once, until ${until(expiresAt, clock.now())}: who opens it first is at the page`);
      return;
    }
    if (!(await openUrl(browsers, url, context.env))) {
      throw new BrokerError("Conflict", `${browsers[0]?.[0] ?? "the browser"} does not start`, { hint: PRINT });
    }
    output.say("opened in the browser");
  },
});

const PRINT = "brokerctl ui --print";

function browsersOf({ env }: CliContext): readonly BrowserCommand[] {
  const browsers = ownBrowsers({ env, platform: platform(), hasProgram: (name) => isOnPath(name, env) });
  if (browsers.length > 0) return browsers;
  const message = "there is no browser on this machine to open: no display, or this is a shell over SSH";
  throw new BrokerError("UsageInvalid", message, { hint: PRINT });
}

async function findingsOf(context: CliContext): Promise<readonly PageFinding[]> {
  const { diagnose } = await import("../doctor/doctor.js");
  const { findings } = await diagnose(context, undefined);
  return findings.map(({ severity, message, fix }) => ({ level: severity, title: message, fix }));
}
