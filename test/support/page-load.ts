import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import type { CDPSession } from "playwright-core";
import { SystemClock } from "../../src/system/clock.js";
import { awsOptions, get, InProcessBroker, roleArn } from "./in-process-broker.js";
import { launchChromium, openPage } from "./page-browser.js";

const ROLES = 200;
const LEASES = 500;
const EVENTS_A_SECOND = 50;
const MIB = 1024 * 1024;

/** A config of so many roles, all of which AWS lets the user have. */
export function manyRolesYaml(count = ROLES): string {
  const roles = Array.from(
    { length: count },
    (_, index) => `  team-${index}: { source: ops-keys, role_arn: "${roleArn("dev")}" }`,
  );
  return `\ndefaults: { region: eu-west-1 }\nsources:\n  ops-keys: { type: keys }\nroles:\n${roles.join("\n")}\n`;
}

/** The tokens' URLs of so many leases, spread over the roles. */
export async function makeLeases(broker: InProcessBroker, count = LEASES, roles = ROLES): Promise<readonly string[]> {
  const urls: string[] = [];
  for (let index = 0; index < count; index++) {
    const access = await broker.call("lease-create", { name: `job-${index}`, role: `team-${index % roles}` });
    urls.push(access.leaseUrl);
  }
  return urls;
}

/**
 * What the page holds while programs fetch: its heap, its nodes, and what its process alone has of memory. Each fetch is a line on
 * record of its own, as each lease's minute passes before its next one.
 */
export async function measureLoad(seconds: number): Promise<void> {
  const broker = await InProcessBroker.ready({ config: manyRolesYaml(), aws: awsOptions() });
  const browser = await launchChromium();
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  try {
    const urls = await makeLeases(broker);
    const { page, view, context } = await openPage(browser, broker);
    await view("audit");
    const session = await context.newCDPSession(page);
    await session.send("Performance.enable");
    const pids = await rendererPids(await browser.newBrowserCDPSession());
    const clock = new SystemClock();
    const begin = clock.now();
    let sent = 0;
    const peak = { heap: 0, own: 0 };
    /** Of each ten seconds: what grows is told from what comes and goes. */
    const owns: number[] = [];
    while (clock.now() - begin < seconds * 1000) {
      const due = Math.floor(((clock.now() - begin) / 1000) * EVENTS_A_SECOND);
      for (; sent < due; sent++) {
        if (sent > 0 && sent % LEASES === 0) await broker.clock.advance(61_000);
        await get(urls[sent % LEASES]!, {}, agent);
      }
      peak.heap = Math.max(peak.heap, await metric(session, "JSHeapUsedSize"));
      const own = Math.max(...pids.map(ownBytes));
      peak.own = Math.max(peak.own, own);
      const part = Math.floor((clock.now() - begin) / 10_000);
      owns[part] = Math.max(owns[part] ?? 0, own);
      await clock.sleep(200);
    }
    const nodes = await metric(session, "Nodes");
    await session.send("HeapProfiler.collectGarbage");
    const heap = await metric(session, "JSHeapUsedSize");
    const told = `${sent} events in ${seconds} s, ${LEASES} leases, ${ROLES} roles`;
    process.stdout.write(`${told}\nheap at its most: ${mib(peak.heap)}; at the end, collected: ${mib(heap)}\n`);
    process.stdout.write(
      `its process's own memory at its most: ${mib(peak.own)}; in turn: ${owns.map(mib).join(", ")}; nodes: ${nodes}\n`,
    );
    if (Math.max(peak.heap, peak.own) > 100 * MIB) process.exitCode = 1;
  } finally {
    agent.destroy();
    await browser.close();
    await broker.close();
  }
}

async function metric(session: CDPSession, name: string): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find((each) => each.name === name)?.value ?? 0;
}

/** One is the page's; Chromium keeps another one ready, which has next to nothing. */
async function rendererPids(session: CDPSession): Promise<readonly number[]> {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

/** What no other process shares (proc(5), smaps_rollup). */
function ownBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return [...text.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
