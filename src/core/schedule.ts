/** What brokerd does at set times by itself. */
export type ScheduledAct =
  | { readonly do: "lock" }
  | { readonly do: "keys-rotate"; readonly source: string }
  | { readonly do: "login-notice"; readonly source: string };

/** An entry of `schedules:`. */
export interface Schedule {
  /** Cron's five fields, in the machine's time zone. */
  readonly cron: string;
  readonly act: ScheduledAct;
}

/** As the config has it: `keys-rotate ops-keys`. */
export function actText(act: ScheduledAct): string {
  return act.do === "lock" ? act.do : `${act.do} ${act.source}`;
}

/** As a message and a file name it; no two of a config have the same. */
export function scheduleText({ cron, act }: Schedule): string {
  return `${cron} ${actText(act)}`;
}
