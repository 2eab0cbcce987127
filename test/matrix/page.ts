import { couldRun, type MatrixClient, type MatrixRow, type NotRun } from "./client.js";
import { FORM_COLUMNS, HOME_NAMES } from "./columns.js";
import { isRotationRight, type Measured, type MeasuredRow } from "./results.js";

/** A client with what was last seen of it. */
interface Entry {
  readonly client: MatrixClient;
  readonly row: MeasuredRow;
}

/** docs/client-matrix.md: all of it follows from what was measured, and from what the rows say of themselves. */
export function pageOf(measured: Measured, rows: readonly MatrixRow[]): string {
  const entries = rows.filter(couldRun).flatMap((client): Entry[] => {
    const row = measured.rows.find(({ name }) => name === client.name);
    return row ? [{ client, row }] : [];
  });
  const notRun = rows.filter((row): row is NotRun => !couldRun(row));
  return [
    HEAD,
    "## Who signed\n",
    WHO_SIGNED,
    signedTable(entries, notRun),
    "## One process, as time goes by\n",
    OVER_TIME,
    overTimeTable(entries),
    "## What a person reads\n",
    MESSAGES,
    messagesTable(entries),
    "## The clients' own mistakes\n",
    mistakes(entries),
    "## Without `env` and `exec`\n",
    BARE,
    bareTable(entries),
    "## `doctor` against the matrix\n",
    doctorText(entries),
    "## A hundred at once\n",
    burstText(measured),
  ].join("\n");
}

const HEAD = `# Matrix of clients

Written by \`npm run test:matrix\`, which runs these programs as their registries have them against the broker; an edit here is lost with its next run. In place of AWS stands a server
that refuses keys whose session has ended, with moto's STS, IAM and S3 behind it. **Who signed is read there**, from the access key of each call, and never from what a client prints.
[clients.md](clients.md) says what follows from it.
`;

const WHO_SIGNED = `By \`brokerctl env\` / \`brokerctl exec\` in each home; then by \`exec --as FORM\` from the empty one. \`D\`: the broker's role. \`U\`: the user's own key. \`uns\`: the call was not signed.
\`–\`: none reached AWS. Homes: keys in \`[default]\` of \`credentials\`; the same indented, in \`config\`; only a region; SSO as \`aws configure sso\` writes it, in its older form, and half of it;
\`aws login\`; a \`credential_process\` that gives keys; a role of another profile; \`AWS_PROFILE\` set to a profile with a region; keys in variables.
`;

const OVER_TIME = `Sessions of 12 s for the rotation: how many keys one process signed with, how many of them ended meanwhile, and calls signed with one that had ended. Then how often
one process asks the endpoint in a minute, and how often AWS meanwhile, by the minutes that its credentials have left. \`use\`: who signs for the next process.
`;

const MESSAGES = `The line that says most of what the program printed, cut at 220 characters; by \`exec\`, where the role's source wants a login, and where the lease was revoked.
`;

const BARE = `The lease's variables put into the shell by hand, the homes as they are: what \`env\` and \`exec\` spare one. No cell is right or wrong here, but \`brokerctl doctor\` must foretell it.
`;

function signedTable(entries: readonly Entry[], notRun: readonly NotRun[]): string {
  const head = ["client", "version", "measured", ...HOME_NAMES, ...FORM_COLUMNS.map((form) => `\`--${form}\``)];
  const lines = entries.map(({ client, row: { version, date, signed } }) => [
    client.as === undefined ? client.name : `${client.name} (\`--as ${client.as}\`)`,
    version,
    date,
    ...HOME_NAMES.map((home) => both(signed[`env: ${home}`], signed[`exec: ${home}`])),
    ...FORM_COLUMNS.map((form) => signed[form]),
  ]);
  const reasons = notRun.map(({ name, notRun: why }) => [name, `not run: ${why}`, ...head.slice(2).map(() => "")]);
  return table(head, [...lines, ...reasons]);
}

function both(env: string, exec: string): string {
  return env === exec ? env : `${env} / ${exec}`;
}

function overTimeTable(entries: readonly Entry[]): string {
  const head = ["client", "keys", "ended", "calls", "with an ended key", "59 min left", "15 min", "5 min", "`use`"];
  return table(
    head,
    entries.map(({ client, row: { rotation, rates, use } }) => {
      if (rotation === null) return [client.name, "one call each", "", "", "", "", "", "", use];
      const { keys, ended, calls, expired } = rotation;
      const mark = isRotationRight(rotation) ? "" : " (!)";
      const fetches = rates.map(({ fetchesAMinute, callsAMinute }) => `${fetchesAMinute} / ${callsAMinute}`);
      return [client.name, `${keys}${mark}`, String(ended), String(calls), String(expired), ...fetches, use];
    }),
  );
}

function messagesTable(entries: readonly Entry[]): string {
  return table(
    ["client", "a login is wanted", "the lease was revoked"],
    entries.map(({ client, row: { messages } }) => [
      client.name,
      ...[messages.loginRequired, messages.revoked].map(({ text, signed }) =>
        signed === "–" ? code(text) : `${code(text)} (${signed})`,
      ),
    ]),
  );
}

/** As it is, in a cell of a table. */
function code(text: string): string {
  return `\`${text.replaceAll("`", "'").replaceAll("|", "\\|")}\``;
}

function mistakes(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ client, row }) =>
    (client.knownFailures ?? []).map(({ columns, gets, why, workaround }) => {
      const where = columns.map((column) => `\`${column}\``).join(", ");
      return `- **${client.name} ${row.version}**, ${where}: ${gets}. ${why}. ${workaround}.`;
    }),
  );
  return `${lines.join("\n")}\n`;
}

function bareTable(entries: readonly Entry[]): string {
  return table(
    ["client", ...HOME_NAMES],
    entries
      .filter(({ client }) => !client.slow)
      .map(({ client, row: { signed } }) => [client.name, ...HOME_NAMES.map((home) => signed[`bare: ${home}`] ?? "")]),
  );
}

function doctorText(entries: readonly Entry[]): string {
  const compared = entries.reduce((sum, { row }) => sum + (row.compared ?? 0), 0);
  const differences = entries.reduce((sum, { row }) => sum + row.differences.length, 0);
  const without = entries.filter(({ row }) => row.compared === null).map(({ client }) => client.name);
  const left = entries.flatMap(({ client, row }) =>
    (client.notForetold ?? []).map(
      ({ homes, why }) =>
        `- **${client.name} ${row.version}**, ${homes.map((home) => `\`${home}\``).join(", ")}: ${why}.`,
    ),
  );
  const unheld = left.length === 0 ? "" : `\nNot held against it, in homes as they are:\n\n${left.join("\n")}\n`;
  const silent = without.length === 0 ? "" : ` It says nothing of ${without.join(", ")}.`;
  return `In each shell of the homes, those without \`env\` and \`exec\` too, \`brokerctl doctor --json\` ran before any client did, and its verdict on the client's family was held against who signed:
${compared} compared, ${differences} differences.${silent}\n${unheld}`;
}

function burstText({ burst }: Measured): string {
  if (burst === null) return "Not measured yet.\n";
  const { programs, failures, upstreamCalls, date } = burst;
  return `${programs} \`aws --profile\` at once, by \`credential_process\`: ${upstreamCalls} call to AWS for the role, ${failures} failures (${date}).\n`;
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return `${[row(head), row(head.map(() => "---")), ...lines.map(row)].join("\n")}\n`;
}
