import { BrokerError } from "../../core/errors.js";
import { defineCommand } from "../command.js";
import type { CliContext } from "../context.js";
import { loginChoices } from "../login/login.js";

export const logoutCommand = defineCommand({
  name: "logout",
  summary: "End a login: its token and the credentials that came from it are forgotten",
  details: `Identity Center is told to end the session too; of a login to the console AWS knows no such call, and without what is
forgotten here no one can renew it. Credentials that programs have fetched already work until they expire:
AWS takes none back. Without SOURCE: the one that is logged in.`,
  positionals: [{ name: "SOURCE", help: "a source that takes a login" }],
  options: {},
  examples: ["brokerctl logout", "brokerctl logout corp"],
  async run({ positionals }, context) {
    const source = positionals[0] ?? (await theOneLoggedIn(context));
    const { wasLoggedIn, sources, problem } = await context.client.call("logout", { source });
    const others = sources.filter((name) => name !== source);
    context.output.say(wasLoggedIn ? `logged out of ${source}` : `there was no login to ${source}`);
    if (others.length > 0) context.output.say(`which shared its login with ${others.join(", ")}`);
    if (problem !== null) {
      context.output.warn(`Identity Center could not be told: ${problem}`, "the token is forgotten here all the same");
    }
  },
});

async function theOneLoggedIn(context: CliContext): Promise<string> {
  const choices = await loginChoices(context);
  const loggedIn = choices.filter(({ needs }) => needs === null).map(({ name }) => name);
  if (loggedIn.length === 1 && loggedIn[0] !== undefined) return loggedIn[0];
  const why = loggedIn.length === 0 ? "no source is logged in" : `${loggedIn.join(", ")} are logged in: name one`;
  throw new BrokerError("UsageInvalid", why, {
    hint: loggedIn[0] === undefined ? "brokerctl status" : `brokerctl logout ${loggedIn[0]}`,
  });
}
