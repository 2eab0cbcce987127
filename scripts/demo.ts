import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { type FakeAws, startFakeAws } from "../test/fakes/fake-aws/fake-aws.js";

/**
 * `npm run demo`: a broker in a throw-away home against a simulated AWS that checks every signature. A real AWS SDK in a
 * child process gets rotating credentials by one environment variable, and `use` moves it to another role.
 */
const BROKERCTL = resolve("dist/brokerctl.js");
const KEY = { accessKeyId: "AKIADEMO00000000DEMO", secretAccessKey: "demo/only/not/a/real/secret/key/at/all00" };
const ACCOUNT = "111111111111";
/** Short, so that a rotation is seen within the demo; AWS's own shortest session is 900 s. */
const SESSION_SECONDS = 8;

const home = mkdtempSync(join(realpathSync(tmpdir()), "credbroker-demo-"));
let aws: FakeAws | undefined;
process.on("SIGINT", () => void end(130));
process.on("SIGTERM", () => void end(143));
try {
  await demo();
  await end(0);
} catch (error) {
  process.stderr.write(`demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  await end(1);
}

async function demo(): Promise<void> {
  const user = `arn:aws:iam::${ACCOUNT}:user/demo`;
  const role = (name: string) => ({ arn: `arn:aws:iam::${ACCOUNT}:role/${name}`, trusts: [user] });
  aws = await startFakeAws({
    sessionSeconds: SESSION_SECONDS,
    users: [{ ...KEY, account: ACCOUNT, userName: "demo" }],
    roles: [role("developer"), role("production")],
  });

  title("1. A broker in a throw-away home; its secrets lie in a sealed file");
  await ctl(["init", "--secret-store", "key_file", "--yes"]);
  await ctl(["keys", "add", "demo-keys", "--access-key-id", KEY.accessKeyId, "--secret-stdin"], {
    input: KEY.secretAccessKey,
  });
  await ctl(["role", "add", "dev", "--source", "demo-keys", "--role-arn", role("developer").arn]);
  await ctl(["role", "add", "prod", "--source", "demo-keys", "--role-arn", role("production").arn]);
  await ctl(["use", "dev"]);

  title("2. A real AWS SDK, one environment variable, credentials that rotate while it runs");
  const { set } = JSON.parse(await ctl(["env", "--format", "json"], { quiet: true })) as {
    set: Record<string, string>;
  };
  const url = set["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "";
  say(`AWS_CONTAINER_CREDENTIALS_FULL_URI=${url.slice(0, -20)}…`);
  await runClient(url, "until it has seen three keys", 3);

  title("3. `use` moves the same variable to another role");
  await ctl(["use", "prod"]);
  await runClient(url, "a new process", 1);
  await ctl(["status"]);
  say(`the simulated AWS answered ${aws.countOf("AssumeRole")} AssumeRole calls, every signature checked`);
}

/** The SDK in a process of its own: it knows the URL, and where AWS is simulated; no key, no profile. */
async function runClient(url: string, what: string, keys: number): Promise<void> {
  say(`$ node sts-client.mjs      # ${what}`);
  const env = {
    ...environment(),
    AWS_REGION: "eu-west-1",
    AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
  const child = spawn(process.execPath, [resolve("scripts/demo-client.mjs"), String(keys)], { env, stdio: "inherit" });
  const code = await new Promise((done) => child.once("exit", done));
  if (code !== 0) throw new Error(`the SDK client ended with ${String(code)}`);
}

/** Not the synchronous kind of spawn: the simulated AWS lives in this process and must answer meanwhile. */
async function ctl(args: readonly string[], { input = "", quiet = false } = {}): Promise<string> {
  if (!quiet) say(`$ brokerctl ${args.join(" ")}`);
  const child = spawn(process.execPath, [BROKERCTL, ...args], { env: environment() });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  child.stdin.end(input);
  const code = await new Promise((done) => child.once("close", done));
  if (!quiet) process.stdout.write(indent((await stderr) + (await stdout)));
  if (code !== 0) throw new Error(`brokerctl ${args.join(" ")} ended with ${String(code)}: ${await stderr}`);
  return stdout;
}

/** Nothing of the user's own: neither their AWS settings nor their home. */
function environment(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: home, CREDBROKER_HOME: home, AWS_ENDPOINT_URL_STS: aws?.url ?? "" };
}

async function collect(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
  return text;
}

async function end(code: number): Promise<never> {
  await ctl(["stop"], { quiet: true }).catch(() => undefined);
  await aws?.close();
  rmSync(home, { recursive: true, force: true });
  if (code === 0) say("\nstopped, and the throw-away home is gone");
  process.exit(code);
}

function title(text: string): void {
  process.stdout.write(`\n\u001b[1m${text}\u001b[0m\n`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "    ");
}
