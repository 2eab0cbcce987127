import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { visibleText } from "../../core/visible-text.js";
import type { Clock } from "../../system/clock.js";
import { findProgram } from "../../system/find-program.js";
import type { Environment } from "../context.js";

/** Plain text: nothing of it is a secret. */
export interface PinentryQuestion {
  readonly title: string;
  /** One line each, also where a text of others would make more of it. */
  readonly lines: readonly string[];
  /** Beside the field. */
  readonly prompt: string;
  /** Why it is asked again. */
  readonly problem?: string | undefined;
}

export type PinentryAnswer =
  | { readonly answer: "typed"; readonly text: string }
  | { readonly answer: "cancelled" | "timeout" }
  /** The user could not be asked. */
  | { readonly answer: "impossible"; readonly why: string; readonly hint: string };

export interface PinentryOptions {
  /** `askpass` of the config: `pinentry`, or a program's absolute path. */
  readonly program: string;
  readonly env: Environment;
  readonly clock: Pick<Clock, "after">;
}

/** Only root installs there, or the owner of Homebrew; PATH is not looked at: the program that starts us sets it. */
const DIRECTORIES = ["/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin"];
const NAMES: Partial<Record<NodeJS.Platform, readonly string[]>> = { darwin: ["pinentry-mac", "pinentry"] };
/** A person who looks for the window has found it by then. */
const LIMIT_S = 60;
/** After its own limit the program has this long to go. */
const GRACE_MS = 5000;
/** Where the screen, the session bus and the language are: no key, token or setting of a toolkit that loads code. */
const PASSED =
  /^(?:DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|XDG_(?:RUNTIME_DIR|SESSION_TYPE|CURRENT_DESKTOP)|DBUS_SESSION_BUS_ADDRESS|HOME|USER|LOGNAME|LANG|LC_[A-Z]+|TERM)$/;
/** The Assuan manual, "Client requests": a line has at most 1,000 bytes, its end included. */
const MAX_LINE = 1000;
/** Of what it answers: more than any code or passphrase. */
const MAX_ANSWER = 64 * 1024;
/** Of its own words, in an error. */
const MAX_SAID = 200;
/** gpg-error.h; the upper bits name the library that found it. */
const ERROR = { mask: 0xffff, timeout: 62, cancelled: 99, notConfirmed: 114, fullyCancelled: 198 };

/** Asks in the window of a pinentry, as gpg-agent does (the Assuan protocol). Never rejects. */
export async function askByPinentry(question: PinentryQuestion, options: PinentryOptions): Promise<PinentryAnswer> {
  const found = await find(options.program);
  if ("why" in found) return { answer: "impossible", ...found };
  const passed = Object.entries(options.env).filter(([name]) => PASSED.test(name));
  const child = spawn(found.path, [], {
    ...{ cwd: "/", shell: false, env: { ...Object.fromEntries(passed), PATH: DIRECTORIES.join(":") } },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const assuan = new Assuan(child);
  const late = new AbortController();
  const cancel = options.clock.after(LIMIT_S * 1000 + GRACE_MS, () => {
    late.abort();
    assuan.end();
  });
  try {
    const answer = await converse(assuan, question, options.env);
    return late.signal.aborted ? { answer: "timeout" } : answer;
  } finally {
    cancel();
    assuan.end();
  }
}

async function find(
  program: string,
): Promise<{ readonly path: string } | { readonly why: string; readonly hint: string }> {
  const uid = process.getuid?.() ?? -1;
  if (program !== "pinentry") {
    const found = await findProgram({ program, searchPath: "", uid });
    return "path" in found ? found : { why: found.problem, hint: found.hint };
  }
  for (const directory of DIRECTORIES) {
    for (const name of NAMES[process.platform] ?? ["pinentry"]) {
      const found = await findProgram({ program: `${directory}/${name}`, searchPath: "", uid });
      if ("path" in found) return found;
    }
  }
  return {
    why: "no pinentry is installed",
    hint: "sudo apt install pinentry-gnome3, or your system's like; or name it in the config: askpass: /path/to/pinentry",
  };
}

async function converse(assuan: Assuan, question: PinentryQuestion, env: Environment): Promise<PinentryAnswer> {
  const greeting = await assuan.reply();
  if (greeting.error !== undefined) return failed(greeting);
  // One that it does not know is no failure.
  for (const option of optionsFor(env)) await assuan.ask("OPTION", option);
  await assuan.ask("SETTIMEOUT", String(LIMIT_S));
  for (const [command, text] of settingsOf(question)) {
    const reply = await assuan.ask(command, text);
    if (reply.error !== undefined) return failed(reply); // never a question without its words
  }
  const reply = await assuan.ask("GETPIN");
  return reply.error === undefined ? { answer: "typed", text: reply.data } : failed(reply);
}

/** The user's terminal, as gpg has it from its user, and language. */
function optionsFor(env: Environment): readonly string[] {
  const { GPG_TTY: tty, TERM: term = "dumb" } = env;
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => env[name]).find(Boolean) ?? "C.UTF-8";
  return [...(tty?.startsWith("/dev/") ? [`ttyname=${tty}`, `ttytype=${term}`] : []), `lc-ctype=${locale}`];
}

function settingsOf({ title, lines, prompt, problem }: PinentryQuestion): readonly (readonly [string, string])[] {
  return [
    ["SETTITLE", title],
    ["SETDESC", lines.map(oneLine).join("\n")],
    ["SETPROMPT", `${prompt}:`],
    ...(problem === undefined ? [] : ([["SETERROR", oneLine(problem)]] as const)),
  ];
}

function failed({ error = 0, said }: Reply): PinentryAnswer {
  const code = error & ERROR.mask;
  if (code === ERROR.timeout) return { answer: "timeout" };
  if ([ERROR.cancelled, ERROR.notConfirmed, ERROR.fullyCancelled].includes(code)) return { answer: "cancelled" };
  return {
    answer: "impossible",
    why: `pinentry could not ask: ${said}`,
    hint: "run it in a session with a screen, or set GPG_TTY=$(tty)",
  };
}

/** Some windows take `<` for markup. */
function oneLine(text: string): string {
  return visibleText(text).replaceAll(/\s/g, " ").replaceAll("<", "\u2039").replaceAll(">", "\u203a");
}

interface Reply {
  readonly data: string;
  /** undefined: OK. */
  readonly error?: number;
  /** In words, without what was typed. */
  readonly said: string;
}

/** The client's side of https://www.gnupg.org/documentation/manuals/assuan/ as far as a pinentry speaks it: a line out, lines back up to OK or ERR. */
class Assuan {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string, undefined>;
  #failure = "it ended without an answer";

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.once("error", (error) => {
      this.#failure = error.message;
    });
    child.stdin.on("error", () => undefined); // its end is told by the lines that do not come
    child.stderr.resume();
    this.#reader = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Also for what it left behind, which may hold the pipes open. */
  end(): void {
    this.#reader.close();
    this.#child.kill("SIGKILL");
    for (const pipe of this.#child.stdio) pipe?.destroy();
  }

  ask(command: string, text = ""): Promise<Reply> {
    this.#child.stdin.write(`${lineOf(command, text)}\n`);
    return this.reply();
  }

  async reply(): Promise<Reply> {
    let data = "";
    for (;;) {
      const next = await this.#lines.next();
      if (next.done === true || data.length > MAX_ANSWER) return { data: "", error: 1, said: this.#failure };
      const [, word = "", rest = ""] = /^(\S*) ?(.*)$/.exec(next.value) ?? [];
      if (word === "OK") return { data: unescaped(data), said: "" };
      if (word === "ERR") return errorOf(rest);
      if (word === "D") data += rest;
      // S and # are news and comments; an INQUIRE is not answered, and nothing that we send brings one.
    }
  }
}

/** `83886179 Operation cancelled <Pinentry>`. */
function errorOf(rest: string): Reply {
  const [number = "", ...words] = rest.split(" ");
  return { data: "", error: Number(number), said: visibleText(words.join(" ")).slice(0, MAX_SAID) };
}

function lineOf(command: string, text: string): string {
  let line = command;
  if (text !== "") line += " ";
  for (const character of text) {
    const next = character.replace(
      /[%\r\n]/,
      (found) => `%${found.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
    );
    if (Buffer.byteLength(line) + Buffer.byteLength(next) > MAX_LINE - 2) break;
    line += next;
  }
  return line;
}

/** Bytes first: a letter of several may be escaped in parts. */
function unescaped(data: string): string {
  const bytes = Buffer.from(data, "utf8").toString("latin1");
  const plain = bytes.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, "latin1").toString("utf8");
}
