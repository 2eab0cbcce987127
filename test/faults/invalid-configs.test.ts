import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { toBrokerError } from "../../src/core/errors.js";
import { seededRandom } from "../support/random.js";
import { HANGS_MS, IS_FULL, SEED, withBed, withReadyBed } from "./bed.js";
import { SPOILS } from "./invalid-configs.js";
import { Verdict } from "./verdict.js";

const CONFIGS = 200;
/** Each start is a process: a part of them, but for the whole run. */
const STARTS = IS_FULL ? CONFIGS : 30;

/** So many, each kind of mistake as often as any other. */
function* spoiled(good: string, count: number): Generator<string> {
  const random = seededRandom(SEED);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const offset = Math.floor(random() * SPOILS.length);
  for (let index = 0; index < count; index++) yield SPOILS[(offset + index) % SPOILS.length]!(good, pick);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(-120));
}

describe("an invalid config", () => {
  it.concurrent(`is refused by a running brokerd, which goes on with what it has: ${CONFIGS} of them`, {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    return withReadyBed({ verdict, name: "configs" }, async (bed) => {
      const good = readFileSync(bed.broker.configFile, "utf8");
      const access = await bed.access("dev");
      await bed.askUntil(access, ({ status }) => status === 200);
      const wrong: string[] = [];
      let named = 0;
      for (const text of spoiled(good, CONFIGS)) {
        bed.write(bed.broker.configFile, text);
        const error = await bed.broker.call("config-reload", {}).then(() => undefined, toBrokerError);
        if (error?.code !== "ConfigInvalid") wrong.push(`${error?.code ?? "taken"}: ${shown(text)}`);
        if (/config\.yaml:\d+/.test(error?.message ?? "")) named++;
        await bed.ask(access, { served: true });
      }
      const warnings = (await bed.broker.call("status", {})).daemon.warnings.join();
      bed.write(bed.broker.configFile, good);
      await bed.broker.call("config-reload", {});
      await bed.ask(access, { served: true });
      verdict.conclude({
        case: `${CONFIGS} invalid configs while brokerd runs`,
        expected: "each refused with ConfigInvalid, what runs goes on, status says it",
        got: `${CONFIGS - wrong.length} refused (${named} with the line); ${wrong.slice(0, 3).join("; ")}${warnings.includes("config.yaml") ? "said" : "not said"}, ${bed.waited}`,
        holds: wrong.length === 0 && named > CONFIGS / 2 && warnings.includes("config.yaml") && bed.quick,
        proves: ["C13"],
      });
    });
  });

  it.concurrent(`ends a start in the foreground with 2 and says where: ${STARTS} of them`, {
    timeout: HANGS_MS,
  }, () => {
    const verdict = new Verdict();
    return withBed({ verdict, name: "configs" }, async (bed) => {
      const good = readFileSync(bed.broker.configFile, "utf8");
      const wrong: string[] = [];
      for (const text of spoiled(good, STARTS)) {
        bed.write(bed.broker.configFile, text);
        const ended = await bed.start({ supervised: false });
        const isNamed = new RegExp(`^brokerd: error: .*${bed.broker.configFile}`, "m").test(ended?.stderr ?? "");
        if (ended?.code !== 2 || !isNamed)
          wrong.push(`${ended ? ended.code : "started"} ${ended?.stderr.slice(0, 200) ?? ""}: ${shown(text)}`);
        if (!ended) await bed.end("SIGKILL");
      }
      verdict.conclude({
        case: `${STARTS} starts with an invalid config`,
        expected: "each ends with 2 and names the file",
        got: `${STARTS - wrong.length} do${wrong.length ? `; ${wrong.slice(0, 3).join("; ")}` : ""}`,
        holds: wrong.length === 0,
        proves: ["C13"],
      });
    });
  });
});
