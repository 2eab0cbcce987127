import { loginCommandOf } from "../core/login-command.js";
import type { Source } from "../core/role.js";
import { type Schedule, type ScheduledAct, scheduleText } from "../core/schedule.js";
import type { ConfigProblem, FieldPath } from "./check/config-problem.js";
import type { Entries } from "./check/link-roles.js";
import { showValue } from "./check/show-value.js";
import type { NoticeSetting } from "./config.js";
import { problemOfCron } from "./cron-fields.js";
import { scheduleSchema } from "./schema/schedule-schema.js";

interface Around {
  readonly sources: Entries<unknown>;
  /** Sources without problems. */
  readonly resolved: ReadonlyMap<string, Source>;
  readonly notices: NoticeSetting;
}

interface ReadSchedules {
  readonly schedules: readonly Schedule[];
  readonly problems: readonly ConfigProblem[];
}

const ACTS: readonly ScheduledAct["do"][] = ["lock", "keys-rotate", "login-notice"];

/** `schedules:` with what each entry does; entries that the schema refuses are reported there. */
export function readSchedules(section: unknown, around: Around): ReadSchedules {
  const schedules = new Map<string, Schedule>();
  const problems: ConfigProblem[] = [];
  const entries: readonly unknown[] = Array.isArray(section) ? section : [];
  entries.forEach((raw, index) => {
    const entry = scheduleSchema.safeParse(raw).data;
    if (!entry) return;
    const path = ["schedules", index];
    const cron = entry.cron.trim().replaceAll(/\s+/g, " ");
    const problem = problemOfCron(cron);
    if (problem !== undefined) problems.push({ path: [...path, "cron"], message: problem });
    const act = readAct(entry.do, [...path, "do"], around);
    if ("message" in act) return void problems.push(act);
    const schedule = { cron, act };
    if (schedules.has(scheduleText(schedule))) problems.push({ path, message: "stands there twice" });
    schedules.set(scheduleText(schedule), schedule);
  });
  return { schedules: [...schedules.values()], problems };
}

function readAct(text: string, path: FieldPath, around: Around): ScheduledAct | ConfigProblem {
  const [name = "", source, ...more] = text.trim().split(/\s+/);
  const act = ACTS.find((one) => one === name);
  if (act === "lock" && source === undefined) return { do: act };
  if (act === undefined || act === "lock" || source === undefined || more.length > 0) {
    const message = `must be lock, keys-rotate SOURCE or login-notice SOURCE, not ${showValue(text)}`;
    return { path, message, ...(act === undefined && { suggest: { given: name, names: ACTS } }) };
  }
  return problemOfSource({ do: act, source }, path, around) ?? { do: act, source };
}

/** A source with problems of its own is reported there. */
function problemOfSource(
  act: Exclude<ScheduledAct, { readonly do: "lock" }>,
  path: FieldPath,
  { sources, resolved, notices }: Around,
): ConfigProblem | undefined {
  const quoted = showValue(act.source);
  if (!sources.has(act.source)) {
    return { path, message: `unknown source ${quoted}`, suggest: { given: act.source, names: [...sources.keys()] } };
  }
  const source = resolved.get(act.source);
  if (act.do === "keys-rotate" && source && source.type !== "keys") {
    return { path, message: `${quoted} is of type ${source.type}: only a source of type keys has a key to rotate` };
  }
  if (act.do === "login-notice" && source && loginCommandOf(source) === undefined) {
    return { path, message: `${quoted} takes no login, so there is none to tell of` };
  }
  if (act.do === "login-notice" && notices === "off") {
    return { path, message: "has no effect with notices: off; remove it, or that setting" };
  }
  return undefined;
}
