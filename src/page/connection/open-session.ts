import { LINK_HEADER, type PageSession, SESSION_PATH } from "../../control-api/page-contract.js";
import { answerOf, reached } from "./client.js";

const SECRET_KEY = "credbroker-page";

/**
 * The secret of this tab: of a reload the one that it had, else what the link is exchanged for. The link leaves the address before
 * anything else. undefined: there is neither.
 */
export async function openSession(): Promise<string | undefined> {
  if (!isLink(location.hash)) return sessionStorage.getItem(SECRET_KEY) ?? undefined;
  const link = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  const response = await reached(() => fetch(SESSION_PATH, { method: "POST", headers: { [LINK_HEADER]: link } }));
  const { secret } = (await answerOf(response)) as PageSession;
  sessionStorage.setItem(SECRET_KEY, secret);
  return secret;
}

/** What begins with a slash is a place in the page. */
export function isLink(fragment: string): boolean {
  return /^#[^/]/.test(fragment);
}
