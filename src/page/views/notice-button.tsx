import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { PageStore } from "../connection/store.js";
import { NoticeTeller, noticesOf } from "../notices.js";
import { now } from "../now.js";
import { Icon } from "../parts/icon.js";

/** Browser notifications while the page is open; the browser asks for leave only when this is pressed. */
export function NoticeButton({ store }: { readonly store: PageStore }): JSX.Element | null {
  const isPossible = "Notification" in globalThis;
  const [permission, setPermission] = useState(isPossible ? Notification.permission : "denied");
  const [isOn, setOn] = useState(permission === "granted");
  useEffect(() => (isOn && permission === "granted" ? tell(store) : undefined), [store, isOn, permission]);
  if (!isPossible) return null;
  const toggle = async (): Promise<void> => {
    const given = permission === "default" ? await Notification.requestPermission() : permission;
    setPermission(given);
    setOn(given === "granted" && !isOn);
  };
  const isRefused = permission === "denied";
  return (
    <button
      type="button"
      class="quiet"
      aria-pressed={isOn}
      disabled={isRefused}
      title={
        isRefused
          ? "The browser's settings do not allow it"
          : "Tell me of requests and of logins that end, while this page is open"
      }
      onClick={() => void toggle()}
    >
      <Icon name="bell" /> <span class="wide">Notify me</span>
    </button>
  );
}

function tell(store: PageStore): () => void {
  const teller = new NoticeTeller(({ key, title, body }) => {
    const shown = new Notification(title, { body, tag: key });
    shown.onclick = () => {
      globalThis.focus();
      if (key.startsWith("request ")) location.hash = "#/requests";
    };
  });
  const look = (): void => {
    const { status, requests } = store.state;
    if (status) teller.take(noticesOf(status, requests, now()));
  };
  look();
  const timer = setInterval(look, 60_000);
  const stop = store.subscribe(look);
  return () => {
    clearInterval(timer);
    stop();
  };
}
