import { type ComponentChild, createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { PageClient } from "../connection/client.js";
import type { PageStore } from "../connection/store.js";
import { now } from "../now.js";

/** What an action came to, for the person who began it. */
export interface Outcome {
  readonly tone: "good" | "bad";
  readonly text: string;
  /** Further lines: what programs still hold. */
  readonly lines?: readonly string[];
  /** A command to copy. */
  readonly hint?: string | undefined;
}

export interface PageParts {
  readonly client: PageClient;
  readonly store: PageStore;
  readonly say: (outcome: Outcome) => void;
  /** One dialog at a time; null closes it. */
  readonly openDialog: (dialog: ComponentChild) => void;
}

export const PageContext = createContext<PageParts | null>(null);

export function usePage(): PageParts {
  const parts = useContext(PageContext);
  if (!parts) throw new Error("outside of the page");
  return parts;
}

/** Draws anew after each change of the store: from the first drawing on, as an effect comes later, and in a tab that is not seen much later. */
export function useStore(store: PageStore): PageStore["state"] {
  const [, draw] = useState(0);
  useLayoutEffect(() => store.subscribe(() => draw((count) => count + 1)), [store]);
  return store.state;
}

/** The time, told anew each so many milliseconds. */
export function useNow(everyMs: number): number {
  const [time, setTime] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => setTime(now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return time;
}
