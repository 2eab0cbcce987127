import { Secret } from "../core/secret.js";
import { isLoopback } from "./proxies.js";
import { unusableAnswer } from "./unreachable.js";

/** Fit for a header or a URL, which is where they go next. */
const PRINTABLE = /^[\x21-\x7e]+$/;
/** Real ones have 1 to 5 KB. */
const MAX_SECRET_LENGTH = 20_000;
/** What the user is to read or type. */
const USER_CODE = /^[\w-]{1,64}$/;
/** RFC 8628 §3.2, where the answer has none. */
const DEFAULT_INTERVAL_SECONDS = 5;
/** More than a day between two polls, or a token for more than ten years, is a mistake. */
const MAX_INTERVAL_SECONDS = 86_400;
const MAX_LIFE_SECONDS = 10 * 366 * 86_400;

/** An answer of Identity Center whose fields are read one by one; each that cannot be used is an AwsUnreachable naming it. */
export class SsoAnswer {
  readonly #action: string;
  readonly #host: string;

  constructor(action: string, host: string) {
    this.#action = action;
    this.#host = host;
  }

  secret(value: unknown, name: string): Secret {
    return new Secret(this.printable(value, name));
  }

  printable(value: unknown, name: string): string {
    const isUsable = typeof value === "string" && PRINTABLE.test(value) && value.length <= MAX_SECRET_LENGTH;
    if (!isUsable) throw this.refuse(`no ${name}`);
    return value;
  }

  userCode(value: unknown): string {
    if (typeof value !== "string" || !USER_CODE.test(value)) throw this.refuse("no userCode");
    return value;
  }

  /** A page that a browser may be sent to: https, or http on loopback (test servers). */
  pageUrl(value: unknown, name: string): string {
    const text = this.printable(value, name);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
    if (!url || !isSafe || url.username || url.password) throw this.refuse(`a ${name} that no browser should open`);
    return url.href;
  }

  /** Milliseconds. */
  lifeMs(seconds: unknown, name: string): number {
    const isUsable = typeof seconds === "number" && seconds > 0 && seconds <= MAX_LIFE_SECONDS;
    if (!isUsable) throw this.refuse(`no ${name} above zero`);
    return seconds * 1000;
  }

  intervalSeconds(value: unknown): number {
    if (value === undefined) return DEFAULT_INTERVAL_SECONDS;
    if (typeof value !== "number" || value <= 0 || value > MAX_INTERVAL_SECONDS) throw this.refuse("no interval");
    return value;
  }

  list<T>(value: readonly T[] | undefined, name: string): readonly T[] {
    if (value === undefined) throw this.refuse(`no ${name}`);
    return value;
  }

  accountId(value: unknown): string {
    if (typeof value !== "string" || !/^\d{12}$/.test(value)) throw this.refuse("an account without its id");
    return value;
  }

  roleName(value: unknown): string {
    if (typeof value !== "string" || !/^[\w+=,.@-]{1,64}$/.test(value)) throw this.refuse("a role without its name");
    return value;
  }

  /** The token of the next page; one that asks for the same page again would never end. */
  nextPage(found: unknown, asked: string | undefined): { readonly nextToken?: string } {
    if (found === undefined || found === null || found === "") return {};
    const nextToken = this.printable(found, "nextToken");
    if (nextToken === asked) throw this.refuse("the same page again");
    return { nextToken };
  }

  refuse(what: string): Error {
    return unusableAnswer(this.#action, this.#host, what);
  }
}

/** A name to show: what would move a terminal's cursor or the direction of writing is left out. */
export function displayName(value: unknown): string | undefined {
  const text = typeof value === "string" ? value.replace(/\p{C}+/gu, "").trim() : "";
  return text === "" ? undefined : text.slice(0, 256);
}
