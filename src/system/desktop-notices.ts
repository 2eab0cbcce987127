import type { Programs } from "./run-program.js";

/** Plain text, one line each. */
export interface DesktopNotice {
  readonly title: string;
  readonly text: string;
}

export interface DesktopNotices {
  /** Resolves with why it could not be shown, in words; undefined: it was. Never rejects. */
  show(notice: DesktopNotice): Promise<string | undefined>;
}

export interface SystemNoticesOptions {
  readonly platform: NodeJS.Platform;
  readonly programs: Programs;
}

/** A notification server answers at once; where there is none, D-Bus may look for one for 25 s. */
const LIMIT_MS = 10_000;

/** Notification programs of the system. The texts are arguments: no shell and no script reads them. */
export class SystemNotices implements DesktopNotices {
  readonly #options: SystemNoticesOptions;

  constructor(options: SystemNoticesOptions) {
    this.#options = options;
  }

  async show(notice: DesktopNotice): Promise<string | undefined> {
    const { platform, programs } = this.#options;
    const run = await programs.run(platform === "darwin" ? osascript(notice) : notifySend(notice), {
      limitMs: LIMIT_MS,
    });
    if (run.end === "output") return undefined;
    return run.end === "refused" ? run.problem : [run.reason, run.said].filter((part) => part !== "").join(": ");
  }
}

/** A server may take the text for markup, and notify-send takes a backslash in it for the start of an escape. */
function notifySend({ title, text }: DesktopNotice): readonly string[] {
  const body = text.replaceAll("\\", "\uff3c").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return ["notify-send", "--app-name=credbroker", "--icon=dialog-password", "--", title, body];
}

function osascript({ title, text }: DesktopNotice): readonly string[] {
  const script = ["on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run"];
  return ["osascript", ...script.flatMap((line) => ["-e", line]), "--", title, text];
}
