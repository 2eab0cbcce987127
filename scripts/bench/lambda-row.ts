import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { startFakeAws } from "../../test/fakes/fake-aws/fake-aws.js";
import { freePort, TestBroker } from "../../test/support/broker.js";
import { NODE_PROGRAM } from "../../test/support/brokerctl.js";
import { ACCOUNT, awsOptions, ROLES_YAML, roleArn, USER_KEY } from "../../test/support/in-process-broker.js";
import { Collected } from "../../test/support/invoke-locally.js";
import { tempDir } from "../../test/support/temp-dir.js";
import type { Figures, Row, Side } from "./measure.js";

const RIE =
  "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d";
const DIRECTORY = resolve("node_modules/.cache/credbroker-bench");
const NAME = "orders";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/orders-role`;
const HANDLER = "export const handler = async (event) => ({ id: event.id });\n";
const EVENTS = 200;
const BOOTSTRAP = resolve("dist/lambda-bootstrap.mjs");

/** One event after the other for a function that is warm, by the same runtime client behind both. */
export const LAMBDA_ROW: Row = {
  ...{ id: "lambda", title: "lambda serve: an event of a warm function", rounds: 9, quickRounds: 3 },
  prepare: async () => {
    const code = tempDir("orders");
    writeFileSync(join(code, "app.mjs"), HANDLER);
    const ours = await startServe(code);
    const rie = await startRie(code);
    return {
      sides: [side("ours", ours.port, NAME), side("AWS's RIE", rie.port, "function")],
      targets: [
        { of: "ours", figure: "p50 ms", unit: "ms", atMost: 50 },
        { of: "ours", figure: "p50 ms", beside: "AWS's RIE" },
        { of: "ours", figure: "p99 ms", beside: "AWS's RIE" },
      ],
      close: async () => {
        await rie.close();
        await ours.close();
      },
    };
  },
};

interface Running {
  readonly port: number;
  readonly close: () => Promise<void>;
}

async function startServe(code: string): Promise<Running> {
  const { roles = [], ...options } = awsOptions();
  const aws = await startFakeAws({
    ...options,
    roles: [...roles, { arn: ROLE, trusts: [roleArn("dev")] }],
    functions: [{ arn: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${NAME}`, roleArn: ROLE }],
  });
  const config = `${ROLES_YAML}lambda: { via: dev }\n`;
  const broker = await TestBroker.create({ name: "serve", config, env: { AWS_ENDPOINT_URL: aws.url } });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY });
  const port = await freePort();
  const [program, ...words] = [...NODE_PROGRAM, "lambda", "serve", NAME, "--port", String(port)];
  const child = spawn(program, words, { cwd: code, env: broker.env, stdio: ["ignore", "ignore", "pipe"] });
  const printed = new Collected();
  child.stderr.pipe(printed);
  await Promise.race([printed.holds("Ctrl-C ends it"), once(child, "exit")]);
  return {
    port,
    close: async () => {
      const ended = once(child, "exit");
      child.kill("SIGINT");
      await ended;
      await broker.stop();
      await aws.close();
    },
  };
}

/** Built once from the Go module proxy. */
async function startRie(code: string): Promise<Running> {
  const program = join(DIRECTORY, "bin", "aws-lambda-rie");
  if (!existsSync(program)) {
    mkdirSync(join(DIRECTORY, "bin"), { recursive: true });
    execFileSync("go", ["install", RIE], { env: { ...process.env, GOBIN: join(DIRECTORY, "bin") }, stdio: "inherit" });
  }
  const ports = { api: await freePort(), runtime: await freePort() };
  const addresses = [
    ...["--runtime-interface-emulator-address", `127.0.0.1:${ports.api}`],
    ...["--runtime-api-address", `127.0.0.1:${ports.runtime}`],
  ];
  const child = spawn(program, [...addresses, process.execPath, BOOTSTRAP, "app.handler"], {
    cwd: code,
    env: { PATH: process.env["PATH"] ?? "", HOME: code, LAMBDA_TASK_ROOT: code, _HANDLER: "app.handler" },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  return {
    port: ports.api,
    close: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function side(name: string, port: number, functionName: string): Side {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const path = `/2015-03-31/functions/${functionName}/invocations`;
  return {
    name,
    sample: async (round): Promise<Figures> => {
      if (round === 0) await untilAnswered({ agent, port, path });
      const took: number[] = [];
      for (let id = 0; id < EVENTS; id++) {
        const began = performance.now();
        const answer = await post({ agent, port, path }, { id });
        took.push(performance.now() - began);
        if (answer !== `{"id":${id}}`) throw new Error(`${name} answered ${answer}`);
      }
      took.sort((a, b) => a - b);
      const at = (share: number): number => took[Math.floor(share * took.length)] ?? Number.NaN;
      return { "p50 ms": at(0.5), "p99 ms": at(0.99) };
    },
  };
}

interface Place {
  readonly agent: Agent;
  readonly port: number;
  readonly path: string;
}

/** Its port opens some time after its start. */
async function untilAnswered(place: Place): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answered = await post(place, { id: 0 }).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((again) => setTimeout(again, 50));
  }
  throw new Error(`nothing answers on port ${place.port}`);
}

async function post({ agent, port, path }: Place, event: object): Promise<string> {
  const body = JSON.stringify(event);
  const asked = request({ host: "127.0.0.1", port, path, method: "POST", agent });
  asked.setHeader("Content-Length", Buffer.byteLength(body));
  asked.end(body);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return text(answer);
}
