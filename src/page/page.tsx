import { render } from "preact";
import { PageClient, PageError } from "./connection/client.js";
import { openSession } from "./connection/open-session.js";
import { PageStore } from "./connection/store.js";
import { asPageError } from "./parts/dialog.js";
import { App } from "./views/app.js";
import { Closed } from "./views/closed.js";

/** The page that `brokerctl ui` opens: see docs/ui.md. */
const root = document.querySelector("#page");
if (root) {
  try {
    const secret = await openSession();
    if (secret === undefined) throw noLink();
    const client = new PageClient(secret);
    const store = new PageStore(client);
    // The words that stand there while this loads.
    root.replaceChildren();
    render(<App client={client} store={store} />, root);
    await store.follow();
  } catch (error) {
    root.replaceChildren();
    render(<Closed error={asPageError(error)} />, root);
  }
}

function noLink(): PageError {
  return new PageError({
    code: "RequestRefused",
    message: "this page opens by a link of its own, once",
    hint: "brokerctl ui",
  });
}
