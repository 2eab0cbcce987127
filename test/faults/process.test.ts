import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { describe, it } from "vitest";
import { asUser, VICTIM } from "../attack/victim.js";
import { ACCOUNT, ROLES_YAML, roleArn } from "../support/in-process-broker.js";
import { type Access, type Bed, codeOf, HANGS_MS, pause, withBed, withReadyBed } from "./bed.js";
import { Verdict } from "./verdict.js";

/** Of the threat model: a stop takes at most so long, whatever is under way. */
const STOP_LIMIT_MS = 5000;

async function served(bed: Bed): Promise<Access> {
  const access = await bed.access("dev");
  await bed.askUntil(access, ({ status }) => status === 200);
  return access;
}

describe("brokerd", () => {
  it("started twelve times at once: one serves, eleven end with 1 and say who does", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withBed({ verdict, name: "twelve" }, async (bed) => {
      const others = await bed.startAtOnce(12);
      const named = others.filter(({ stderr }) => /already running as process \d+/.test(stderr));
      const codes = [...new Set(others.map(({ code }) => code))].join();
      verdict.conclude({
        case: "12 brokerd at once",
        expected: "1 serves, 11 end with 1 and name it",
        got: `${12 - others.length} serve, ${others.length} end with ${codes}, ${named.length} name it`,
        holds: others.length === 11 && codes === "1" && named.length === 11,
      });
    });
  });

  it("asked to end under load ends with 0, in time, and every request is answered or refused a connection", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withReadyBed({ verdict, name: "term" }, async (bed) => {
      const access = await served(bed);
      let isOver = false;
      const clients = Array.from({ length: 50 }, async () => {
        const cut = [];
        while (!isOver) {
          const answer = await bed.ask(access);
          if (answer.status !== 200 && answer.reason !== "ECONNREFUSED") cut.push(codeOf(answer));
          if (answer.status === 0) await pause(20);
        }
        return cut;
      });
      await pause(500);
      const from = performance.now();
      const ended = await bed.end("SIGTERM");
      const tookMs = Math.round(performance.now() - from);
      isOver = true;
      const cut = (await Promise.all(clients)).flat();
      await bed.mustStart();
      await bed.ask(access, { served: true }); // from the cache
      verdict.conclude({
        case: "SIGTERM under 50 clients",
        expected: `0 within ${STOP_LIMIT_MS} ms; served from the cache after it`,
        got: `${ended.code ?? ended.signal} after ${tookMs} ms, ${cut.length} cut (${[...new Set(cut)].join()})`,
        holds: ended.code === 0 && tookMs < STOP_LIMIT_MS,
      });
    });
  });

  it.each(["SIGSEGV", "SIGABRT"] as const)(
    "ended by %s leaves no core, and the next one starts with all that was acknowledged",
    {
      timeout: HANGS_MS,
    },
    async (signal) => {
      const verdict = new Verdict();
      await withReadyBed({ verdict, name: "crash" }, async (bed) => {
        const access = await served(bed);
        const { token } = await bed.broker.call("lease-create", { name: "ide", role: "dev" });
        process.kill(bed.pid, signal);
        await bed.gone();
        await bed.mustStart();
        const again = (await bed.broker.call("lease-access", { lease: { by: "name", name: "ide" } })).token;
        verdict.look("lost", again === token ? undefined : "the lease has another token");
        const back = await bed.askUntil(access, ({ status }) => status === 200);
        const cores = [...readdirSync(bed.broker.home), ...readdirSync("."), ...bed.files()].filter((name) =>
          /^core(\.|$)/.test(name),
        );
        verdict.conclude({
          case: `ended by ${signal}`,
          expected: "the next one serves, no core file",
          got: `${back.status}, ${cores.length} core files`,
          holds: cores.length === 0,
          proves: ["C12"],
        });
      });
    },
  );

  it("goes on after SIGHUP, SIGUSR1, and with stdout and stderr closed", { timeout: HANGS_MS }, async () => {
    const verdict = new Verdict();
    await withReadyBed({ verdict, name: "signals" }, async (bed) => {
      const access = await served(bed);
      bed.closeStandardStreams();
      for (const signal of ["SIGHUP", "SIGUSR1", "SIGPIPE", "SIGHUP"] as const) {
        process.kill(bed.pid, signal);
        await pause(200);
        await bed.ask(access, { served: true });
      }
      const isOpen = await connects(9229);
      verdict.conclude({
        case: "SIGHUP, SIGUSR1, SIGPIPE, streams closed",
        expected: "alive, served, no inspector",
        got: `${bed.isAlive ? "alive" : "dead"}, ${isOpen ? "an inspector" : "no inspector"}, ${bed.waited}`,
        holds: bed.isAlive && !isOpen && bed.quick,
        proves: ["C8"],
      });
    });
  });

  it("whose port another program has names it, ends with 1, and serves once it is free, with other tokens", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withReadyBed({ verdict, name: "port" }, async (bed) => {
      const access = await served(bed);
      await bed.end();
      const script = `require("node:net").createServer().listen(${bed.port}, "127.0.0.1", () => console.log("listens"))`;
      const squatter = spawn("setpriv", [...asUser(VICTIM), process.execPath, "-e", script], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      await once(squatter.stdout, "data");
      const ended = await bed.start({ supervised: false });
      const released = once(squatter, "exit");
      squatter.kill("SIGKILL");
      await released;
      await bed.mustStart();
      const old = await bed.ask(access);
      verdict.look("leaked", old.status === 200 ? "a token that the other program may have seen" : undefined);
      const isNamed = ended?.stderr.includes(`pid ${squatter.pid}`) ?? false;
      verdict.conclude({
        case: "another program has the port",
        expected: "ends with 1 and names it; then 403 LeaseEnded for the old token",
        got: `${ended ? `ends with ${ended.code}` : "started"}, ${isNamed ? "named" : "not named"}; ${codeOf(old)}`,
        holds: ended?.code === 1 && isNamed && codeOf(old) === "403 LeaseEnded",
        proves: ["C2"],
      });
    });
  });

  it("whose config was removed serves on, and says so", { timeout: HANGS_MS }, async () => {
    const verdict = new Verdict();
    await withReadyBed({ verdict, name: "removed" }, async (bed) => {
      const access = await served(bed);
      rmSync(bed.broker.configFile);
      const reload = await bed.broker.call("config-reload", {}).then(
        () => "taken",
        (error: unknown) => (error as { code: string }).code,
      );
      for (let ask = 0; ask < 10; ask++) await bed.ask(access, { served: true });
      const warnings = (await bed.broker.call("status", {})).daemon.warnings.join();
      verdict.conclude({
        case: "config.yaml is removed",
        expected: "ConfigInvalid, served on, said in status",
        got: `${reload}, ${warnings.includes("config.yaml") ? "said" : `not said: ${warnings}`}`,
        holds: reload === "ConfigInvalid" && warnings.includes("config.yaml"),
        proves: ["C13"],
      });
    });
  });

  it("with 1,000 roles renews those that are used, and no other", { timeout: HANGS_MS }, async () => {
    const verdict = new Verdict();
    const names = Array.from({ length: 1000 }, (_, index) => `role-${index}`);
    const config =
      ROLES_YAML + names.map((name) => `  ${name}: { source: ops-keys, role_arn: "${roleArn(name)}" }\n`).join("");
    const roles = names.map((name) => ({ arn: roleArn(name), trusts: [`arn:aws:iam::${ACCOUNT}:user/me`] }));
    await withReadyBed({ verdict, name: "thousand", config, aws: { roles, sessionSeconds: 12 } }, async (bed) => {
      const used = await Promise.all(["role-1", "role-500", "role-999"].map((name) => bed.access(name)));
      const from = Date.now();
      for (const access of used) await bed.askUntil(access, ({ status }) => status === 200);
      while (Date.now() < from + 20_000) {
        for (const access of used) await bed.ask(access, { served: true });
        await pause(200);
      }
      const asked = new Set(bed.aws.calls.map(({ params }) => params["RoleArn"]));
      verdict.conclude({
        case: "1,000 roles, 3 of them used",
        expected: "AWS is asked for 3",
        got: `asked for ${asked.size}, ${bed.aws.countOf("AssumeRole")} calls, ${bed.waited}`,
        holds: asked.size === 3 && bed.quick,
        proves: ["C15"],
      });
    });
  });

  it("in a region that is not enabled, or of another partition: told for good, with its name", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    const config = `${ROLES_YAML}  far: { source: ops-keys, role_arn: "${roleArn("dev")}", region: ap-east-1 }\n`;
    await withReadyBed({ verdict, name: "region", config, aws: { disabledRegions: ["ap-east-1"] } }, async (bed) => {
      const access = await bed.access("far");
      const told = await bed.askUntil(access, ({ status }) => status === 400);
      const calls = bed.aws.countOf("AssumeRole");
      for (let ask = 0; ask < 20; ask++) await bed.ask(access);
      const isNamed = String(told.body["Message"]).includes("ap-east-1");
      const more = bed.aws.countOf("AssumeRole") - calls;
      verdict.conclude({
        case: "a region that the account has not enabled",
        expected: "400 ConfigInvalid that names it, not asked again",
        got: `${codeOf(told)}, ${isNamed ? "named" : "not named"}, ${more} more calls`,
        holds: codeOf(told) === "400 ConfigInvalid" && isNamed && more === 0,
      });
    });
  });
});

describe("too few open files", () => {
  it.each([64, 191])("%i: it says so, and what it needs, and ends with 1", { timeout: HANGS_MS }, async (files) => {
    const verdict = new Verdict();
    await withBed({ verdict, name: "files" }, async (bed) => {
      const wrapper = ["prlimit", `--nofile=${files}:${files}`];
      const ended = await bed.start({ wrapper, supervised: false });
      const isSaid = ended?.stderr.includes(`the limit of open files is ${files}`) ?? false;
      verdict.conclude({
        case: `a limit of ${files} open files`,
        expected: "ends with 1, says the limit and what it needs",
        got: `${ended ? `ends with ${ended.code}` : "started"}, ${isSaid ? "said" : "not said"}`,
        holds: ended?.code === 1 && isSaid,
        proves: ["C15"],
      });
    });
  });

  it("256, and 600 idle connections: it fetches and saves meanwhile, and serves after them", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withBed({ verdict, name: "files" }, async (bed) => {
      await bed.mustStart({ wrapper: ["prlimit", "--nofile=256:256"] });
      await bed.makeStore();
      const access = await served(bed);
      const idle = await idleConnections(bed.port, 600);
      await bed.broker.call("refresh", { role: "dev" });
      const { token } = await bed.broker.call("lease-create", { name: "ide", role: "dev" });
      idle.stop();
      const back = await bed.askUntil(access, ({ status }) => status === 200);
      const again = (await bed.broker.call("lease-access", { lease: { by: "name", name: "ide" } })).token;
      verdict.look("lost", again === token ? undefined : "the lease has another token");
      const complained = /EMFILE|ENOTFOUND/.test(bed.broker.log());
      verdict.conclude({
        case: "256 open files, 600 idle connections",
        expected: "renewed and saved meanwhile, 200 after them, no EMFILE",
        got: `${back.status}, ${complained ? "EMFILE" : "no EMFILE"}, ${bed.isAlive ? "alive" : "dead"}`,
        holds: !complained && bed.isAlive,
        proves: ["C15"],
      });
    });
  });
});

describe("many clients", () => {
  it("2,000 slow ones at once keep an honest one from nothing", { timeout: HANGS_MS }, async () => {
    const verdict = new Verdict();
    await withReadyBed({ verdict, name: "slow" }, async (bed) => {
      const access = await served(bed);
      const idle = await idleConnections(bed.port, 2000, "GET /creds HTTP/1.1\\r\\nHost: 127.");
      const from = Date.now();
      while (Date.now() < from + 5000) {
        await bed.ask(access, { served: true });
        await pause(50);
      }
      idle.stop();
      verdict.conclude({
        case: "2,000 clients that stop in the middle of a request",
        expected: "an honest one is served within a second all the time",
        got: `${bed.answers} answers, ${bed.waited}, ${bed.isAlive ? "alive" : "dead"}`,
        holds: bed.isAlive && bed.quick,
        proves: ["C15"],
      });
    });
  });
});

/** Connections of another process, which bring nothing, or a part of a request, and stay. */
async function idleConnections(port: number, count: number, bytes = ""): Promise<{ readonly stop: () => void }> {
  const script = `
    const net = require("node:net");
    let open = 0;
    for (let i = 0; i < ${count}; i++) {
      const socket = net.connect(${port}, "127.0.0.1", () => socket.write("${bytes}", () => ++open === ${count} && console.log("open")));
      socket.on("error", () => undefined).on("close", () => undefined);
    }
    setTimeout(() => console.log("open"), 3000);
    process.stdin.resume().on("end", () => process.exit());`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "ignore"] });
  await once(child.stdout, "data");
  return { stop: () => child.stdin.end() };
}

function connects(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(true)).listen(port, "127.0.0.1", () => server.close(() => resolve(false)));
  });
}
