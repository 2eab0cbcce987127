/**
 * An access portal's URL in the one spelling that stands for all: browsers and consoles show `…/start`, `…/start/`,
 * `…/start#` and `…/start#/` for the same portal, and what follows a `#` never leaves the browser.
 */
export function canonicalStartUrl(url: string): string {
  const whole = url.trim().replace(/#.*$/s, "");
  const [, origin = "", rest = whole] = /^(https?:\/\/[^/?]*)(.*)$/is.exec(whole) ?? [];
  const query = rest.indexOf("?");
  const path = query < 0 ? rest : rest.slice(0, query);
  return origin.toLowerCase().replace(/^(https:.*):443$/, "$1") + path.replace(/\/+$/, "") + rest.slice(path.length);
}

/** The spellings under which a portal is met, the canonical one first. */
export function spellingsOfStartUrl(url: string): readonly string[] {
  const canonical = canonicalStartUrl(url);
  return [...new Set([canonical, ...["/", "#", "#/", "/#", "/#/"].map((end) => canonical + end), url])];
}
