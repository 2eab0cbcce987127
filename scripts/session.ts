import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startFakeAws } from "../test/fakes/fake-aws/fake-aws.js";
import { linesOf, sessionSvg } from "./session-svg.js";

/**
 * `npm run session`: README's picture, `docs/session.svg`. Each line is typed at a shell in a terminal of its own (script(1)),
 * and what the terminal got is what is drawn: the built program, brokerd, and a simulated AWS that checks every signature.
 */
const PICTURE = "docs/session.svg";
const COLUMNS = 92;
const ACCOUNT = "111111111111";
const KEY = { accessKeyId: "AKIADEMO00000000DEMO", secretAccessKey: "demo/only/not/a/real/secret/key/at/all00" };
const PREPARED = [
  "brokerctl init --secret-store key_file --yes",
  `printf %s '${KEY.secretAccessKey}' | brokerctl keys add ops --access-key-id ${KEY.accessKeyId} --secret-stdin`,
  ...["dev", "prod"].map(
    (name) => `brokerctl role add ${name} --source ops --role-arn arn:aws:iam::${ACCOUNT}:role/${name}`,
  ),
];
const SHOWN = [
  'eval "$(brokerctl env)"      # one variable; what this shell starts asks brokerd',
  "brokerctl use dev",
  "brokerctl whoami",
  "brokerctl use prod --for 30m",
  "brokerctl whoami",
  "brokerctl roles",
];

const home = mkdtempSync(join(realpathSync(tmpdir()), "credbroker-session-"));
const bin = join(home, "bin");
const user = `arn:aws:iam::${ACCOUNT}:user/demo`;
const aws = await startFakeAws({
  users: [{ ...KEY, account: ACCOUNT, userName: "demo" }],
  roles: ["dev", "prod"].map((name) => ({ arn: `arn:aws:iam::${ACCOUNT}:role/${name}`, trusts: [user] })),
});
try {
  mkdirSync(bin);
  symlinkSync(resolve("bin/brokerctl"), join(bin, "brokerctl"));
  await inTerminal(PREPARED.join("\n"));
  // The lines come from a file: a shell that reads one echoes nothing and draws no prompt.
  const typed = SHOWN.map((line) => `printf '\\033[1m$ %s\\033[0m\\n' '${line}'\n${line}`).join("\n");
  const shown = await inTerminal(typed);
  for (const place of [home, process.cwd()]) if (shown.includes(place)) throw new Error(`the picture names ${place}`);
  writeFileSync(PICTURE, sessionSvg(linesOf(shown), COLUMNS));
} finally {
  await inTerminal("brokerctl stop").catch(() => undefined);
  await aws.close();
  rmSync(home, { recursive: true, force: true });
}
process.stdout.write(`${PICTURE} is written\n`);

/** Of a shell with nothing of the user's own: neither their AWS settings nor their home. */
async function inTerminal(lines: string): Promise<string> {
  const file = join(home, "lines.sh");
  writeFileSync(file, `set -e\nstty cols ${COLUMNS} rows 40\n${lines}\n`);
  const env = {
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    ...{ HOME: home, CREDBROKER_HOME: home, SHELL: "/bin/sh", TERM: "xterm", LC_ALL: "C.UTF-8", TZ: "UTC" },
    ...{ AWS_ENDPOINT_URL_STS: aws.url, AWS_REGION: "eu-west-1", AWS_EC2_METADATA_DISABLED: "true" },
  };
  const child = spawn("script", ["-qec", `sh ${file}`, "/dev/null"], { env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const code = await new Promise((done) => child.once("close", done));
  if (code !== 0) throw new Error(`the session ended with ${String(code)}:\n${text}`);
  return text;
}
