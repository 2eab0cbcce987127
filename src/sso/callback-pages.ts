/** What a browser is answered that came back with, or without, an authorization. */
export interface CallbackAnswer {
  readonly status: number;
  readonly html: string;
}

/** The browser's part is done; the token never was in it. */
export function successPage(source: string): CallbackAnswer {
  return page(200, {
    title: "Logged in",
    lines: [
      `credbroker is logged in to ${source}.`,
      "You can close this window and go back to your terminal: programs that waited get their credentials by themselves.",
    ],
  });
}

export function failurePage(why: string, source: string): CallbackAnswer {
  return page(400, {
    title: "Not logged in",
    lines: [why, `Nothing was stored. To try again, run in your terminal: brokerctl login ${source}`],
  });
}

/** For a request that is not the answer to what we asked: the login goes on waiting for the right one. */
export function refusalPage(why: string): CallbackAnswer {
  return page(400, { title: "Request refused", lines: [why, "The login in your terminal is not affected."] });
}

function page(status: number, { title, lines }: { title: string; lines: readonly string[] }): CallbackAnswer {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join("\n    ");
  const html = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)} – credbroker</title></head>
  <body>
    <h1>${escapeHtml(title)}</h1>
    ${paragraphs}
  </body>
</html>
`;
  return { status, html };
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? "");
}
