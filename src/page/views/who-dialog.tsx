import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { PageResponse } from "../../control-api/page-contract.js";
import type { PageError } from "../connection/client.js";
import { asPageError, Dialog, Problem } from "../parts/dialog.js";
import { useNow, usePage } from "../parts/page-context.js";
import { lastUse, leaseTitle, programText } from "../words/leases.js";
import { until } from "../words/when.js";

/** `who ROLE`: which leases stand for it, and which programs hold its credentials until when. */
export function WhoDialog({ role }: { readonly role: string }): JSX.Element {
  const { client } = usePage();
  const [who, setWho] = useState<PageResponse<"who"> | null>(null);
  const [error, setError] = useState<PageError | null>(null);
  useEffect(() => {
    client
      .call("who", { role })
      .then(setWho)
      .catch((thrown: unknown) => setError(asPageError(thrown)));
  }, [client, role]);
  return (
    <Dialog title={`Who has ${role} now`}>
      <div class="dialog-body">
        {error && <Problem error={error} />}
        {!who && !error && <p role="status">One moment…</p>}
        {who && <Who who={who} />}
      </div>
    </Dialog>
  );
}

export function Who({ who }: { readonly who: PageResponse<"who"> }): JSX.Element {
  const now = useNow(10_000);
  const { role, leases, holders } = who;
  return (
    <>
      <h3>Leases</h3>
      {leases.length === 0 && <p class="note">No lease stands for {role}.</p>}
      <ul class="plain">
        {leases.map((lease) => (
          <li key={lease.id}>
            <b>{leaseTitle(lease)}</b> <span class="note">{lastUse(lease, now)}</span>
          </li>
        ))}
      </ul>
      <h3>Programs</h3>
      {holders.length === 0 && <p class="note">No program is known to hold credentials of {role}.</p>}
      <ul class="plain">
        {holders.map((holder) => (
          <li key={`${holder.lease} ${holder.pid ?? ""} ${holder.until}`}>
            {programText(holder)}{" "}
            <span class="note">
              by lease {holder.leaseName ?? holder.lease}, holds it until {until(holder.until, now)}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
