import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ControlResponse } from "../../control-api/contract.js";
import type { LoginFlow } from "../../control-api/login-contract.js";
import type { PageError } from "../connection/client.js";
import { now } from "../now.js";
import { asPageError, Dialog, FormDialog, Problem } from "../parts/dialog.js";
import { TextField } from "../parts/fields.js";
import { Icon } from "../parts/icon.js";
import { type Outcome, usePage } from "../parts/page-context.js";
import { until } from "../words/when.js";

type Choice = ControlResponse<"login-choices">["sources"][number];
type Started = ControlResponse<"login-start">;

/** Logs in to a source in its own way: a page of AWS, a code of an MFA device, or a program that prints one. */
export function LoginDialog({ source }: { readonly source: string }): JSX.Element {
  const { client } = usePage();
  const [choice, setChoice] = useState<Choice | null>(null);
  const [error, setError] = useState<PageError | null>(null);
  useEffect(() => {
    client
      .call("login-choices", {})
      .then(({ sources }) => setChoice(sources.find(({ name }) => name === source) ?? null))
      .catch((thrown: unknown) => setError(asPageError(thrown)));
  }, [client, source]);
  if (choice === null) {
    return (
      <Dialog title={`Log in to ${source}`}>
        <div class="dialog-body">{error ? <Problem error={error} /> : <p role="status">One moment…</p>}</div>
      </Dialog>
    );
  }
  return choice.type === "keys" ? <CodeLogin choice={choice} /> : <BrowserLogin source={source} />;
}

function CodeLogin({ choice }: { readonly choice: Choice }): JSX.Element {
  const { client } = usePage();
  const [code, setCode] = useState("");
  const { name, mfaSerial, mfaProcess } = choice;
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    const typed = code.replaceAll(/\s/g, "");
    const { expiresAt } = await client.call("login-mfa", { source: name, ...(!mfaProcess && { code: typed }) }, signal);
    return loggedIn(name, expiresAt);
  };
  return (
    <FormDialog title={`Log in to ${name}`} verb="Log in" submit={submit}>
      {mfaProcess ? (
        <p>The program that the config names prints the MFA code.</p>
      ) : (
        <TextField
          label="MFA code"
          value={code}
          onInput={setCode}
          required
          pattern="[0-9 ]{6,7}"
          inputMode="numeric"
          autocomplete="one-time-code"
          note={`Of ${mfaSerial ?? name}. A code works once.`}
        />
      )}
    </FormDialog>
  );
}

function loggedIn(source: string, expiresAt: number): Outcome {
  return { tone: "good", text: `logged in to ${source} until ${until(expiresAt, now())}` };
}

/** The login lives as long as this waits: closed, it ends. */
function BrowserLogin({ source }: { readonly source: string }): JSX.Element {
  const { client, say, openDialog, store } = usePage();
  const [started, setStarted] = useState<Started | null>(null);
  const [error, setError] = useState<PageError | null>(null);
  const waiting = useRef(new AbortController());
  useEffect(() => () => waiting.current.abort(), []);
  const start = async (flow: LoginFlow): Promise<void> => {
    setError(null);
    waiting.current.abort();
    waiting.current = new AbortController();
    const { signal } = waiting.current;
    try {
      const begun = await client.call("login-start", { source, flow }, signal);
      setStarted(begun);
      const { expiresAt } = await client.call("login-wait", { loginId: begun.loginId }, signal);
      openDialog(null);
      say(loggedIn(source, expiresAt));
      await store.reload();
    } catch (thrown) {
      if (signal.aborted) return;
      setStarted(null);
      setError(asPageError(thrown));
    }
  };
  return (
    <Dialog title={`Log in to ${source}`}>
      <div class="dialog-body">
        {started === null ? (
          <>
            <p>A page of AWS asks you to log in and to allow credbroker. The token stays with brokerd.</p>
            <div class="choices">
              <button type="button" class="primary" onClick={() => void start("browser")}>
                In this browser
              </button>
              <button type="button" onClick={() => void start("device")}>
                With a code, on any device
              </button>
            </div>
          </>
        ) : (
          <StartedLogin started={started} />
        )}
        {error && <Problem error={error} />}
      </div>
    </Dialog>
  );
}

function StartedLogin({ started }: { readonly started: Started }): JSX.Element {
  const { client } = usePage();
  const [code, setCode] = useState("");
  const [error, setError] = useState<PageError | null>(null);
  const { loginId, url, userCode, joined, takesCode = false } = started;
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    setError(null);
    client.call("login-code", { loginId, code: code.trim() }).catch((thrown: unknown) => setError(asPageError(thrown)));
  };
  return (
    <>
      {joined && <p>A login is under way already; this one joins it.</p>}
      {userCode !== null && (
        <p>
          Go on only if the page shows this code:
          <output class="user-code">{userCode}</output>
        </p>
      )}
      {isWebAddress(url) ? (
        <a class="button primary" href={url} target="_blank" rel="noopener noreferrer">
          Open the page of AWS <Icon name="out" />
        </a>
      ) : (
        <code class="address">{url}</code>
      )}
      <p role="status" class="waiting">
        <Icon name="turning" /> Waiting until you have logged in. Closing this ends the login.
      </p>
      {takesCode && (
        <form onSubmit={send}>
          <TextField label="Code that the page shows at its end" value={code} onInput={setCode} required />
          <button type="submit" class="primary">
            Send the code
          </button>
          {error && <Problem error={error} />}
        </form>
      )}
    </>
  );
}

/** Nothing else becomes a link: an address could be a script. */
export function isWebAddress(url: string): boolean {
  return /^https?:\/\//i.test(url);
}
