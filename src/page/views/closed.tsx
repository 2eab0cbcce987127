import type { JSX } from "preact";
import type { PageError } from "../connection/client.js";
import { Command } from "../parts/small-parts.js";

/** There is no way to brokerd from here. */
export function Closed({ error }: { readonly error: PageError }): JSX.Element {
  return (
    <main class="closed">
      <h1>This page is not open</h1>
      <p>{error.message}</p>
      <Command text={error.hint ?? "brokerctl ui"} />
    </main>
  );
}
