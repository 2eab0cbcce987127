import { type ChildProcess, spawn } from "node:child_process";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Secret } from "../core/secret.js";
import type { Clock } from "./clock.js";
import type { Display } from "./session-display.js";

/** Plain text: a dialog shows it to the letter. */
export interface Dialog {
  readonly title: string;
  readonly lines: readonly string[];
}

export type DialogAnswer =
  | { readonly answer: "yes" | "no" | "timeout" }
  /** Nothing could be shown. */
  | { readonly answer: "impossible"; readonly why: string; readonly hint: string };

export type SecretAnswer =
  | { readonly answer: "given"; readonly secret: Secret }
  | { readonly answer: "no" | "timeout" }
  | Extract<DialogAnswer, { readonly answer: "impossible" }>;

export interface Dialogs {
  /** Shows it with the buttons Allow and Deny, of which Deny is the one that Return and Escape press. Never rejects. */
  ask(dialog: Dialog): Promise<DialogAnswer>;
  /** Shows it with a field whose text is not shown; `lines` are ours and no one else's text. Never rejects. */
  askSecret(dialog: Dialog): Promise<SecretAnswer>;
}

export interface SystemDialogsOptions {
  readonly platform: NodeJS.Platform;
  readonly clock: Clock;
  /** Where the X server's key is, if the session does not say. */
  readonly homeDir: string;
  /** Of the user's session, as it is now; undefined: none is known. */
  readonly display: () => Promise<Display | undefined>;
  /** Where dialog programs are looked for; default: where distributions put them. */
  readonly directories?: readonly string[];
  /** Default 60 s. */
  readonly limitMs?: number;
}

/** Only root installs programs there; PATH is not looked at. */
const DIRECTORIES = ["/usr/bin", "/bin"];
const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;
/** A person who looks for the window has found it by then; a question that stays open is answered by accident. */
const LIMIT_MS = 60_000;
/** After its own limit the program has this long to go. */
const GRACE_MS = 5000;
/** Of what it writes: the first words of its stderr, and a passphrase. */
const MAX_SAID = 4096;
/** GTK and Xt, where they find no X server or compositor: the user was not asked. */
const NO_SCREEN = /(?:cannot|can't|unable to|failed to) open display/i;
const UNLOCK =
  "with secret_store: passphrase, brokerctl unlock in your desktop session; else systemctl --user show-environment";

/** No settings of the user: a toolkit's can load code, or hide what stands in a window. */
const SETTINGS = {
  ...{ PATH: DIRECTORIES.join(":"), LANG: "C.UTF-8", HOME: "/nonexistent", XDG_CONFIG_HOME: "/nonexistent" },
  ...{ XDG_DATA_HOME: "/nonexistent", XDG_CACHE_HOME: "/nonexistent", GSETTINGS_BACKEND: "memory", NO_AT_BRIDGE: "1" },
};

interface DialogProgram {
  readonly name: string;
  readonly argv: (dialog: Dialog, seconds: number) => readonly string[];
  /** To have a secret typed, which it prints with a line break; absent: it cannot. */
  readonly secretArgv?: (dialog: Dialog, seconds: number) => readonly string[];
  /** What it says by its exit code; every other one is a no. */
  readonly answers: Readonly<Record<number, "yes" | "timeout">>;
}

/** The first that is there is taken. */
const PROGRAMS: Partial<Record<NodeJS.Platform, readonly DialogProgram[]>> = {
  linux: [
    {
      name: "zenity",
      argv: ({ title, lines }, seconds) => [
        ...["--question", "--no-markup", "--default-cancel", "--ok-label=Allow", "--cancel-label=Deny", "--width=520"],
        ...[`--timeout=${seconds}`, `--title=${title}`, `--text=${lines.join("\n")}`],
      ],
      secretArgv: ({ title, lines }, seconds) => [
        ...["--entry", "--hide-text", "--width=520", `--timeout=${seconds}`],
        ...[`--title=${title}`, `--text=${lines.join("\n")}`],
      ],
      answers: { 0: "yes", 5: "timeout" },
    },
    {
      name: "xmessage",
      // Its time-out ends with 0: a yes has a code of its own.
      argv: ({ title, lines }, seconds) => [
        ...["-buttons", "Deny:101,Allow:102", "-default", "Deny", "-center", "-timeout", String(seconds)],
        ...["-title", title, lines.join("\n")],
      ],
      answers: { 0: "timeout", 102: "yes" },
    },
  ],
  darwin: [
    {
      name: "osascript",
      // The texts are arguments of the script and no part of it.
      argv: ({ title, lines }, seconds) => [
        ...["-e", "on run argv"],
        ...[
          "-e",
          `set r to display dialog (item 2 of argv) with title (item 1 of argv) buttons {"Deny", "Allow"} default button "Deny" cancel button "Deny" with icon caution giving up after ${seconds}`,
        ],
        ...[
          "-e",
          "if gave up of r then error number 5",
          "-e",
          'if button returned of r is not "Allow" then error number 1',
        ],
        ...["-e", "end run", "--", title, lines.join("\n")],
      ],
      secretArgv: ({ title, lines }, seconds) => [
        ...["-e", "on run argv"],
        ...[
          "-e",
          `set r to display dialog (item 2 of argv) with title (item 1 of argv) default answer "" with hidden answer giving up after ${seconds}`,
        ],
        ...["-e", "if gave up of r then error number 5", "-e", "return text returned of r"],
        ...["-e", "end run", "--", title, lines.join("\n")],
      ],
      answers: { 0: "yes" },
    },
  ],
};

/** Dialog programs of the system, by absolute path, each in an environment that is made for it. */
export class SystemDialogs implements Dialogs {
  readonly #options: SystemDialogsOptions;
  readonly #running = new Set<ChildProcess>();

  constructor(options: SystemDialogsOptions) {
    this.#options = options;
  }

  async ask(dialog: Dialog): Promise<DialogAnswer> {
    const shown = await this.#show(dialog, ({ argv }) => argv);
    return "answer" in shown ? shown : { answer: shown.said };
  }

  async askSecret(dialog: Dialog): Promise<SecretAnswer> {
    const shown = await this.#show(dialog, ({ secretArgv }) => secretArgv);
    if ("answer" in shown) return shown;
    if (shown.said !== "yes") return { answer: shown.said };
    return { answer: "given", secret: new Secret(shown.printed.replace(/\r?\n$/, "")) };
  }

  /** The daemon ends: a question without a daemon has no answer. */
  stop(): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }

  async #show(dialog: Dialog, form: (program: DialogProgram) => DialogProgram["argv"] | undefined): Promise<Shown> {
    const found = await this.#find(form);
    if (!found) return impossible("no dialog program is installed", "sudo apt install zenity, or your system's like");
    const display = await this.#options.display();
    if (!display) return impossible("the screen of your session is not known to brokerd", UNLOCK);
    return this.#run(found, steady(dialog), display);
  }

  async #find(form: (program: DialogProgram) => DialogProgram["argv"] | undefined): Promise<Found | undefined> {
    const { platform, directories = DIRECTORIES } = this.#options;
    for (const program of PROGRAMS[platform] ?? []) {
      const argv = form(program);
      for (const directory of argv ? directories : []) {
        const path = join(directory, program.name);
        if (argv && (await isRootsOwn(directory)) && (await isRootsOwn(path))) return { ...program, argv, path };
      }
    }
    return undefined;
  }

  async #run(program: Found, dialog: Dialog, display: Display): Promise<Shown> {
    const { clock, homeDir, limitMs = LIMIT_MS } = this.#options;
    const argv = program.argv(dialog, Math.ceil(limitMs / 1000));
    const child = spawn(program.path, [...argv], {
      ...{ cwd: "/", shell: false, detached: true },
      stdio: ["ignore", "pipe", "pipe"],
      env: { XAUTHORITY: join(homeDir, ".Xauthority"), ...display, ...SETTINGS },
    });
    this.#running.add(child);
    const late = new AbortController();
    const cancel = clock.after(limitMs + GRACE_MS, () => {
      late.abort();
      child.kill("SIGKILL");
    });
    const [printed, said] = [firstOf(child.stdout), firstOf(child.stderr)];
    const code = await new Promise<number | undefined>((resolve) => {
      child.once("error", () => resolve(undefined));
      child.once("close", (exit) => resolve(exit ?? -1));
    });
    cancel();
    this.#running.delete(child);
    if (code === undefined) return impossible(`${program.path} could not be started`, `ls -l ${program.path}`);
    if (NO_SCREEN.test(said())) return impossible("the screen of your session does not answer", UNLOCK);
    return { said: late.signal.aborted ? "timeout" : (program.answers[code] ?? "no"), printed: printed() };
  }
}

interface Found extends DialogProgram {
  readonly path: string;
}

type Impossible = Extract<DialogAnswer, { readonly answer: "impossible" }>;
type Shown = Impossible | { readonly said: "yes" | "no" | "timeout"; readonly printed: string };

/** What it writes, as far as it is of use; the rest is read all the same. */
function firstOf(stream: Readable): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text = `${text}${chunk.toString("utf8")}`.slice(0, MAX_SAID)));
  return () => text;
}

function impossible(why: string, hint: string): Impossible {
  return { answer: "impossible", why, hint };
}

/** zenity takes a backslash for the start of an escape: it would make lines of its own. */
function steady({ title, lines }: Dialog): Dialog {
  return { title, lines: lines.map((line) => line.replaceAll("\\", "\uff3c").replaceAll(/[\p{Cc}]/gu, "?")) };
}

/** A link is root's choice as well, where the directory is root's; what it leads to is checked by the kernel alone. */
async function isRootsOwn(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.uid !== ROOT) return false;
  return found.isSymbolicLink() || (found.mode & WRITABLE_BY_OTHERS) === 0;
}
