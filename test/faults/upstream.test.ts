import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { describe, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import type { Fault } from "../fakes/fake-aws/faults.js";
import { ACCOUNT, awsOptions, ROLES_YAML, roleArn } from "../support/in-process-broker.js";
import { certificateAuthority } from "../support/tls.js";
import { type Access, type Bed, codeOf, HANGS_MS, pause, withBed, withReadyBed } from "./bed.js";
import { type Control, Verdict } from "./verdict.js";

/** Credentials of so few seconds are renewed, due and ended while a test waits: advertised until 10.8 s. */
const LIFE_SECONDS = 12;

const SHORT = { sessionSeconds: LIFE_SECONDS };
/** A client that is waiting for a renewal gets its answer so much later. */
const LONGEST_WAIT_MS = 1000;

interface Trouble {
  readonly name: string;
  readonly begin: (aws: FakeAws) => unknown;
  readonly end?: (aws: FakeAws) => Promise<unknown>;
  readonly proves?: readonly Control[];
}

function fault(kind: Fault): Pick<Trouble, "begin"> {
  return { begin: (aws) => aws.faults.set("AssumeRole", kind) };
}

/** What can recover: what is valid is served to its end, then the cause is told, then it comes back by itself. */
const TROUBLES: readonly Trouble[] = [
  { name: "refuses connections", begin: (aws) => aws.down(), end: (aws) => aws.up() },
  { name: "answers 503 of a load balancer", ...fault({ kind: "unavailable" }) },
  { name: "fails with 500", ...fault({ kind: "failing" }) },
  { name: "throttles", ...fault({ kind: "throttle", retryAfterSeconds: 3 }) },
  { name: "cuts the connection", ...fault({ kind: "drop" }) },
  { name: "cuts its answer", ...fault({ kind: "reset" }) },
  { name: "takes 30 s", ...fault({ kind: "slow", milliseconds: 30_000 }) },
  { name: "never answers", begin: (aws) => void aws.faults.hold("AssumeRole") },
  { name: "is a captive portal", ...fault({ kind: "portal" }), proves: ["C14"] },
  { name: "answers HTML as a success", ...fault({ kind: "lie", lie: "html" }), proves: ["C14"] },
  { name: "answers credentials that have expired", ...fault({ kind: "lie", lie: "expired" }), proves: ["C14"] },
  { name: "answers credentials of another role", ...fault({ kind: "lie", lie: "other-role" }), proves: ["C14"] },
  { name: "answers credentials without an end", ...fault({ kind: "lie", lie: "no-expiration" }), proves: ["C14"] },
];

describe("STS", () => {
  it.concurrent.each(TROUBLES)(
    "$name: what is valid is served to its end, told after it, and comes back",
    {
      timeout: HANGS_MS,
    },
    ({ name, begin, end, proves = [] }) => {
      const verdict = new Verdict();
      return withReadyBed({ verdict, name: "upstream", aws: SHORT }, async (bed) => {
        const access = await bed.access("dev");
        const first = await bed.askUntil(access, ({ status }) => status === 200);
        const calls = bed.aws.countOf("AssumeRole");
        await begin(bed.aws);

        await servedUntilEnd(bed, access, first.body["Expiration"]);
        const after = await bed.askUntil(access, ({ status }) => status !== 200);
        const told = await bed.askUntil(access, ({ status }) => status === 400);
        const tried = bed.aws.countOf("AssumeRole") - calls;
        bed.aws.faults.clear();
        await end?.(bed.aws);
        const back = await bed.askUntil(access, ({ status }) => status === 200);

        const isTold = ["400 AwsUnreachable", "503 CredentialsPending"].includes(codeOf(after));
        verdict.conclude({
          case: `STS ${name}`,
          expected: "served to its end, 503 or 400 AwsUnreachable, then served again; under 20 calls",
          got: `${codeOf(after)}, ${codeOf(told)}, ${back.status}; ${tried} calls, ${bed.answers} answers, ${bed.waited}`,
          holds: isTold && codeOf(told) === "400 AwsUnreachable" && tried < 20 && bed.quick,
          proves: [...proves, "C15"],
        });
      });
    },
  );

  it.concurrent("denies: what was served is dropped at once, AWS is asked once a minute, and nothing secret is told", {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    return withReadyBed({ verdict, name: "denied", aws: SHORT }, async (bed) => {
      const access = await bed.access("dev");
      await bed.askUntil(access, ({ status }) => status === 200);
      bed.aws.faults.set("AssumeRole", { kind: "echo" });

      const denied = await bed.askUntil(access, ({ status }) => status !== 200);
      const calls = bed.aws.countOf("AssumeRole");
      for (let ask = 0; ask < 50; ask++) await bed.ask(access);

      const again = bed.aws.countOf("AssumeRole") - calls;
      const quoted = /CaNaRy|AKIA\w{16}/.test(JSON.stringify(denied.body) + denied.reason);
      verdict.conclude({
        case: "STS denies, and quotes the request with its secrets",
        expected: "400 AssumeRoleDenied, 0 more calls for 50 requests, no secret",
        got: `${codeOf(denied)}, ${again} more calls, ${quoted ? "a secret" : "no secret"}, ${bed.waited}`,
        holds: codeOf(denied) === "400 AssumeRoleDenied" && again === 0 && !quoted && bed.quick,
        proves: ["C11", "C16"],
      });
    });
  });

  it.concurrent("throttles 30 roles: its Retry-After is kept, and after it there is no storm", {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    const names = Array.from({ length: 30 }, (_, index) => `role-${index}`);
    const config =
      ROLES_YAML + names.map((name) => `  ${name}: { source: ops-keys, role_arn: "${roleArn(name)}" }\n`).join("");
    const aws = { roles: names.map((name) => ({ arn: roleArn(name), trusts: [`arn:aws:iam::${ACCOUNT}:user/me`] })) };
    return withReadyBed({ verdict, name: "throttled", config, aws }, async (bed) => {
      const accesses = await Promise.all(names.map((name) => bed.access(name)));
      bed.aws.faults.set("AssumeRole", { kind: "throttle", retryAfterSeconds: 5 });
      const from = Date.now();
      while (Date.now() < from + 9000) {
        await Promise.all(accesses.map((access) => bed.ask(access)));
        await pause(200);
      }
      const shortest = Math.min(...names.flatMap((name) => gapsOf(bed, roleArn(name))));
      const throttled = bed.aws.countOf("AssumeRole");
      bed.aws.faults.clear();
      await Promise.all(accesses.map((access) => bed.askUntil(access, ({ status }) => status === 200, 200)));
      const storm = bed.aws.countOf("AssumeRole") - throttled;

      verdict.conclude({
        case: "STS throttles 30 roles for 9 s, Retry-After 5 s",
        expected: "5 s between two calls for a role while it does, 1 call a role after it",
        got: `${Math.round(shortest / 100) / 10} s at least (${throttled} calls), then ${storm} calls; ${bed.answers} answers, ${bed.waited}`,
        // One of a role may have been on its way when it ended.
        holds: shortest >= 4900 && storm <= 2 * names.length && bed.quick,
        proves: ["C15"],
      });
    });
  });

  it("is slow at the first fetch: 50 clients, one call, no wait of a second", () => {
    const verdict = new Verdict();
    return withReadyBed({ verdict, name: "slow" }, async (bed) => {
      const access = await bed.access("dev");
      const hold = bed.aws.faults.hold("AssumeRole");
      const pending = await Promise.all(Array.from({ length: 50 }, () => bed.ask(access)));
      const [calls, waiting] = [bed.aws.countOf("AssumeRole"), hold.waiting];
      bed.aws.faults.clear();
      const back = await bed.askUntil(access, ({ status }) => status === 200);

      const codes = [...new Set(pending.map(codeOf))].join();
      verdict.conclude({
        case: "50 clients, a first fetch that takes long",
        expected: "503 CredentialsPending for all, 1 call, then 200",
        got: `${codes}, ${calls} calls, ${back.status}, ${bed.waited}`,
        holds: codes === "503 CredentialsPending" && calls === 1 && waiting === 1 && bed.quick,
        proves: ["C15"],
      });
    });
  });
});

/** Milliseconds between one call for the role and the next. */
function gapsOf(bed: Bed, arn: string): readonly number[] {
  const times = bed.aws.calls.filter(({ params }) => params["RoleArn"] === arn).map(({ time }) => time);
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

/** Between brokerd and AWS; as a network that can stop carrying what it carried before. */
class Network {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  isFrozen = false;

  constructor(port: number) {
    this.#server = createServer((socket) => {
      if (this.isFrozen) return void this.#sockets.add(socket.on("error", () => undefined).pause());
      const upstream = connect(port, "127.0.0.1");
      for (const [one, other] of [
        [socket, upstream],
        [upstream, socket],
      ] as const) {
        this.#sockets.add(one);
        one.on("error", () => other.destroy()).on("close", () => other.destroy());
        one.on("data", (data) => void (this.isFrozen || other.write(data)));
      }
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

describe("the network", () => {
  it.concurrent("accepts and never carries an answer (half-open): served to the end, and back after it", {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    return withBed({ verdict, name: "half-open", aws: SHORT }, async (bed) => {
      const network = new Network(Number(new URL(bed.aws.url).port));
      await bed.mustStart({ env: { AWS_ENDPOINT_URL: await network.listen() } });
      await bed.makeStore();
      const access = await bed.access("dev");
      const first = await bed.askUntil(access, ({ status }) => status === 200);
      network.isFrozen = true;
      await servedUntilEnd(bed, access, first.body["Expiration"]);
      const told = await bed.askUntil(access, ({ status }) => status === 400);
      network.isFrozen = false;
      const back = await bed.askUntil(access, ({ status }) => status === 200);
      network.close();

      verdict.conclude({
        case: "connections to AWS are accepted and dead (half-open)",
        expected: "served to its end, 400 AwsUnreachable, then 200",
        got: `${codeOf(told)}, ${back.status}, ${bed.answers} answers, ${bed.waited}`,
        holds: codeOf(told) === "400 AwsUnreachable" && bed.quick,
        proves: ["C15"],
      });
    });
  });

  it.concurrent("drops every packet (blackhole): told within the limits, nothing waits for a second", {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    return withBed({ verdict, name: "blackhole" }, async (bed) => {
      const hole = await Blackhole.open();
      await bed.mustStart({ env: { AWS_ENDPOINT_URL: hole.url } });
      await bed.makeStore();
      const access = await bed.access("dev");
      const first = await bed.ask(access);
      const told = await bed.askUntil(access, ({ status }) => status === 400);
      hole.close();

      verdict.conclude({
        case: "AWS is behind a blackhole",
        expected: "503 CredentialsPending, then 400 AwsUnreachable",
        got: `${codeOf(first)}, ${codeOf(told)}, ${bed.waited}`,
        holds: codeOf(first) === "503 CredentialsPending" && codeOf(told) === "400 AwsUnreachable" && bed.quick,
        proves: ["C15"],
      });
    });
  });

  it.concurrent("knows no such host: told by name; and an endpoint without TLS is refused at the start", {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    return withBed({ verdict, name: "no-host" }, async (bed) => {
      await bed.mustStart({ env: { AWS_ENDPOINT_URL: "https://sts.nowhere.invalid" } });
      await bed.makeStore();
      const told = await bed.askUntil(await bed.access("dev"), ({ status }) => status === 400);
      await bed.end();
      const clear = await bed.start({ env: { AWS_ENDPOINT_URL: "http://sts.nowhere.invalid" }, supervised: false });

      const isNamed = String(told.body["Message"]).includes("sts.nowhere.invalid");
      verdict.conclude({
        case: "AWS has no name; an endpoint without TLS",
        expected: "400 AwsUnreachable that names the host; refused at the start with 2",
        got: `${codeOf(told)}, ${isNamed ? "named" : "not named"}; ${clear?.code ?? "started"}`,
        holds: codeOf(told) === "400 AwsUnreachable" && isNamed && clear?.code === 2 && bed.quick,
        proves: ["C14"],
      });
    });
  });

  it.concurrent("has another at the name of AWS, with a certificate of its own: no request is sent to it", {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    return withBed({ verdict, name: "impostor" }, async (bed) => {
      const impostor = await startFakeAws({ ...awsOptions(), tls: certificateAuthority().issue(["127.0.0.1"]) });
      await bed.mustStart({ env: { AWS_ENDPOINT_URL: impostor.url, NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
      await bed.makeStore();
      const told = await bed.askUntil(await bed.access("dev"), ({ status }) => status === 400);
      await impostor.close();

      verdict.conclude({
        case: "an AWS with a certificate that no authority signed",
        expected: "400 AwsUnreachable, 0 requests",
        got: `${codeOf(told)}, ${impostor.calls.length} requests`,
        holds: codeOf(told) === "400 AwsUnreachable" && impostor.calls.length === 0 && bed.quick,
        proves: ["C14"],
      });
    });
  });
});

async function servedUntilEnd(bed: Bed, access: Access, expiration: string | undefined): Promise<void> {
  while (Date.now() < Date.parse(expiration ?? "") - LONGEST_WAIT_MS) {
    await bed.ask(access, { served: true });
    await pause(100);
  }
}

/** A port whose kernel answers no more SYN: its process sleeps, and its queue is full. */
class Blackhole {
  readonly url: string;
  readonly #end: () => void;

  private constructor(url: string, end: () => void) {
    this.url = url;
    this.#end = end;
  }

  static async open(): Promise<Blackhole> {
    const script = `require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () { console.log(this.address().port) })`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const port = Number(line.toString());
    child.kill("SIGSTOP");
    const sockets = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
    await pause(300);
    return new Blackhole(`http://127.0.0.1:${port}`, () => {
      for (const socket of sockets) socket.destroy();
      child.kill("SIGKILL");
    });
  }

  close(): void {
    this.#end();
  }
}
