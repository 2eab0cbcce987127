/** What a page asks its user to decide on. */
export interface Question {
  readonly clientName: string;
  readonly scopes: readonly string[];
  /** Who may decide; the first stands as chosen. */
  readonly users: readonly string[];
  /** Where the form goes, and what it takes along unseen. */
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  readonly userCode?: string;
}

/** Approve or deny: two submit buttons named `decision`, with the ids `approve` and `deny`; no script. */
export function questionPage(question: Question): string {
  const { clientName, scopes, users, action, hidden, userCode } = question;
  const code =
    userCode === undefined ? "" : `<p>Check that your program shows this code:</p><p id="code">${escape(userCode)}</p>`;
  const what = scopes.length === 0 ? ["your accounts and roles"] : scopes;
  return page(
    `Allow ${clientName} to access your data?`,
    `${code}
    <p>It will have access to:</p>
    <ul>${what.map((scope) => `<li>${escape(scope)}</li>`).join("")}</ul>
    <form method="post" action="${escape(action)}">
      ${Object.entries(hidden).map(hiddenInput).join("")}
      ${userSelect(users)}
      <button id="deny" name="decision" value="deny">Deny access</button>
      <button id="approve" name="decision" value="approve">Allow access</button>
    </form>`,
  );
}

/** For a user who came without the code in the URL, or with a wrong one. */
export function codeEntryPage(problem = ""): string {
  return page(
    "Authorization requested",
    `<p id="problem" role="alert">${escape(problem)}</p>
    <form method="get" action="/device">
      <label>Enter the code that your program shows: <input id="user-code" name="user_code" autofocus></label>
      <button id="next">Next</button>
    </form>`,
  );
}

export function messagePage(title: string, text: string): string {
  return page(title, `<p id="message">${escape(text)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>${escape(title)}</title></head>
  <body>
    <h1>${escape(title)}</h1>
    ${body}
  </body>
</html>
`;
}

function hiddenInput([name, value]: readonly [string, string]): string {
  return `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`;
}

function userSelect(users: readonly string[]): string {
  const options = users.map((user) => `<option>${escape(user)}</option>`).join("");
  return `<label>Signed in as <select id="user" name="user">${options}</select></label>`;
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? "");
}
